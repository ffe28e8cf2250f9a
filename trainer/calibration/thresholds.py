"""From which score on each label counts, so that few events begin for what is not there.

Validation has few pictures: of a hundred unrelated ones, a handful are taken for something, and hardly one for a given
label. The threshold that would have kept out a given share of just these is a matter of luck. So

- each picture's score is taken for one of many near it (a normal kernel on the logit of the score), and some pictures
  of which nothing is known but that they are unrelated are thought to be there as well;
- one level is chosen for all labels, from all unrelated pictures; were the scores perfectly calibrated, one level for
  all would be best (the most right answers at a given rate of false events);
- a label departs from it as far as its own false events show, seen against many pictures of a label like the others
  (shrinkage, as by a Beta prior). Here known pictures that are taken for another class count as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit, ndtr

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    # From levels, float64 [L], to how many pictures lie at or above each, float64 [L].
    Tail = Callable[[NDArray[np.float64]], NDArray[np.float64]]

RATE = 0.02  # of unrelated pictures may begin an event
USUAL = 0.6  # where there is no unrelated picture: the daemon's own
LOWEST, HIGHEST = 0.2, 0.95
STEP = 0.005
WIDTH = 0.5  # of the kernel, standard deviation, in logits
UNSEEN = 2.0  # pictures that are thought to be there as well, their scores spread evenly over 0..1
LIKE_OTHERS = 1000.0  # pictures of a label like the others, against which its own are seen


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
    levels = np.arange(round(LOWEST / STEP), round(HIGHEST / STEP) + 1) * STEP
    events = [label for label in range(classes) if label not in neutral]
    of_unrelated = np.array([_tail(unrelated, unrelated.argmax(1) == label, levels) for label in range(classes)])
    wrong = scores.argmax(1) != labels
    of_known = np.array([_tail(scores, wrong & (scores.argmax(1) == label), levels) for label in range(classes)])

    begun = (of_unrelated[events].sum(0) + UNSEEN * (1 - levels)) / (len(unrelated) + UNSEEN)
    level = _first(begun <= rate)
    false = (of_unrelated + of_known)[events]
    pictures = len(unrelated) + len(scores)
    others = false.mean(0) / pictures
    of_label = (false + LIKE_OTHERS * others) / (pictures + LIKE_OTHERS)
    chosen = dict.fromkeys(range(classes), float(levels[level]))
    for label, rates in zip(events, of_label, strict=True):
        chosen[label] = float(levels[_first(rates <= others[level])])
    return tuple(round(chosen[label], 3) for label in range(classes))


def _tail(scores: NDArray[np.float32], which: NDArray[np.bool_], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many of some pictures have their highest score at or above each level, each spread by the kernel."""
    highest = np.clip(scores[which].max(1, initial=0).astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(ndtr((logit(highest)[:, np.newaxis] - logit(levels)) / WIDTH).sum(0))


def _first(allowed: NDArray[np.bool_]) -> int:
    """The place of the first level that is allowed, or the last."""
    return int(allowed.argmax()) if allowed.any() else len(allowed) - 1
