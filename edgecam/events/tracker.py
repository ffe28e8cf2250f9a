"""When scores become events: a state machine without clocks or threads, for what comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from edgecam.events.leader import Leader, top
from edgecam.events.sighting import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config

UPDATE_STEP = 0.1  # an update tells of a score that moved at least this far
UPDATE_INTERVAL_NS = 1_000_000_000  # and comes at most this often


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

    Which label leads is a matter of `Leader`. A label begins an event when it has led at or above its threshold for
    ``hold``; the event ends when the label has not been seen for ``release``. There is at most one event at a time.

    Times are of a clock that each source begins anew: after `finish` they may be earlier.
    """

    def __init__(
        self,
        settings: config.EventsSettings,
        names: Sequence[str],
        new_id: Callable[[], str],
        neutral: Collection[int] = (),
        of_model: Mapping[str, float] | None = None,
        *,
        looks: int = 1,
    ) -> None:
        """Begin with nothing seen.

        Args:
            settings: thresholds and times.
            names: of the K labels.
            new_id: must return another id at each call.
            neutral: places of labels that lead like others, but begin no event.
            of_model: thresholds that the model tells, by label, where the settings do not.
            looks: in a row must miss a label for its event to end.
        """
        self._leader = Leader(settings, names, neutral, of_model)
        self._cooldown_ns = round(settings.cooldown * 1e9)
        self._new_id = new_id
        self._open: Event | None = None
        self._told: Event | None = None
        self._sighting = Sighting(settings, looks)
        self._ended_ns: dict[int, int] = {}

    def begin_at(self, ordered: float | None) -> None:
        """Take over an ordered threshold, 0..1, for the labels that have none of their own; None: none is."""
        self._leader.begin_at(ordered)

    def leading(self) -> tuple[int, float] | None:
        """Return the label that may begin an event and has the highest score now, below its threshold too; None: none.

        May be called by another thread, which then may see a mix of two frames' scores.
        """
        return self._leader.leading()

    def step(self, time_ns: int, scores: NDArray[np.float64]) -> list[Event]:
        """Take in the scores of one frame, float64 [K] in 0..1, and return what happened, at most an end and a new.

        A time before the last one counts as the last one.
        """
        leader = self._leader
        time_ns = leader.moment(time_ns)
        if time_ns < leader.now_ns:
            self._turn_back(time_ns)
        smoothed = leader.step(time_ns, scores, self._cooling(time_ns) if self._ended_ns else ())
        happened = []
        if self._open:
            happened += self._continue(time_ns, smoothed, self._open)
        if not self._open and (label := leader.decided()) is not None:
            happened.append(self._begin(time_ns, smoothed, label))
        return happened

    def finish(self) -> list[Event]:
        """End an open event, as no more frames come for now, and forget what was seen and at which time."""
        happened, leader = [], self._leader
        if self._open and leader.smoothed is not None:
            happened.append(self._end(leader.now_ns, leader.smoothed, self._open))
        leader.finish()
        return happened

    def end(self) -> list[Event]:
        """End an open event, as those that come are another's."""
        return self.finish()

    def _turn_back(self, time_ns: int) -> None:
        """Go on by a clock that is behind: what is left of a cooldown is left by this clock too."""
        passed_ns = self._leader.now_ns - time_ns
        self._ended_ns = {label: ended_ns - passed_ns for label, ended_ns in self._ended_ns.items()}
        self._sighting.see(time_ns)

    def _cooling(self, time_ns: int) -> Collection[int]:
        """The labels that may not begin an event yet."""
        for label, ended_ns in list(self._ended_ns.items()):
            if time_ns - ended_ns >= self._cooldown_ns:
                del self._ended_ns[label]
        return self._ended_ns

    def _begin(self, time_ns: int, smoothed: NDArray[np.float64], label: int) -> Event:
        score = float(smoothed[label])
        start_ns = max(self._leader.since_ns, self._sighting.at_ns)
        self._sighting.see(time_ns)
        highest = top(smoothed)
        self._open = self._told = Event("new", self._new_id(), label, score, score, time_ns, start_ns, None, highest)
        return self._open

    def _continue(self, time_ns: int, smoothed: NDArray[np.float64], event: Event) -> list[Event]:
        score = float(smoothed[event.label])
        if score > event.top_score:
            self._open = event = replace(event, top_score=score)
        if self._leader.sees(event.label, smoothed):
            self._sighting.see(time_ns)
        elif self._sighting.miss(time_ns):
            return [self._end(time_ns, smoothed, event)]
        told = self._told or event
        if abs(score - told.score) >= UPDATE_STEP and time_ns - told.frame_ns >= UPDATE_INTERVAL_NS:
            self._told = replace(event, type="update", score=score, frame_ns=time_ns, top=top(smoothed))
            return [self._told]
        return []

    def _end(self, time_ns: int, smoothed: NDArray[np.float64], event: Event) -> Event:
        self._open = self._told = None
        if self._cooldown_ns:
            self._ended_ns[event.label] = time_ns
        score, end_ns = float(smoothed[event.label]), self._sighting.at_ns
        return replace(event, type="end", score=score, frame_ns=time_ns, end_ns=end_ns, top=top(smoothed))
