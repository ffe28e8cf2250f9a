"""Reads the settings: a file, what the command line says otherwise, and every mistake in them named at once."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from edgecam.addresses import HIDDEN
from edgecam.config.contradictions import contradictions
from edgecam.config.instances import default_name
from edgecam.config.mistakes import mistakes as mistakes_in
from edgecam.config.paths import put_homes_in
from edgecam.config.sections import OF_THE_MACHINE, Config, Section
from edgecam.config.views import put_inherited_in
from edgecam.errors import ConfigError, in_words, is_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

KEY = re.compile(r"\s*\w+\s*\..+", re.DOTALL)
NO_WORD = re.compile(r"[^\w.-]")


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
        branch, problem = _parse(override)
        mistakes += [f"--set: {mistake}" for mistake in ([problem] if problem else _looked_through(branch))]
        mistakes += [f"--set: {mistake}" for mistake in _put(tree, branch)]
    if model:
        _merge(tree, {"model": {"path": str(model)}})
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
        message = f"{path}: not TOML: {error}"
    raise ConfigError(message)


def _parse(override: str) -> tuple[dict[str, Any], str | None]:
    """Turn ``section.key=value`` into a tree; what is no TOML value is taken as a string.

    That of a view is ``views.name.section.key=value``.
    """
    key, equals, text = override.partition("=")
    is_of_view = key.strip().startswith("views.")
    names = [name.strip().strip('"') for name in key.split(".", 4 if is_of_view else 2)]
    if not (equals and KEY.fullmatch(key) and all(names) and len(names) > 1 + is_of_view):
        word = NO_WORD.split(override, maxsplit=1)[0]  # what follows may be a password
        rest = "" if word == override else HIDDEN
        return {}, f"{word}{rest}: expected SECTION.KEY=VALUE, such as {_example(word)}"
    if not is_utf8(override):
        return {}, f"{'.'.join(names)}: not UTF-8 text"
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # TOMLDecodeError, or a number that Python finds too long
        value = text
    for name in reversed(names[2:] if is_of_view else names):
        value = {name: value}
    if is_of_view:
        value = {"views": [{**(value if isinstance(value, dict) else {}), "name": names[1]}]}
    return value, None


def _example(word: str) -> str:
    """How to set a key that was written without its section; of what is none, any key."""
    sections = (name for name, section in get_type_hints(Config).items() if word in _keys_of(section))
    return next((f"{section}.{word}=..." for section in sections), "mqtt.host=10.0.0.2")


def _keys_of(section: Any) -> tuple[str, ...]:
    return section.__struct_fields__ if isinstance(section, type) and issubclass(section, Section) else ()


def _put(tree: dict[str, Any], branch: dict[str, Any]) -> Iterator[str]:
    """Put what an override says into the settings; name a view that is not there."""
    views = branch.pop("views", ()) if isinstance(branch.get("views"), list) else ()
    _merge(tree, branch)
    there = {view.get("name", ""): view for view in tree.get("views", ()) if isinstance(view, dict)}
    for view in views:
        if view["name"] in there:
            _merge(there[view["name"]], view)
        else:
            known = ", ".join(filter(None, map(str, there))) or "none"
            yield f"views.{view['name']}: no view is called so; known: {known}"


def _merge(tree: dict[str, Any], branch: dict[str, Any]) -> None:
    for key, value in branch.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value
