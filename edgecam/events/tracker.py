"""When scores become events: a state machine without clocks or threads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgecam.events.thresholds import thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam import config

UPDATE_STEP = 0.1  # an update tells of a score that moved at least this far
UPDATE_INTERVAL_NS = 1_000_000_000  # and comes at most this often
TOP = 3
REACHABLE = 0.5  # of its threshold a score must fall to at the most for an event to end, however great the hysteresis


@dataclass(frozen=True, slots=True)
class Event:
    """One step in the life of an event; times are nanoseconds of the frames' clock.

    Attributes:
        id: the same from ``new`` to ``end``.
        label: place of its label among the reported labels.
        score: the label's smoothed score, 0..1.
        top_score: the highest of them since the event began.
        frame_ns: exposure of the frame that decided this step.
        start_ns: exposure of the first frame that showed the label.
        end_ns: exposure of the last frame that showed it; None until the end.
        top: the labels with the highest smoothed scores, highest first.
    """

    type: Literal["new", "update", "end"]
    id: str
    label: int
    score: float
    top_score: float
    frame_ns: int
    start_ns: int
    end_ns: int | None
    top: tuple[tuple[int, float], ...]


class EventTracker:
    """Follows the scores of K labels over time and tells when one label begins and ends to be what is seen.

    Scores are smoothed exponentially over time, so that a slow device sees what a fast one sees. A label begins an
    event when it has led at or above its threshold for ``hold``; the event ends when the label has not been *seen*
    for ``release``: its score was below threshold less ``hysteresis`` (or half the threshold, if that is more), or
    another label led it by more than ``hysteresis``. There is at most one event at a time.

    Times are of a clock that each source begins anew: after `finish` they may be earlier.
    """

    def __init__(
        self,
        settings: config.EventsSettings,
        names: Sequence[str],
        new_id: Callable[[], str],
        neutral: Collection[int] = (),
        of_model: Mapping[str, float] | None = None,
    ) -> None:
        """Begin with nothing seen.

        Args:
            settings: thresholds and times.
            names: of the K labels.
            new_id: must return another id at each call.
            neutral: places of labels that lead like others, but begin no event.
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
        self._release_ns = round(settings.release * 1e9)
        self._cooldown_ns = round(settings.cooldown * 1e9)
        self._new_id = new_id
        self._smoothed: NDArray[np.float64] | None = None
        self._now_ns = 0
        self._is_new_clock = True
        self._leader: int | None = None
        self._leader_since_ns = 0
        self._open: Event | None = None
        self._told: Event | None = None
        self._seen_ns = 0
        self._ended_ns: dict[int, int] = {}

    def begin_at(self, ordered: float | None) -> None:
        """Take over an ordered threshold, 0..1, for the labels that have none of their own; None: none is."""
        self._thresholds = thresholds(self._settings, self._names, self._of_model, ordered)

    def leading(self) -> tuple[int, float] | None:
        """Return the label that may begin an event and has the highest score now, below its threshold too; None: none.

        May be called by another thread, which then may see a mix of two frames' scores.
        """
        smoothed = self._smoothed
        if smoothed is None or not len(smoothed):
            return None
        places = _highest(smoothed, 1 + len(self._neutral))
        return next(((place, float(smoothed[place])) for place in places if place not in self._neutral), None)

    def step(self, time_ns: int, scores: NDArray[np.float64]) -> list[Event]:
        """Take in the scores of one frame, float64 [K] in 0..1, and return what happened, at most an end and a new.

        A time before the last one counts as the last one.
        """
        time_ns = self._followed(time_ns)
        smoothed = self._smooth(time_ns, scores)
        self._follow_leader(time_ns, smoothed)
        happened = []
        if self._open:
            happened += self._continue(time_ns, smoothed, self._open)
        leader = None if self._leader in self._neutral else self._leader
        if not self._open and leader is not None and time_ns - self._leader_since_ns >= self._hold_ns:
            happened.append(self._begin(time_ns, smoothed, leader))
        return happened

    def finish(self) -> list[Event]:
        """End an open event, as no more frames come for now, and forget what was seen and at which time."""
        happened = []
        if self._open and self._smoothed is not None:
            happened.append(self._end(self._now_ns, self._smoothed, self._open))
        self._smoothed, self._leader, self._is_new_clock = None, None, True
        return happened

    def _followed(self, time_ns: int) -> int:
        """The time of a frame; a clock that was begun anew may be behind the one of before."""
        if not self._is_new_clock:
            return max(time_ns, self._now_ns)
        if time_ns < self._now_ns:  # what is left of a cooldown is left by this clock too
            self._ended_ns = {label: time_ns - (self._now_ns - ended) for label, ended in self._ended_ns.items()}
            self._seen_ns = time_ns
        self._is_new_clock = False
        return time_ns

    def _smooth(self, time_ns: int, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._smoothed is None or not self._smoothing_ns:
            self._smoothed = np.array(scores, np.float64)
        else:
            share = -math.expm1((self._now_ns - time_ns) / self._smoothing_ns)
            self._smoothed += share * (scores - self._smoothed)
            np.maximum(self._smoothed, 0.0, out=self._smoothed)  # rounding must not lead out
            np.minimum(self._smoothed, 1.0, out=self._smoothed)
        self._now_ns = time_ns
        return self._smoothed

    def _follow_leader(self, time_ns: int, smoothed: NDArray[np.float64]) -> None:
        """Find the highest label that may begin an event: at or above its threshold and not cooling down."""
        eligible = np.where(smoothed >= self._thresholds, smoothed, -1.0)
        for label, ended_ns in list(self._ended_ns.items()):
            if time_ns - ended_ns >= self._cooldown_ns:
                del self._ended_ns[label]
            else:
                eligible[label] = -1.0
        best = int(eligible.argmax()) if len(eligible) else -1
        leader = best if best >= 0 and eligible[best] >= 0 else None
        if leader != self._leader:
            self._leader, self._leader_since_ns = leader, time_ns

    def _is_seen(self, label: int, smoothed: NDArray[np.float64]) -> bool:
        score = smoothed[label]
        threshold = self._thresholds[label]
        if score < max(threshold - self._hysteresis, REACHABLE * threshold):
            return False
        return self._leader in (None, label) or bool(smoothed[self._leader] <= score + self._hysteresis)

    def _begin(self, time_ns: int, smoothed: NDArray[np.float64], label: int) -> Event:
        score = float(smoothed[label])
        start_ns = max(self._leader_since_ns, self._seen_ns)
        self._seen_ns = time_ns
        top = _top(smoothed)
        self._open = self._told = Event("new", self._new_id(), label, score, score, time_ns, start_ns, None, top)
        return self._open

    def _continue(self, time_ns: int, smoothed: NDArray[np.float64], event: Event) -> list[Event]:
        score = float(smoothed[event.label])
        if score > event.top_score:
            self._open = event = replace(event, top_score=score)
        if self._is_seen(event.label, smoothed):
            self._seen_ns = time_ns
        elif time_ns - self._seen_ns >= self._release_ns:
            return [self._end(time_ns, smoothed, event)]
        told = self._told or event
        if abs(score - told.score) >= UPDATE_STEP and time_ns - told.frame_ns >= UPDATE_INTERVAL_NS:
            self._told = replace(event, type="update", score=score, frame_ns=time_ns, top=_top(smoothed))
            return [self._told]
        return []

    def _end(self, time_ns: int, smoothed: NDArray[np.float64], event: Event) -> Event:
        self._open = self._told = None
        if self._cooldown_ns:
            self._ended_ns[event.label] = time_ns
        score = float(smoothed[event.label])
        return replace(event, type="end", score=score, frame_ns=time_ns, end_ns=self._seen_ns, top=_top(smoothed))


def _top(smoothed: NDArray[np.float64]) -> tuple[tuple[int, float], ...]:
    return tuple((place, float(smoothed[place])) for place in _highest(smoothed, TOP))


def _highest(smoothed: NDArray[np.float64], count: int) -> list[int]:
    """The places of the highest scores, highest first."""
    count = min(count, len(smoothed))
    places = np.argpartition(smoothed, -count)[-count:]
    return [int(place) for place in places[np.argsort(-smoothed[places])]]
