"""Mistakes in single settings, each named with its key, and told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from edgecam.config.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterator


def mistakes(value: Any, expected: Any, key: str = "") -> Iterator[str]:
    """Name each wrong key below ``key``; msgspec itself stops at the first."""
    if isinstance(expected, type) and issubclass(expected, Section) and isinstance(value, dict):
        hints = get_type_hints(expected, include_extras=True)
        for name, item in value.items():
            path = f"{key}.{name}" if key else name
            if name in hints:
                yield from mistakes(item, hints[name], path)
            else:
                import difflib  # where nothing is wrong it is not needed

                near = difflib.get_close_matches(name, hints, 1)
                yield f"{path}: unknown key; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(hints)}")
    elif get_origin(expected) is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from mistakes(item, get_args(expected)[1], f"{key}.{name}")
    else:
        try:
            msgspec.convert(value, expected)
        except msgspec.ValidationError as error:
            yield f"{key}: {_in_words(str(error), value, expected)}"


def _in_words(problem: str, value: Any, expected: Any) -> str:
    """``Expected `int`, got `str` `` as ``expected int, got str``; a bad value of the right type is shown."""
    if get_origin(expected) is Literal:
        return f"expected {' or '.join(map(repr, get_args(expected)))}, got {value!r}"
    problem, _, place = problem.replace("`", "").partition(" - at $")
    if "enum value" in problem:  # a word where a number may stand too
        words, numbers = get_args(expected)
        problem = f"expected {get_args(numbers)[0].__name__} or {' or '.join(map(repr, get_args(words)))}"
    if "matching regex" in problem:
        problem = "expected a name without / + # or control characters"
    for theirs, ours in (("object", "table"), ("array", "list"), ("Expected", "expected")):
        problem = problem.replace(theirs, ours)
    return problem + (f" in item {place}" if place else "") + ("" if ", got" in problem else f", got {value!r}")
