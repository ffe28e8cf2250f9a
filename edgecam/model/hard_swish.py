"""A quantised hard-swish in float numbers that rounds as the runtime's own integer kernel does.

That kernel works in 16 bits, so of the 256 numbers that it can get it rounds a few, whose result lies next to half-way
between two levels, to the other side than the exact function rounded once. An offset puts most of them right; the rest
is nudged one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = 2e-4  # steps of the result: float32 is off by less on 256 of them
OFFSETS = np.array(sorted(np.arange(-100, 101) / 2000, key=abs))  # steps: the kernel is off by less than the last
NUDGE = 0.25  # steps beyond half-way
MOST_NUDGES = 4  # each takes four operators


class Moves(NamedTuple):
    """What is added to a hard-swish, in steps of the result: to all of it, and to some levels, by their places."""

    offset: float
    nudges: dict[int, float]


def hard_swish(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """``x * relu6(x + 3) / 6``: Howard et al. 2019, arXiv:1905.02244."""
    return x * np.clip(x + 3, 0, 6) / 6


def moves(exact: NDArray[np.float64], wanted: NDArray[np.float64], lowest: int, highest: int) -> Moves | None:
    """Return what makes exact values round as wanted, or None where that would be too much.

    Args:
        exact: float64 [levels], in steps of the result.
        wanted: whole numbers [levels].
        lowest: what can be; values below it become it.
        highest: likewise.
    """
    down = np.where(wanted > lowest, wanted - 0.5 - exact, -np.inf) + SURE  # how far each may be moved
    up = np.where(wanted < highest, wanted + 0.5 - exact, np.inf) - SURE
    is_right = (down < OFFSETS[:, np.newaxis]) & (OFFSETS[:, np.newaxis] < up)
    best = int(is_right.sum(axis=1).argmax())  # of equals the smallest
    offset = float(OFFSETS[best])
    wrong = np.flatnonzero(~is_right[best])
    if len(wrong) > MOST_NUDGES:
        return None
    nudges = {int(at): float(down[at] + NUDGE if down[at] >= offset else up[at] - NUDGE) - offset for at in wrong}
    return Moves(offset, nudges)
