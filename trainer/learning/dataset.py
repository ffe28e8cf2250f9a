"""What is learnt, and how much each picture of it counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.data.pixel_file import Pixels

MOST_WEIGHT = 5.0  # a picture of the rarest class never counts for more: at 1:100 a few would be all that is learnt
BACKGROUND_SHARE = 0.35  # of the others, as many pictures of nothing in particular are shown in an epoch
BACKGROUND_LEAST = 64


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures and what they show.

    Attributes:
        pixels: uint8 [pictures, size, size, 3], RGB.
        labels: int64 [pictures]: class indices.
        train: indices of those to learn from.
        validation: indices of those that tell how well.
        class_weights: float32 [classes]: how much a picture of each counts.
        background: indices of further ones to learn from, of what the classes are not: each epoch draws of them.
        background_validation: indices of such ones that tell, beside the others, how well.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    class_weights: NDArray[np.float32]
    background: NDArray[np.int64]
    background_validation: NDArray[np.int64]

    @property
    def drawn(self) -> int:
        """How many pictures of the background an epoch shows."""
        return min(len(self.background), max(BACKGROUND_LEAST, round(BACKGROUND_SHARE * len(self.train))))

    @property
    def shown(self) -> int:
        """How many pictures an epoch shows."""
        return len(self.train) + self.drawn

    def weighted(self, weights: NDArray[np.float32]) -> Dataset:
        """Return the same with other weights."""
        return replace(self, class_weights=weights)

    def epoch(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the indices that an epoch shows, in their order."""
        background = rng.permutation(self.background)[: self.drawn]
        drawn: NDArray[np.int64] = rng.permutation(np.concatenate([self.train, background]))
        return drawn


def class_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weigh rare classes more, so that all count alike, up to a bound.

    Args:
        counts: int64 [classes]: pictures of each that an epoch shows.

    Returns:
        float32 [classes], 1 on average over the pictures, `MOST_WEIGHT` at the most.
    """
    weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
    bounded = weights > MOST_WEIGHT
    while True:  # what the bounded ones do not count, the others do, which may then be too much for the next rarest
        left = counts.sum() - MOST_WEIGHT * counts[bounded].sum()
        even = np.where(bounded, MOST_WEIGHT, weights * left / (weights * counts)[~bounded].sum())
        if (even <= MOST_WEIGHT).all():
            return np.asarray(even, np.float32)
        bounded = bounded | (even > MOST_WEIGHT)
