"""What a test on some photographs says, and how much it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Between which shares, 0..1, the true one lies with 95 % confidence."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OfClass:
    """How a class fared.

    Attributes:
        pictures: how many show it.
        right: how many of these were known.
        precision: of those taken for it, the share that show it, 0..1; None where none was taken for it.
        precision_interval: of it; None likewise.
        recall: of those that show it, the share that was known, 0..1; None where none shows it.
        recall_interval: of it; None likewise.
        f1: their harmonic mean, 0..1; 0 where none was known.
    """

    pictures: int
    right: int
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a test says of a classifier.

    Attributes:
        pictures: how many were shown.
        right: how many it knew.
        accuracy: the share of these, 0..1.
        interval: of the accuracy.
        balanced: mean recall of the classes that are shown, 0..1: each counts alike, however many its pictures.
        macro_f1: mean F1 of the classes that are shown, 0..1.
        classes: one for each class.
    """

    pictures: int
    right: int
    accuracy: float
    interval: Interval
    balanced: float
    macro_f1: float
    classes: tuple[OfClass, ...]


class Comparison(NamedTuple):
    """Two classifiers on the same photographs.

    Attributes:
        only_first: how many only the first knew.
        only_second: how many only the second knew.
        p: how probable a difference as large or larger would be if both were equally good, 0..1.
    """

    only_first: int
    only_second: int
    p: float


def wilson(right: int, pictures: int, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's interval for a share, ``right`` of ``pictures``; 0 to 1 where there are none (Wilson 1927)."""
    if not pictures:
        return Interval(0.0, 1.0)
    found = binomtest(right, pictures).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Comparison:
    """Compare which photographs two classifiers knew, by McNemar's exact test, two-sided (McNemar 1947).

    Args:
        first: bool [pictures].
        second: bool [pictures], of the same ones.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differing = only_first + only_second
    p = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    return Comparison(only_first, only_second, p)


def figures(predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> Figures:
    """Sum up what a classifier said of photographs.

    Args:
        predicted: int64 [pictures]: the class of the highest score; may be one that no picture shows, as `background`.
        labels: int64 [pictures], at least one: what they show.
        classes: how many there are.
    """
    _, recall, f1, shown = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(classes), zero_division=0.0
    )
    known, taken = (np.bincount(each, minlength=classes) for each in (labels[predicted == labels], predicted))
    counted = (shown.astype(int).tolist(), known.tolist(), taken.tolist(), f1.tolist())
    there = shown > 0
    right = int(known.sum())
    return Figures(
        pictures=len(labels),
        right=right,
        accuracy=right / len(labels),
        interval=wilson(right, len(labels)),
        balanced=float(recall[there].mean()),
        macro_f1=float(f1[there].mean()),
        classes=tuple(_of_class(*each) for each in zip(*counted, strict=True)),
    )


def _of_class(shown: int, right: int, taken: int, f1: float) -> OfClass:
    precision, precision_interval = _share(right, taken)
    recall, recall_interval = _share(right, shown)
    return OfClass(shown, right, precision, precision_interval, recall, recall_interval, f1)


def _share(right: int, pictures: int) -> tuple[float, Interval] | tuple[None, None]:
    return (right / pictures, wilson(right, pictures)) if pictures else (None, None)
