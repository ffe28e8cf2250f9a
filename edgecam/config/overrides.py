"""What the command line says otherwise than the settings file: ``--set SECTION.KEY=VALUE``, of views too."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from edgecam.addresses import HIDDEN, shown
from edgecam.config.sections import Config, keys_of
from edgecam.config.views import view_key
from edgecam.errors import is_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = re.compile(r"\s*\w+\s*\..+", re.DOTALL)
NO_WORD = re.compile(r"[^\w.-]")
VIEWS = "views"
# By its name, or as messages name one without: by its place, beginning with 0.
VIEW = re.compile(
    r'\s*views(?:\s*\.\s*(?:"(?P<quoted>[^"]*)"|(?P<name>[^."=]+))|\[(?P<place>\d{1,4})\])\s*\.(?P<rest>.+)'
)


class Override(NamedTuple):
    """A part of the settings; of a view, of the one that is called ``name``, or is at ``place``."""

    branch: dict[str, Any]
    name: str | None = None
    place: int | None = None


def parse(override: str) -> Override:
    """Read ``section.key=value``, or of a view ``views.name.section.key=value``.

    What is no TOML value is taken as a string.

    Raises:
        ValueError: it is neither; says so in a line, without what may be a password.
    """
    key, equals, text = override.partition("=")
    is_of_views = re.match(r"\s*views\b", key) is not None
    view = VIEW.fullmatch(key)
    names = [name.strip().strip('"') for name in (view["rest"] if view else key).split(".", 2)]
    is_whole = bool(view) if is_of_views else bool(KEY.fullmatch(key)) and len(names) > 1
    if not (equals and is_whole and all(names)):
        word = NO_WORD.split(override, maxsplit=1)[0]  # what follows may be a password
        rest = "" if word == override else HIDDEN
        message = f"{word}{rest}: expected {_expected(word, is_of_views=is_of_views)}"
        raise ValueError(message)
    if not is_utf8(override):
        message = f"{shown(key.strip())}: not UTF-8 text"
        raise ValueError(message)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # TOMLDecodeError, or a number that Python finds too long
        value = text
    for name in reversed(names):
        value = {name: value}
    if not view:
        return Override(value)
    if names[0] == "name":
        message = f"{shown(key.strip())}: a view gets another name in the settings file only"
        raise ValueError(message)
    place = int(view["place"]) if view["place"] else None
    name = None if view["place"] else (view["name"] or view["quoted"] or "").strip()
    # The empty ones before let a message name its place.
    named = {} if name is None else {"name": name}
    return Override({VIEWS: [*({} for _ in range(place or 0)), {**value, **named}]}, name, place)


def put(tree: dict[str, Any], override: Override) -> Iterator[str]:
    """Put an override into the settings, whatever they are; name a view that is not there."""
    if override.name is None and override.place is None:
        _merge(tree, override.branch)
        return
    views = tree.get(VIEWS)
    there = [view for view in views if isinstance(view, dict)] if isinstance(views, list) else []
    if override.place is not None:
        found = there[override.place : override.place + 1]
    else:
        found = [view for view in there if view.get("name", "") == override.name]
    for view in found[:1]:
        _merge(view, override.branch[VIEWS][-1])
    if not found:
        known = ", ".join(view_key(view, place).removeprefix(f"{VIEWS}.") for place, view in enumerate(there))
        which = view_key({"name": override.name}, override.place or 0) if override.name != "" else f'{VIEWS}.""'
        yield f"{which}: no view is called so; known: {known or 'none, as there are no [[views]] in the settings'}"


def _expected(word: str, *, is_of_views: bool) -> str:
    """What would be right, with an example."""
    if is_of_views:
        return f"{VIEWS}.NAME.KEY=VALUE, such as {VIEWS}.gate.every=1"
    sections = (name for name, section in get_type_hints(Config).items() if word in keys_of(section))
    return f"SECTION.KEY=VALUE, such as {next((f'{each}.{word}=...' for each in sections), 'mqtt.host=10.0.0.2')}"


def _merge(tree: dict[str, Any], branch: dict[str, Any]) -> None:
    for key, value in branch.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value
