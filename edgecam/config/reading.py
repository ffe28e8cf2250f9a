"""Reads the settings: a file, what the command line says otherwise, and every mistake in them named at once."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from edgecam.config.contradictions import contradictions
from edgecam.config.instances import default_name
from edgecam.config.mistakes import mistakes as mistakes_in
from edgecam.config.overrides import parse, put
from edgecam.config.paths import put_homes_in
from edgecam.config.sections import OF_THE_MACHINE, Config
from edgecam.config.views import put_inherited_in
from edgecam.errors import ConfigError, in_words, is_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TWICE = re.compile(r"Cannot declare (\(.*\)) twice \((.*)\)", re.DOTALL)  # as tomllib says it
OVERWRITTEN = "Cannot overwrite a value"


def load(path: Path | None = None, overrides: Iterable[str] = (), model: Path | None = None) -> Config:
    """Read a file and apply overrides such as ``mqtt.host=10.0.0.2``; without a file every default holds.

    A camera without a name is called after its host, and one of several services' after its file too.

    Args:
        path: of the file.
        overrides: what counts before it.
        model: is taken instead of the file's, of which only what is said of the machine stays.

    Raises:
        ConfigError: the file cannot be read, or any key in it or in the overrides is unknown or has a wrong value.
    """
    tree: dict[str, Any] = _read(path) if path else {}
    mistakes = [f"{path}: {mistake}" for mistake in _looked_through(tree)]
    if model and not mistakes:
        if not is_utf8(str(model)):
            mistakes.append("--model: not UTF-8 text; rename the file")
        tree["model"] = {key: value for key, value in dict(tree.get("model", {})).items() if key in OF_THE_MACHINE}
    for override in overrides:
        mistakes += [f"--set: {mistake}" for mistake in _overridden(tree, override)]
    if model and not mistakes:
        tree["model"]["path"] = str(model)
    mistakes += _name_after(path, tree) if path and not mistakes else ()
    if not mistakes:
        put_inherited_in(tree)
        config = msgspec.convert(tree, Config)
        mistakes = [f"{path or '--set'}: {mistake}" for mistake in contradictions(config)]
    if mistakes:
        raise ConfigError(*mistakes)
    return config


def _name_after(path: Path, tree: dict[str, Any]) -> Iterator[str]:
    """Call a nameless camera after the file, where that is of one of several services."""
    camera = tree.setdefault("camera", {})
    if not camera.get("name"):
        try:
            camera["name"] = default_name(path)
        except ValueError as error:
            yield f"{path}: {error}"


def _overridden(tree: dict[str, Any], override: str) -> Iterator[str]:
    """Put what the command line says into the settings, and name the mistakes in it."""
    try:
        parsed = parse(override)
    except ValueError as error:
        yield str(error)
        return
    yield from _looked_through(parsed.branch)
    yield from put(tree, parsed)


def _looked_through(tree: dict[str, Any]) -> Iterator[str]:
    """Name the mistakes in settings, and make what paths there are whole."""
    yield from mistakes_in(tree, Config)
    yield from put_homes_in(tree, Config)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {in_words(error)}"
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 text (byte {error.start})"
    except ValueError as error:  # TOMLDecodeError, or a number that Python finds too long
        message = f"{path}: not TOML: {_said_plainly(str(error))}"
    raise ConfigError(message)


def _said_plainly(problem: str) -> str:
    """What makes a file no TOML: who pastes a section that is there already need not know Python's tuples."""
    if problem.startswith(OVERWRITTEN):
        return f"a key stands twice under one heading{problem.removeprefix(OVERWRITTEN)}; leave one of them"
    twice = TWICE.fullmatch(problem)
    if not twice:
        return problem
    heading = ".".join(ast.literal_eval(twice[1]))
    return f"[{heading}] stands there twice ({twice[2]}); put the lines below it under the first one"
