"""How a training goes, epoch by epoch, and when it had better stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Epoch(msgspec.Struct, frozen=True):
    """One pass over the photographs, at a size in pixels a side; accuracies are fractions, losses in nats.

    Nothing was learnt before the first.
    """

    stage: str
    loss: float | None
    accuracy: float | None
    validation_loss: float
    validation_accuracy: float
    seconds: float
    size: int = 0


def best(epochs: Sequence[Epoch]) -> int | None:
    """Index of the epoch with the lowest validation loss: a finer measure than accuracy where photographs are few.

    Losses at different sizes do not compare: that of the greatest counts.
    """
    size = max((epoch.size for epoch in epochs), default=0)
    whole = [index for index, epoch in enumerate(epochs) if epoch.size == size]
    return min(whole, key=lambda index: epochs[index].validation_loss, default=None)


def has_stalled(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the last ``patience`` epochs brought nothing better."""
    at = best(epochs)
    return at is not None and len(epochs) - 1 - at >= patience
