"""Which label leads: by scores that are smoothed over time, whatever is then made of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgecam.events.thresholds import thresholds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam import config

TOP = 3
REACHABLE = 0.5  # of its threshold a score must fall to at the most to be seen no more, however great the hysteresis


class Leader:
    """Follows the scores of K labels over time and tells which one leads, for how long, and whether one is still seen.

    Scores are smoothed exponentially over time, so that a slow device sees what a fast one sees. The leader has the
    highest of those that are at or above their thresholds.

    Attributes:
        smoothed: float64 [K] in 0..1; None: nothing was seen yet, or since `finish`.
        now_ns: time of the last frame, also after `finish`.
        label: place of the label that leads; None: none does.
        since_ns: time of the frame from which on it did.
    """

    def __init__(
        self,
        settings: config.EventsSettings,
        names: Sequence[str],
        neutral: Collection[int] = (),
        of_model: Mapping[str, float] | None = None,
    ) -> None:
        """Begin with nothing seen.

        Args:
            settings: thresholds and times.
            names: of the K labels.
            neutral: places of labels that lead like others, but are not decided for.
            of_model: thresholds that the model tells, by label, where the settings do not.
        """
        self._settings = settings
        self._names = names
        self._neutral = frozenset(neutral)
        self._of_model = of_model or {}
        self.begin_at(None)
        self._hysteresis = settings.hysteresis
        self._smoothing_ns = settings.smoothing * 1e9
        self._hold_ns = round(settings.hold * 1e9)
        self.smoothed: NDArray[np.float64] | None = None
        self.now_ns = 0
        self.label: int | None = None
        self.since_ns = 0

    def begin_at(self, ordered: float | None) -> None:
        """Take over an ordered threshold, 0..1, for the labels that have none of their own; None: none is."""
        self._thresholds = thresholds(self._settings, self._names, self._of_model, ordered)
        self._lowest = float(self._thresholds.min(initial=1.0))

    def moment(self, time_ns: int) -> int:
        """Return the time at which a frame counts: not before the last one, unless that was before `finish`."""
        return time_ns if self.smoothed is None else max(time_ns, self.now_ns)

    def step(self, time_ns: int, scores: NDArray[np.float64], barred: Collection[int] = ()) -> NDArray[np.float64]:
        """Take in the scores of one frame, float64 [K] in 0..1, and return them smoothed.

        Args:
            time_ns: its `moment`.
            scores: not kept.
            barred: places of labels that may not lead now.
        """
        smoothed = self._smooth(time_ns, scores)
        label = self._highest_of(smoothed, barred) if len(smoothed) else None
        if label != self.label:
            self.label, self.since_ns = label, time_ns
        return smoothed

    def decided(self) -> int | None:
        """Return the label that has led for ``hold``, if it is not neutral."""
        label = self.label
        return None if label in self._neutral or self.now_ns - self.since_ns < self._hold_ns else label

    def sees(self, label: int, smoothed: NDArray[np.float64]) -> bool:
        """Whether a label is still seen.

        It is not if its score is below threshold less ``hysteresis`` (or half the threshold, if that is more), or
        another label leads it by more than ``hysteresis``.
        """
        score = smoothed[label]
        threshold = self._thresholds[label]
        if score < max(threshold - self._hysteresis, REACHABLE * threshold):
            return False
        return self.label in (None, label) or bool(smoothed[self.label] <= score + self._hysteresis)

    def leading(self) -> tuple[int, float] | None:
        """Return the label that is not neutral and has the highest score now, below its threshold too; None: none.

        May be called by another thread, which then may see a mix of two frames' scores.
        """
        smoothed = self.smoothed
        if smoothed is None or not len(smoothed):
            return None
        places = _highest(smoothed, 1 + len(self._neutral))
        return next(((place, float(smoothed[place])) for place in places if place not in self._neutral), None)

    def finish(self) -> None:
        """Forget what was seen; frames that come later may go by another clock, which may be behind."""
        self.smoothed = self.label = None

    def _highest_of(self, smoothed: NDArray[np.float64], barred: Collection[int]) -> int | None:
        """The place of the highest score that is at or above its threshold and not barred."""
        best = int(smoothed.argmax())
        if smoothed[best] < self._lowest:  # as while nothing is seen
            return None
        if not barred and smoothed[best] >= self._thresholds[best]:
            return best
        eligible = np.where(smoothed >= self._thresholds, smoothed, -1.0)
        for label in barred:
            eligible[label] = -1.0
        best = int(eligible.argmax())
        return best if eligible[best] >= 0 else None

    def _smooth(self, time_ns: int, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.smoothed is None or not self._smoothing_ns:
            self.smoothed = np.array(scores, np.float64)
        else:
            share = -math.expm1((self.now_ns - time_ns) / self._smoothing_ns)
            self.smoothed += share * (scores - self.smoothed)
            np.maximum(self.smoothed, 0.0, out=self.smoothed)  # rounding must not lead out
            np.minimum(self.smoothed, 1.0, out=self.smoothed)
        self.now_ns = time_ns
        return self.smoothed


def top(smoothed: NDArray[np.float64]) -> tuple[tuple[int, float], ...]:
    """Return the places and scores of the highest few, highest first."""
    return tuple((place, float(smoothed[place])) for place in _highest(smoothed, TOP))


def _highest(smoothed: NDArray[np.float64], count: int) -> list[int]:
    """The places of the highest scores, highest first."""
    count = min(count, len(smoothed))
    places = np.argpartition(smoothed, -count)[-count:]
    return [int(place) for place in places[np.argsort(-smoothed[places])]]
