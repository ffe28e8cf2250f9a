"""Mistakes in single settings, each named with its key, and told in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from edgecam.addresses import shown
from edgecam.config.sections import SOURCES, Config, Crop, Source, TopicLevel, TopicPath, ViewName, is_section, keys_of
from edgecam.config.views import view_key
from edgecam.errors import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST = 60  # characters of a value or a key that are shown
LARGE = 1 << 64
COMMA = re.compile(r"-?\d+,\d+")


def mistakes(value: Any, expected: Any, key: str = "") -> Iterator[str]:
    """Name each wrong key below ``key``; msgspec itself stops at the first."""
    if type(None) in get_args(expected):  # a table that is None where it is not written
        expected = get_args(expected)[0]
    if isinstance(value, dict) and not _is(expected, tuple):  # where a word may stand for a table
        expected = next((each for each in get_args(expected) if is_section(each)), expected)
    if is_section(expected) and isinstance(value, dict):
        hints = get_type_hints(expected, include_extras=True)
        for name, item in value.items():
            path = _path(key, name)
            if name in hints:
                yield from mistakes(item, hints[name], path)
            else:
                yield f"{path}: unknown key; {_where_it_belongs(name, key, hints)}"
    elif isinstance(value, list | dict) and (items := _items(value, expected, key)) is not None:
        for path, item, kind in items:
            yield from mistakes(item, kind, path)
    else:
        try:
            msgspec.convert(value, expected)
        except msgspec.ValidationError as error:
            yield f"{key}: {_in_words(str(error), value, expected)}"


def _where_it_belongs(name: str, key: str, hints: Mapping[str, Any]) -> str:
    """What was meant by a key that is unknown in the section ``key``, which has ``hints``."""
    import difflib  # where nothing is wrong it is not needed

    within = [_path(key, f"{section}.{name}") for section, kind in hints.items() if name in keys_of(kind)]
    everywhere = get_type_hints(Config, include_extras=True)
    if name in everywhere and not within:
        return f"write {'[[views]]' if name == 'views' else f'[{name}]'}, a section of its own"
    elsewhere = [f"{section}.{name}" for section, kind in everywhere.items() if name in keys_of(kind)]
    near = within or elsewhere or difflib.get_close_matches(name, hints, 1)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(hints)}"


def _items(value: list[Any] | dict[str, Any], expected: Any, key: str) -> list[tuple[str, Any, Any]] | None:
    """Key, value and type of each item of a list of tables, or of a table of anything; None: it is neither."""
    kinds = get_args(expected)
    if isinstance(value, dict):
        return [(_path(key, name), item, kinds[1]) for name, item in value.items()] if _is(expected, dict) else None
    if not _is(expected, tuple) or not is_section(kinds[0]):
        return None
    return [(view_key(item, place), item, kinds[0]) for place, item in enumerate(value)]


def _is_list_of(kind: type, expected: Any) -> bool:
    """Whether a list of a kind of values is expected, though a word may stand for it."""
    return any(get_args(each) == (kind, ...) for each in (expected, *get_args(expected)) if _is(each, tuple))


def _is(expected: Any, kind: type) -> bool:
    return get_origin(expected) is kind


def _in_words(problem: str, value: Any, expected: Any) -> str:
    """``Expected `int`, got `str` `` as ``expected int, got str``; a bad value of the right type is shown."""
    if get_origin(expected) is Literal:
        return f"expected {' or '.join(map(repr, get_args(expected)))}, got {_told(value)}"
    problem, _, place = problem.replace("`", "").partition(" - at $")
    words, *others = get_args(expected) or (expected,)
    either = "enum value" in problem or " | " in problem  # a word where a number, a list or a table may stand too
    if either and not place and get_origin(words) is Literal and others:
        problem = f"expected {' or '.join(map(repr, get_args(words)))} or {_kind(others[0])}"
    if "matching regex" in problem:
        problem = _in_words_of_patterns(expected)
    if "float" in problem and isinstance(value, str) and COMMA.fullmatch(value):
        return f"expected a number, got '{value}': write {value.replace(',', '.')}"
    if _is(expected, tuple) and is_section(words):
        return f"expected a list of tables, got {_told(value)}: write [[views]]"
    if expected == Crop:
        came = (
            value if isinstance(value, list) and all(isinstance(each, int | float) for each in value) else _told(value)
        )
        return f"expected x, y, width and height as fractions of the picture, 0..1, got {str(came)[:LONGEST]}"
    if _is_list_of(type(value), expected) or (_is_list_of(float, expected) and isinstance(value, int)):
        expected_words = (
            problem.lower().partition(", got")[0].replace("array", "a list").replace("or list", "or a list")
        )
        return f"{expected_words}, got {_told(value)}: write [{_told(value)}]"
    for theirs, ours in (("object", "table"), ("array", "list"), ("Expected", "expected")):
        problem = problem.replace(theirs, ours)
    return problem + (f" in item {place}" if place else "") + ("" if ", got" in problem else f", got {_told(value)}")


def _kind(expected: Any) -> str:
    """What TOML calls a value of a type; of a table, how it is written."""
    if is_section(expected):
        return f"{{{', '.join(f'{name} = [...]' for name in expected.__struct_fields__)}}}"
    return "list" if get_origin(expected) is tuple else str(getattr(get_args(expected)[0], "__name__", ""))


def _in_words_of_patterns(expected: Any) -> str:
    if expected == TopicLevel:
        return "expected a name without / + # or control characters"
    if expected == TopicPath:
        return "expected levels such as home/cameras, without + # or control characters, and no / at either end"
    if expected == ViewName:
        return "expected letters, digits, - and _"
    if expected == Source:
        return f"expected {SOURCES}"
    return "expected the path of a file on this machine"


def _path(key: str, name: str) -> str:
    name = shown(name) if name.isprintable() else as_text(shown(name), LONGEST)
    return f"{key}.{name}" if key else name


def _told(value: Any) -> str:
    """A value in TOML's words, as far as it may be shown."""
    match value:
        case str():
            return as_text(shown(value), LONGEST)
        case bool():
            return "true" if value else "false"
        case list():
            return "a list"
        case dict():
            return "a table"
        case int() if abs(value) > LARGE:
            return "a larger number"
        case _:
            return str(value)
