"""From which score on each label counts, so that few events begin for what is not there.

Validation has few pictures: of a hundred unrelated ones, a handful are taken for something, and hardly one for a given
label. The threshold that would have kept out a given share of just these is a matter of luck. So

- each picture's score is taken for one of many near it (a normal kernel on the logit of the score), and one picture of
  which nothing is known but that it is unrelated is thought to be there as well;
- one level is chosen for all labels, from all unrelated pictures together; were the scores perfectly calibrated, one
  level for all would give the most right answers at a given rate of false events;
- the labels depart from it by how often each is told falsely, compared with the others, and drawn towards them as by a
  Gamma prior; known pictures that are taken for another class count here as well;
- a level that costs hardly any right answer is taken even where a lower one would keep the rate: what comes before a
  camera is stranger than the unrelated pictures of validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit, ndtr

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

RATE = 0.02  # of unrelated pictures may begin an event
USUAL = 0.6  # where there is no unrelated picture: the daemon's own
LOWEST, HIGHEST = 0.2, 0.95
STEP = 0.005
HARDLY_ANY_LOST = 0.97  # of right answers: while so many stay, thresholds are higher than the rate alone asks
NEAR = 1e-6  # to 0 or 1 no score counts
WIDTH = 0.5  # of the kernel, standard deviation, in logits
UNSEEN = 1.0  # pictures that are thought to be there as well, their scores spread evenly over 0..1
LIKE_OTHERS = 3.0  # false events of a label that is told falsely as often as the mean: the weight of that belief
STEEPNESS = 1.5  # false events get rarer by this power of the odds of a threshold, as heads on frozen features showed


def thresholds(
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    unrelated: NDArray[np.float32],
    *,
    rate: float = RATE,
    neutral: Collection[int] = (),
) -> tuple[float, ...]:
    """Choose the threshold of each label at a given rate of false events.

    An event of a label begins where it has the highest score of all, neutral ones included, and that is at or above
    its threshold. It is false if the picture is unrelated, or a known one of another class.

    Args:
        scores: float32 [known, classes], 0..1; of pictures that were not learnt from.
        labels: int64 [known]: what they show.
        unrelated: float32 [negatives, classes], 0..1; of pictures that show nothing of it, and were not learnt from.
        rate: the share of unrelated pictures that may begin an event, 0..1.
        neutral: places of classes that nobody is told of.

    Returns:
        One a class, `LOWEST` to `HIGHEST`, those of neutral classes too; none is lower at a lower rate. Where no level
        up to `HIGHEST` keeps the rate, that; what they are worth is told by `reliability.false_event_rate` and
        `reliability.coverage`.
    """
    classes = scores.shape[1]
    if not len(unrelated):
        return (USUAL,) * classes
    told = unrelated[~np.isin(unrelated.argmax(1), sorted(neutral))]
    levels = np.arange(round(LOWEST / STEP), round(HIGHEST / STEP) + 1) * STEP
    shifts = _shifts(told.argmax(1), scores.argmax(1)[scores.argmax(1) != labels], classes, neutral)
    chosen = np.clip(expit(logit(levels)[:, np.newaxis] + shifts), LOWEST, HIGHEST)  # [levels, classes]

    highest = np.clip(told.max(1, initial=0).astype(np.float64), NEAR, 1 - NEAR)
    begun = ndtr((logit(highest) - logit(chosen[:, told.argmax(1)])) / WIDTH).sum(1)
    rates = (begun + UNSEEN * (1 - levels)) / (len(unrelated) + UNSEEN)
    place = max(_first(rates <= rate), _last(_coverages(scores, labels, chosen, neutral) >= HARDLY_ANY_LOST))
    return tuple(round(float(each), 3) for each in chosen[place])


def _coverages(
    scores: NDArray[np.float32], labels: NDArray[np.int64], chosen: NDArray[np.float64], neutral: Collection[int]
) -> NDArray[np.float64]:
    """The share of right answers that reach their threshold, for each row of thresholds: float64 [levels]."""
    taken = scores.argmax(1)
    right = (taken == labels) & ~np.isin(labels, sorted(neutral))
    if not right.any():
        return np.zeros(len(chosen))
    reached: NDArray[np.float64] = (scores[right].max(1) >= chosen[:, taken[right]]).mean(1)
    return reached


def _shifts(
    of_unrelated: NDArray[np.int64], of_known: NDArray[np.int64], classes: int, neutral: Collection[int]
) -> NDArray[np.float64]:
    """How far each label's threshold lies from the level of all, in logits: float64 [classes].

    Args:
        of_unrelated: int64: what unrelated pictures were taken for.
        of_known: int64: what known ones were wrongly taken for.
        classes: how many there are.
        neutral: places of those that nobody is told of.
    """
    told = ~np.isin(np.arange(classes), sorted(neutral))
    if not told.any():
        return np.zeros(classes)
    false = np.bincount(of_unrelated, minlength=classes) + np.bincount(of_known, minlength=classes)
    often = (false + LIKE_OTHERS) / (false[told].mean() + LIKE_OTHERS)
    return np.where(told, np.log(often) / STEEPNESS, 0.0)


def _last(allowed: NDArray[np.bool_]) -> int:
    """The place of the last level that is allowed, or the first."""
    return int(np.flatnonzero(allowed).max(initial=0))


def _first(allowed: NDArray[np.bool_]) -> int:
    """The place of the first level that is allowed, or the last."""
    return int(allowed.argmax()) if allowed.any() else len(allowed) - 1
