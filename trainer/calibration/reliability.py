"""Whether scores say how often they are right, and what is told and not told at given thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures whose highest score lies in a range: above ``low`` (the first: from 0 on), up to ``high``.

    Attributes:
        low: 0..1.
        high: 0..1.
        pictures: how many these are.
        confidence: their mean highest score; NaN without pictures.
        accuracy: the share that is right; NaN without pictures.
    """

    low: float
    high: float
    pictures: int
    confidence: float
    accuracy: float


def reliability(scores: NDArray[np.float32], labels: NDArray[np.int64], bins: int = BINS) -> tuple[Bin, ...]:
    """Sort pictures by their highest score into bins of equal width, as a reliability diagram shows them.

    Args:
        scores: float32 [pictures, classes], 0..1.
        labels: int64 [pictures]: what they show.
        bins: how many; more than 0.
    """
    confidence, right = scores.max(1, initial=0).astype(np.float64), hits(scores, labels)
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    members = (places == place for place in range(bins))
    return tuple(
        Bin(float(low), float(high), int(inside.sum()), _mean(confidence[inside]), _mean(right[inside]))
        for low, high, inside in zip(edges[:-1], edges[1:], members, strict=True)
    )


def ece(scores: NDArray[np.float32], labels: NDArray[np.int64], bins: int = BINS) -> float:
    """Return the expected calibration error: how far, on the mean over pictures, confidence lies from accuracy.

    Naeini et al. 2015; with the highest score as the confidence and bins of equal width as in Guo et al. 2017.

    Args:
        scores: float32 [pictures, classes], 0..1.
        labels: int64 [pictures]: what they show.
        bins: how many.

    Returns:
        0..1; NaN without pictures.
    """
    if not len(labels):
        return float("nan")
    filled = [each for each in reliability(scores, labels, bins) if each.pictures]
    return sum(each.pictures * abs(each.confidence - each.accuracy) for each in filled) / len(labels)


def hits(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pictures have the highest score for what they show: bool [pictures]."""
    return np.asarray(scores.argmax(1) == labels)


def events(
    scores: NDArray[np.float32], thresholds: Sequence[float], neutral: Collection[int] = ()
) -> NDArray[np.bool_]:
    """Which pictures begin an event: whose highest score is no neutral label's, and at or above the label's threshold.

    Args:
        scores: float32 [pictures, classes], 0..1.
        thresholds: one a class, 0..1; a neutral one's is not looked at.
        neutral: places of classes that nobody is told of.

    Returns:
        bool [pictures].
    """
    leaders = scores.argmax(1)
    reached = np.take_along_axis(scores, leaders[:, np.newaxis], 1)[:, 0] >= np.asarray(thresholds, np.float32)[leaders]
    return np.asarray(reached & ~np.isin(leaders, np.array(sorted(neutral), np.int64)))


def coverage(scores: NDArray[np.float32], labels: NDArray[np.int64], thresholds: Sequence[float]) -> float:
    """Return the share of right answers that are told, as they are at or above their label's threshold.

    Args:
        scores: float32 [pictures, classes], 0..1; of known pictures, none of a neutral class.
        labels: int64 [pictures]: what they show.
        thresholds: one a class, 0..1.

    Returns:
        0..1; NaN without a right answer.
    """
    return _mean(events(scores, thresholds)[hits(scores, labels)])


def false_event_rate(scores: NDArray[np.float32], thresholds: Sequence[float], neutral: Collection[int]) -> float:
    """Return the share of unrelated pictures that begin an event.

    Args:
        scores: float32 [pictures, classes], 0..1; of pictures that show nothing of what the classifier knows.
        thresholds: one a class, 0..1.
        neutral: places of classes that nobody is told of.

    Returns:
        0..1; NaN without pictures.
    """
    return _mean(events(scores, thresholds, neutral))


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")
