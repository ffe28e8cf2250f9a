"""What ``edgecam check`` finds out about one part."""

from __future__ import annotations

import textwrap
from enum import StrEnum

import click
import msgspec

from edgecam.tools.model_check import Facts, rows_of

INDENT = 22  # columns before what is said of a part


class Status(StrEnum):
    """How a part is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "red"}


class Finding(msgspec.Struct, frozen=True):
    """How one part is, and what to do about it; of a model also what is known of it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""
    facts: Facts | msgspec.UnsetType = msgspec.UNSET

    def line(self, columns: int | None = None) -> str:
        """For people: one line, or as many as it takes in a terminal of so many columns, and rows below it."""
        remedy = f"-> {self.remedy}" if self.remedy else ""
        said = f"{self.detail} {remedy}".rstrip()
        width = max(20, columns - INDENT) if columns else len(said)
        if len(said) > width:  # what to do is not to be searched for
            said = f"\n{'':{INDENT}}".join([*_wrapped(self.detail, width), *_wrapped(remedy, width)])
        rows = [f"\n{'':{INDENT}}{row}" for row in rows_of(self.facts)] if self.facts else []
        return f"{click.style(f'{self.status:8}', fg=COLOURS[self.status])} {self.name:12} {said}{''.join(rows)}"


def failure(name: str, detail: str, remedy: str) -> Finding:
    """Return the finding of a part that does not work."""
    return Finding(name, Status.FAILURE, detail, remedy)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
