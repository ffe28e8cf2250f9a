"""What the user should know about the data, and how much of it is said at once."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

PhotoPath: TypeAlias = Path | zipfile.Path

SURROGATES = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no text
VARIES = re.compile(r"\S*[\d/]\S*")  # what differs between findings that say the same: a path, a number
JOINERS = "\u200c\u200d"  # within words of Persian and Hindi, within emoji: not printable, but meant


def printable(text: str) -> str:
    """Text from outside on one line: what cannot be printed is escaped."""
    shown_text = SURROGATES.sub("\ufffd", text)
    if shown_text.isprintable():
        return shown_text
    return "".join(
        each if each.isprintable() or each in JOINERS else each.encode("unicode_escape").decode() for each in shown_text
    )


def shown(path: PhotoPath) -> str:
    """A path as one line of text that can be printed and written, though its bytes may be none."""
    return printable(str(path))


class Finding(NamedTuple):
    """Something about the data that the user should know."""

    path: PhotoPath
    message: str

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.message}"

    def __lt__(self, other: object) -> bool:  # paths in an archive have no order of their own
        return str(self) < str(other)

    @property
    def kind(self) -> str:
        """What it says, whatever it says it of: alike for findings that are alike."""
        return VARIES.sub("*", self.message).replace("* *", "*")


def summed(findings: Iterable[Finding], each: int = 3) -> tuple[str, ...]:
    """Say in few lines what was found: what is alike stands together, and is counted after the first ``each``."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    lines = []
    for alike in kinds.values():
        told = len(alike) if len(alike) <= each + 1 else each  # "and 1 more" is no shorter than that one
        lines += [str(finding) for finding in alike[:told]]
        if told < len(alike):
            lines.append(f"... and {len(alike) - told:,} more like that: {alike[0].message}")
    return tuple(lines)
