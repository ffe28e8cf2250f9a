"""A TOML file that gives options of a command, as they would be typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NOT_GIVEN = {"settings", "help", "data"}


def read_settings(context: click.Context, _: click.Parameter, file: Path | None) -> None:
    """Take what a TOML file says for options that are not typed; its keys are the options' names.

    Raises:
        InputError: it cannot be read, or gives what is no option, or no value of that option's kind.
    """
    if file is None:
        return
    try:
        given = msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        message = f"--settings {file}: {in_words(error)}"
        raise InputError(message) from None
    except (msgspec.MsgspecError, ValueError) as error:
        message = f"--settings {file}: no TOML with a line an option: {error}"
        raise InputError(message) from None
    known = _options(context.command)
    defaults = {}
    for key, value in given.items():
        option = known.get(key.replace("-", "_"))
        if option is None:
            message = f"--settings {file}: {key}: no such option; see --help"
            raise InputError(message)
        types, expected = _expected(option)
        if type(value) not in types:  # a bool is no int here
            message = f"--settings {file}: {key}: expected {expected}"
            raise InputError(message)
        defaults[option.name or key] = [value] if option.multiple and isinstance(value, str) else value
    context.default_map = defaults


def _options(command: click.Command) -> dict[str, click.Option]:
    options = [each for each in command.params if isinstance(each, click.Option)]
    named = {name.lstrip("-").replace("-", "_"): option for option in options for name in option.opts}
    return {name: option for name, option in named.items() if name not in NOT_GIVEN}


def _expected(option: click.Option) -> tuple[tuple[type, ...], str]:
    """What an option takes, in TOML's types and in words."""
    if option.multiple:
        return (str, list), "a text in quotes, or a list of such"
    if option.is_flag:
        return (bool,), "true or false"
    if isinstance(option.type, click.types.IntParamType):
        return (int,), "a whole number"
    if isinstance(option.type, click.types.FloatParamType):
        return (int, float), "a number"
    return (str,), "a text in quotes"
