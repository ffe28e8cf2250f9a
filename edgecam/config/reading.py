"""Reads the settings: a file, what the command line says otherwise, and every mistake in them named at once."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from edgecam.config.contradictions import contradictions
from edgecam.config.mistakes import mistakes as mistakes_in
from edgecam.config.sections import Config
from edgecam.errors import ConfigError, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def load(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a file and apply overrides such as ``mqtt.host=10.0.0.2``; without a file every default holds.

    Raises:
        ConfigError: the file cannot be read, or any key in it or in the overrides is unknown or has a wrong value.
    """
    mistakes: list[str] = []
    tree: dict[str, Any] = _read(path) if path else {}
    mistakes += [f"{path}: {mistake}" for mistake in mistakes_in(tree, Config)]
    for override in overrides:
        branch, problem = _parse(override)
        mistakes += [f"--set: {mistake}" for mistake in ([problem] if problem else mistakes_in(branch, Config))]
        _merge(tree, branch)
    if not mistakes:
        config = msgspec.convert(tree, Config)
        mistakes = [f"{path or '--set'}: {mistake}" for mistake in contradictions(config)]
    if mistakes:
        raise ConfigError(*mistakes)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {in_words(error)}"
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 text (byte {error.start})"
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: not TOML: {error}"
    raise ConfigError(message)


def _parse(override: str) -> tuple[dict[str, Any], str | None]:
    """Turn ``section.key=value`` into a tree; what is no TOML value is taken as a string."""
    key, equals, text = override.partition("=")
    names = [name.strip().strip('"') for name in key.split(".", 2)]
    if not equals or len(names) < 2 or not all(names):  # noqa: PLR2004
        return {}, f"{override}: expected SECTION.KEY=VALUE, such as mqtt.host=10.0.0.2"
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    for name in reversed(names):
        value = {name: value}
    return value, None


def _merge(tree: dict[str, Any], branch: dict[str, Any]) -> None:
    for key, value in branch.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value
