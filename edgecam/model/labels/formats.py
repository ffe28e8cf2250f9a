"""The labels in the bytes of a file of any of the formats in which people have them."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from edgecam.errors import ModelError
from edgecam.model.labels.lines import Lines, has_heading, is_heading, of_lines, of_table
from edgecam.model.labels.literals import flow, yaml
from edgecam.model.labels.trees import KEYS, Found, labels_in, of_pbtxt

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 4_000_000
MAX_LABELS = 100_000
MAX_LENGTH = 255  # characters of a label: as long as a state of Home Assistant's may be
NEWLINE = re.compile(r"\r*\n|\r")  # a file that was made Windows' twice has \r\r\n
BROKEN = re.compile(r"""(\[|\{)\s*("|')""")  # no label begins so, only lists and maps that were cut or mistyped
HIDDEN = dict.fromkeys([0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, slots=True)
class Reading:
    """How the content of a file may be meant.

    Attributes:
        labels: one an index.
        form: the format as it was understood, for people.
        is_numbered: it is just as Teachable Machine writes labels: each with its index from 0 and a blank in front.
        maker: of whose making the file is, "yolo", "lobe" or "teachable machine"; empty: nothing tells.
    """

    labels: tuple[str, ...]
    form: str
    is_numbered: bool = False
    maker: str = ""


def parse(content: bytes, name: str) -> Reading:
    """Return how a file is most likely meant; see ``readings``."""
    return readings(content, name)[0]


def readings(content: bytes, name: str) -> list[Reading]:
    """Read labels: what is most likely meant first, then what may be; the number of scores decides.

    Args:
        content: of the file.
        name: the file's; by its suffix, .json, .csv, .tsv, .yaml, .yml and .pbtxt are told from a label a line.

    Raises:
        ModelError: no labels are found in it, said without the name.
    """
    if len(content) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1_000_000} MB; is it a file of labels?"
        raise ModelError(message)
    text = "\n".join(line.strip() for line in NEWLINE.split(_decoded(content)))
    if not text.strip():
        message = "it is empty"
        raise ModelError(message)
    found, refused = [], ""
    for reading in _readings(content, text, PurePath(name)):
        if refusal := _refusal(reading):
            refused = refused or refusal
        else:
            found.append(replace(reading, labels=tuple(map(_harmless, reading.labels, range(len(reading.labels))))))
    if not found:
        raise ModelError(refused)
    return found


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        known = encoding.removesuffix("-sig").upper()
        message = f"not {known} text (byte {error.start}); save it as UTF-8 text"
        raise ModelError(message) from None
    if "\0" in text:
        message = "no text; name a file with a label a line in model.labels"
        raise ModelError(message)
    return text.translate(HIDDEN)


def _readings(content: bytes, text: str, name: PurePath) -> Iterator[Reading]:
    suffix, text = name.suffix.lower(), text.strip()
    if suffix == ".json":
        yield _of_tree(_json(text), "JSON", name)
    elif suffix in {".yaml", ".yml"}:
        indented = "\n".join(line.expandtabs().rstrip() for line in NEWLINE.split(_decoded(content)))
        yield _of_tree(yaml(indented, KEYS), "YAML", name)
    elif suffix == ".pbtxt" or re.match(r"item\s*\{", text):
        yield _of_found(of_pbtxt(text), "TensorFlow")
    elif text[0] in "[{" and (tree := _bracketed(text, name)):
        yield tree
    elif BROKEN.match(text):
        message = "it begins as JSON does, but no labels can be read so; is a bracket, quote or comma missing?"
        raise ModelError(message)
    elif text.count("\n") > MAX_LABELS:
        message = f"more than {MAX_LABELS} lines; is it a file of labels?"
        raise ModelError(message)
    elif suffix in {".csv", ".tsv"} or has_heading(text.split("\n", 1)[0]):
        yield from map(_of_lines, of_table(text) or _of_column(text.split("\n")))
    else:
        yield from map(_of_lines, of_lines(text.split("\n")))


def _of_column(lines: list[str]) -> list[Lines]:
    if len(lines) == 1 or not is_heading(lines[0]):
        return of_lines(lines)
    below = "\n".join(lines[1:]).strip().split("\n")
    return [replace(found, form=f"{found.form} below a heading") for found in of_lines(below)]


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"no JSON: {error}"
        raise ModelError(message) from None


def _bracketed(text: str, name: PurePath) -> Reading | None:
    """JSON or Python's lists and maps in a file of another name; None: brackets are part of the labels."""
    try:
        return _of_tree(_json(text), "JSON", name)
    except ModelError:
        pass
    try:
        return _of_tree(flow(text), "Python", name)
    except ModelError:
        return None


def _of_tree(tree: Any, language: str, name: PurePath) -> Reading:
    found = labels_in(tree)
    if name.name.casefold() == "metadata.json" and "names" in tree:
        found = replace(found, maker="yolo")
    return _of_found(found, language)


def _of_found(found: Found, language: str) -> Reading:
    return Reading(tuple(found.labels), f"a {language} {found.shape}", maker=found.maker)


def _of_lines(found: Lines) -> Reading:
    maker = "teachable machine" if found.is_numbered else ""
    return Reading(tuple(found.labels), found.form, found.is_numbered, maker)


def _refusal(reading: Reading) -> str:
    """What is wrong with labels; empty: nothing."""
    if len(reading.labels) > MAX_LABELS:
        return f"more than {MAX_LABELS} labels ({reading.form})"
    longest = max(map(len, reading.labels))
    return f"a label of {longest} characters ({reading.form}); is it a file of labels?" if longest > MAX_LENGTH else ""


def _harmless(label: str, index: int) -> str:
    """A label without what would move a terminal's cursor or that a broker refuses; an empty one gets its index."""
    if not label.isprintable():
        label = "".join(map(_printable, label.translate(HIDDEN)))
    return label.strip() or f"class {index}"


def _printable(letter: str) -> str:
    if letter.isspace():
        return " "
    return "?" if unicodedata.category(letter) in {"Cc", "Cs"} else letter
