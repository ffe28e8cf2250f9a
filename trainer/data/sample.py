"""Photographs drawn from many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def evenly(labels: NDArray[np.int64], indices: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Draw at most ``count`` of the indices, as many from each class as there are, in turn."""
    shuffled = np.random.default_rng(seed).permutation(indices)
    turn = np.zeros(len(shuffled), np.int64)
    for label in np.unique(labels[shuffled]):
        of_class = labels[shuffled] == label
        turn[of_class] = np.arange(of_class.sum())
    drawn: NDArray[np.int64] = shuffled[np.argsort(turn, kind="stable")[:count]]
    return drawn
