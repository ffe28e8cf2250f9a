"""What people see while they wait: bars on a terminal, and a line for each step that is done."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CLEAR = "\r\x1b[K"  # the line that a terminal's cursor is in


def bar(things: Iterable[Any], title: str, total: int) -> Any:
    """Show a bar while things are gone through; nothing where there is no terminal."""
    return tqdm(things, title, total, leave=False, disable=None, unit="", dynamic_ncols=True)


@contextlib.contextmanager
def waiting(title: str) -> Iterator[None]:
    """Show a line while something takes long; nothing where there is no terminal."""
    is_seen = sys.stderr.isatty()
    if is_seen:
        sys.stderr.write(f"{title} ...")
        sys.stderr.flush()
    try:
        yield
    finally:
        if is_seen:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()


def say(line: str) -> None:
    """Print a line above the bar, to stderr as results are what stdout is for."""
    tqdm.write(line, file=sys.stderr)
