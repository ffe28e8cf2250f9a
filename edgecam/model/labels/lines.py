"""Labels a line, and in the columns of a table.

What stands in front of each label (a number, ImageNet's name of a synset) is taken off only where all lines have it,
and numbers only where they count up: 1 euro, 2 euro, 5 euro are names.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.model.labels.literals import QUOTED, plain, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NUMBERED = re.compile(r"([0-9]{1,6})(\s*[,:;=|)]\s*|\.\s+|\s+-\s+|\s+)(\S.*)")
NUMBERED_BEHIND = re.compile(r"(\S.*?)(?<!\s)(\s*[,:;=|\t]\s*)([0-9]{1,6})")
SYNSET = re.compile(r"n[0-9]{8}[\s,:;]+(\S.*)")
IN_QUOTES = re.compile(rf"(b?)({QUOTED}),?")
DELIMITERS = ",;\t|"
# Words above the columns of tables; the most telling first.
NAMES = ("displayname", "classname", "labelname", "name", "names", "label", "labels", "class", "classes", "category")
HEADINGS = {*NAMES, "index", "idx", "id", "classid", "labelid", "classindex", "number", "species", "commonname"}


@dataclass(frozen=True, slots=True)
class Lines:
    """Labels, of which some may be empty; in which form they were; and whether as Teachable Machine writes them."""

    labels: list[str]
    form: str
    is_numbered: bool = False


def of_lines(lines: Sequence[str]) -> list[Lines]:
    """Read a label a line: what is most likely meant, and then what else may be.

    Args:
        lines: stripped, of which the first and the last are not empty.
    """
    filled = [line for line in lines if line]
    found = _of_filled(filled)
    if len(filled) == 1:
        parts = [part.strip() for part in re.split(f"[{DELIMITERS}]", filled[0]) if part.strip()]
        row = Lines(_bare(parts) or parts, "labels in one line")
        return [row, found] if len(parts) > 1 and not found.is_numbered else [found]
    if len(filled) == len(lines) or "index" in found.form:
        return [found]
    names = iter(found.labels)
    with_gaps = Lines([next(names) if line else "" for line in lines], f"{found.form}, some of them blank")
    return [with_gaps, Lines(found.labels, f"{found.form}, blank ones left out")]


def of_table(text: str) -> list[Lines]:
    """Read the column of labels in a table, by its column of indices where there is one; empty: it is no table."""
    for delimiter in DELIMITERS:
        try:
            rows = [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)]
        except csv.Error:
            continue
        rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
        if len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            return _of_rows(rows)
    return []


def has_heading(line: str) -> bool:
    """Whether a line is that above a table: words for an index and a label."""
    cells = re.split(f"[{DELIMITERS}]", line)
    return len(cells) > 1 and all(plain(cell) in HEADINGS for cell in cells)


def is_heading(line: str) -> bool:
    """Whether a line is the word above a single column."""
    return plain(line) in NAMES


def _of_filled(lines: list[str]) -> Lines:
    label, is_numbered, labels = "a label", False, lines
    front: list[str] = []
    behind: list[str] = []
    if bare := _bare(labels):
        label, labels = "a label in quotes", bare
    if found := _without_numbers(labels):
        labels, is_in_front, is_numbered = found
        (front if is_in_front else behind).append("an index")
        if bare := _bare(labels):
            label, labels = "a label in quotes", bare
    synsets = [SYNSET.fullmatch(text) for text in labels]
    if all(synsets):
        front.append("a synset")
        labels = [synset[1] for synset in synsets if synset]
    parts = [*front, label, *behind]
    form = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return Lines(labels, f"{form} a line", is_numbered and parts == ["an index", "a label"])


def _without_numbers(lines: list[str]) -> tuple[list[str], bool, bool] | None:
    """Take numbers off that count up, in front of the labels or behind them, unless hardly a name is left then.

    Returns:
        The labels, whether the numbers stood in front, and whether just as Teachable Machine writes them.
    """
    front = [NUMBERED.fullmatch(line) for line in lines]
    behind = [] if all(front) else [NUMBERED_BEHIND.fullmatch(line) for line in lines]
    matches = [match for match in front if match] if all(front) else [match for match in behind if match]
    if not matches or len(matches) != len(lines):
        return None
    number, text = (1, 3) if all(front) else (3, 1)
    start = int(matches[0][number])
    if start > 1 or (start == 1 and (len(lines) == 1 or not all(front))):
        return None
    in_order = all(int(match[number]) == place for place, match in enumerate(matches, start))
    if not in_order or len({match[2].strip() for match in matches}) > 1:
        return None
    labels = [match[text].strip() for match in matches]
    if len(lines) > 1 and 2 * len({*labels}) <= len(labels):
        return None
    return labels, all(front), start == 0 and all(match[2] == " " for match in matches)


def _bare(lines: list[str]) -> list[str]:
    """The labels without quotes around each; empty: not all have them."""
    matches = [IN_QUOTES.fullmatch(line) for line in lines]
    if not all(matches):
        return []
    return [_of_bytes(unquoted(match[2])) if match[1] else unquoted(match[2]).strip() for match in matches if match]


def _of_bytes(text: str) -> str:
    """Characters that are bytes of UTF-8, as Python writes bytes."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _of_rows(rows: list[list[str]]) -> list[Lines]:
    columns = [*zip(*rows, strict=True)]
    ordered = _indices(columns)
    below = [column[1:] for column in columns]
    if ordered is not None:
        return [_of_columns((), columns, ordered)]
    ordered = _indices(below)
    with_heading = _of_columns(rows[0], below, ordered)
    if ordered is not None or any(plain(cell) in HEADINGS for cell in rows[0]):
        return [with_heading]
    return [_of_columns((), columns, None), with_heading]


def _of_columns(
    heading: Sequence[str], columns: Sequence[Sequence[str]], ordered: tuple[int, list[int]] | None
) -> Lines:
    labels = [*columns[_named(heading, columns, ordered and ordered[0])]]
    if ordered is not None:
        by_index = dict(zip(ordered[1], labels, strict=True))
        labels = [by_index[index] for index in sorted(by_index)]
    form = "a table with an index and a label a line" if ordered else "a table with a label a line"
    return Lines(labels, f"{form} below a heading" if heading else form)


def _indices(columns: Sequence[Sequence[str]]) -> tuple[int, list[int]] | None:
    """The first column that holds each index once, from 0 or from 1, and its numbers."""
    for place, column in enumerate(columns):
        if column and all(re.fullmatch("[0-9]{1,9}", cell) for cell in column):
            numbers = [int(cell) for cell in column]
            if sorted(numbers) in ([*range(len(numbers))], [*range(1, len(numbers) + 1)]):
                return place, numbers
    return None


def _named(heading: Sequence[str], columns: Sequence[Sequence[str]], index: int | None) -> int:
    """The place of the column with the labels."""
    others = [place for place in range(len(columns)) if place != index]
    named = {plain(heading[place]): place for place in reversed(others) if heading}
    is_name: tuple[Callable[[str], object], ...] = (
        lambda cell: cell and not re.fullmatch("[0-9.]+|n[0-9]{8}|/[mg]/.*", cell),
        lambda cell: cell,
    )
    told = next((named[word] for word in NAMES if word in named and any(map(is_name[0], columns[named[word]]))), None)
    if told is not None:
        return told
    return next((place for test in is_name for place in others if any(map(test, columns[place]))), others[0])
