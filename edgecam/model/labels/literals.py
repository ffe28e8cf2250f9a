"""Small nested text, as YAML and Python write it: lists and maps of labels, and strings in quotes.

YAML's own libraries are no part of the daemon. This is the little of it in which names of classes are written, read
strictly: what is not understood is refused, not guessed.
"""

from __future__ import annotations

import re
from typing import Any

from edgecam.errors import ModelError, as_text

MAX_DEPTH = 8
SHOWN = 40  # characters of what is not understood
MAX_FLOW = 1_000_000  # characters of lists and maps in brackets
LONG = 2_000  # characters: no line with a comment is longer
QUOTED = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*\""""
ESCAPE = re.compile(r"""\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[\\'"/nrt0 ])""")
CONTROL = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
TOKEN = re.compile(
    rf"\s*(?:(?P<mark>[\[\]{{}},:])|(?P<quoted>{QUOTED})|(?P<plain>[^\s,\[\]{{}}:'\"](?:[^,\[\]{{}}:]|:(?!\s|$|['\"\[{{]))*))"
)
ITEM = re.compile(r"-(?:\s+(?P<text>.*))?")
PAIR = re.compile(
    rf"(?P<key>{QUOTED}|[^\s'\"\[\]{{}},#&*!|>%@`-](?:[^:#]|:(?=\S)|(?<=\S)#)*?)(?<!\s)\s*:(?:\s+(?P<text>.*))?"
)
COMMENT = re.compile(rf"""((?:(?<=\w)['"]|{QUOTED}|[^#]|(?<=\S)#)*)(?:#.*)?""")
RESERVED = "&*!|>%@`"


def unquoted(text: str) -> str:
    """Take the quotes off, and resolve what is escaped in them."""
    inner = text[1:-1].replace(text[0] * 2, text[0])
    return ESCAPE.sub(_character, inner)


def _character(escape: re.Match[str]) -> str:
    kind, digits = escape[1][0], escape[1][1:]
    if not digits:
        return CONTROL.get(kind, kind)
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else "?"  # noqa: PLR2004  the end of Unicode


def scalar(text: str) -> str | int:
    """A string, or the number that stands there without quotes; a number's odd spelling (007) stays a string.

    Raises:
        ModelError: it is of YAML's other kinds (an anchor, a block of text, ...).
    """
    if re.fullmatch(QUOTED, text, re.DOTALL):
        return unquoted(text)
    if text[:1] in RESERVED and text:
        raise _not_understood(text)
    return int(text) if NUMBER.fullmatch(text) else "" if text in {"~", "null", "Null", "NULL"} else text


def flow(text: str) -> Any:
    """Read a list or a map in brackets, as Python's ``str`` and YAML write them; scalars are str or int.

    Raises:
        ModelError: it is none, does not end where its bracket closes, or is longer than MAX_FLOW.
    """
    if len(text) > MAX_FLOW:
        message = f"more than {MAX_FLOW} characters in brackets; is it a file of labels?"
        raise ModelError(message)
    reader = _Flow(text)
    tree = reader.value(0)
    if text[reader.place :].strip():
        raise _not_understood(text[reader.place :])
    return tree


class _Flow:
    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def value(self, depth: int) -> Any:
        token = self._next()
        if token["mark"] not in {"[", "{"}:
            return self._scalar(token)
        if depth == MAX_DEPTH:
            raise _not_understood(self.text[token.start() :])
        return self._list(depth) if token["mark"] == "[" else self._map(depth)

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while not self._is_next("]"):
            found.append(self.value(depth + 1))
            self._comma("]")
        return found

    def _map(self, depth: int) -> dict[str | int, Any]:
        found: dict[str | int, Any] = {}
        while not self._is_next("}"):
            key = self._scalar(self._next())
            found[key] = self.value(depth + 1) if self._is_next(":") else ""
            self._comma("}")
        return found

    def _comma(self, end: str) -> None:
        """Pass a comma; NumPy writes lists of strings without."""
        token = self._peek()
        if not self._is_next(",") and not (token["mark"] == end or (token["quoted"] and end == "]")):
            raise _not_understood(self.text[self.place :])

    def _scalar(self, token: re.Match[str]) -> str | int:
        if token["mark"]:
            raise _not_understood(self.text[token.start() :])
        return unquoted(token["quoted"]) if token["quoted"] else scalar(token["plain"].strip())

    def _is_next(self, mark: str) -> bool:
        token = self._peek()
        if token["mark"] == mark:
            self.place = token.end()
            return True
        return False

    def _next(self) -> re.Match[str]:
        token = self._peek()
        self.place = token.end()
        return token

    def _peek(self) -> re.Match[str]:
        token = TOKEN.match(self.text, self.place)
        if token is None:
            raise _not_understood(self.text[self.place :])
        return token


def plain(key: object) -> str:
    """A key as keys are compared: in any case, with or without underscores."""
    return re.sub(r"[\W_]", "", str(key).casefold())


def yaml(text: str, keys: tuple[str, ...]) -> Any:
    """Read a YAML file of names: all of it, or what stands at its top under the first of ``keys``, plain, that it has.

    Returns:
        A list, or a map; of a file with such a key a map of this key and the other keys of the top, whose values are
        "" (they are not read).

    Raises:
        ModelError: it is written in a way that is not understood.
    """
    lines = [line for line in map(_bare, text.split("\n")) if line.strip() and not re.match(r"---|\.\.\.|%", line)]
    tops = [(place, pair) for place, line in enumerate(lines) if (pair := PAIR.fullmatch(line))]
    named = {plain(scalar(pair["key"])): (place, pair["text"] or "") for place, pair in reversed(tops)}
    key = next((key for key in keys if key in named), None)
    if key is None:
        return _block(lines)
    place, rest = named[key]
    below: list[str] = []
    for line in lines[place + 1 :]:
        if line[0] not in " -]}":
            break
        below.append(line)
    tree = _block(below) if not rest else flow(_joined([rest, *below])) if rest[0] in "[{" else scalar(rest)
    return dict.fromkeys(named, "") | {key: tree}


def _bare(line: str) -> str:
    """A line without its comment."""
    if "#" not in line or len(line) > LONG:
        return line.rstrip()
    found = COMMENT.match(line)
    return (found[1] if found else line).rstrip()


def _block(lines: list[str]) -> Any:
    """Read items or pairs, a line each; what stands further in goes on with the line before."""
    if lines and lines[0].lstrip()[0] in "[{":
        return flow(_joined(lines))
    depth = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    whole: list[str] = []
    for line in lines:
        inner = line[depth:]
        if whole and inner[:1] == " ":
            whole[-1] = _joined([whole[-1], inner])
        elif line[:depth].strip() or inner[:1] == " ":
            raise _not_understood(line)
        else:
            whole.append(inner)
    items = [ITEM.fullmatch(line) for line in whole]
    if all(items):
        return [_value(item["text"]) for item in items if item]
    pairs = [(line, PAIR.fullmatch(line)) for line in whole]
    for line, pair in pairs:
        if pair is None:
            raise _not_understood(line)
    return {scalar(pair["key"]): _value(pair["text"]) for _, pair in pairs if pair}


def _joined(lines: list[str]) -> str:
    """Lines as one; a backslash at the end of one joins it to the next without a blank."""
    return re.sub(r"\\\n|\n", lambda end: "" if len(end[0]) > 1 else " ", "\n".join(line.strip() for line in lines))


def _value(text: str | None) -> Any:
    text = (text or "").strip()
    return flow(text) if text[:1] in {"[", "{"} else scalar(text)


def _not_understood(text: str) -> ModelError:
    return ModelError(f"not understood: {as_text(text.strip(), SHOWN)}")
