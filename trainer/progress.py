"""What people see while they wait: bars on a terminal, and a line for each step that is done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterable


def bar(things: Iterable[Any], title: str, total: int) -> Any:
    """Show a bar while things are gone through; nothing where there is no terminal."""
    return tqdm(things, title, total, leave=False, disable=None, unit="", dynamic_ncols=True)


def say(line: str) -> None:
    """Print a line above the bar, to stderr as results are what stdout is for."""
    tqdm.write(line, file=sys.stderr)
