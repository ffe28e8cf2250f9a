"""When scores become answers: a state machine without clocks or threads, for what holds until another does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgecam.events.leader import Leader, top
from edgecam.events.sighting import Sighting
from edgecam.events.tracker import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config


@dataclass(frozen=True, slots=True)
class Certainty:
    """Whether the answer that holds is still seen; told when that changes, between its ``new`` and its ``end``.

    Attributes:
        certain: it is.
        at_ns: exposure of the last frame that showed it while it was certain.
    """

    certain: bool
    at_ns: int


class AnswerTracker:
    """Follows the scores of K labels over time and tells which of them answers a question such as "open or closed".

    Which label leads is a matter of `Leader`. A label is decided for when it has led at or above its threshold for
    ``hold``. The first one is the answer; it holds until another one is decided for while this one is not seen, however
    much time lies between them: an event is ended by the next one alone. An answer that has not been seen for
    ``release`` is no longer certain, until it is decided for again. There are no updates.

    Times are of a clock that each source begins anew: after `finish` they may be earlier. The answer holds.
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
        """Begin without an answer.

        Args:
            settings: thresholds and times; ``cooldown`` has no effect.
            names: of the K labels.
            new_id: must return another id at each call.
            neutral: places of labels that lead like others, but are no answers.
            of_model: thresholds that the model tells, by label, where the settings do not.
            looks: in a row must miss the answer for another one to count, or for it to be uncertain.
        """
        self._leader = Leader(settings, names, neutral, of_model)
        self._new_id = new_id
        self._looks = looks
        self._open: Event | None = None
        self._sighting = Sighting(settings, looks)
        self._certain = False

    def begin_at(self, ordered: float | None) -> None:
        """Take over an ordered threshold, 0..1, for the labels that have none of their own; None: none is."""
        self._leader.begin_at(ordered)

    def leading(self) -> tuple[int, float] | None:
        """Return the label that may be an answer and has the highest score now, below its threshold too; None: none.

        May be called by another thread, which then may see a mix of two frames' scores.
        """
        return self._leader.leading()

    def step(self, time_ns: int, scores: NDArray[np.float64]) -> list[Event | Certainty]:
        """Take in the scores of one frame, float64 [K] in 0..1, and return what happened.

        That is nothing, a change of the certainty, or another answer: the end of the one before, a new one, and that
        it is certain. A time before the last one counts as the last one.
        """
        leader = self._leader
        time_ns = leader.moment(time_ns)
        smoothed = leader.step(time_ns, scores)
        decided = leader.decided()
        happened: list[Event | Certainty] = []
        if self._open:
            happened += self._continue(time_ns, smoothed, self._open, decided)
        if not self._open and decided is not None:
            happened += self._begin(time_ns, smoothed, decided)
        return happened

    def finish(self) -> list[Event | Certainty]:
        """Tell that the answer is no longer certain, as no more frames come for now, and forget what was seen.

        The answer holds: if it is decided for again it goes on, also by another clock.
        """
        leader, is_certain = self._leader, self._certain
        if self._open and leader.smoothed is not None:
            self._open = _at(leader.now_ns, leader.smoothed, self._open)
        leader.finish()
        self._certain, self._sighting.missed = False, 0
        return [Certainty(certain=False, at_ns=self._sighting.at_ns)] if is_certain else []

    def end(self) -> list[Event | Certainty]:
        """End the open event when its answer was last certain, as those that come are another's."""
        happened = self.finish()
        if self._open:
            happened.append(self._end(self._open))
        return happened

    def _begin(self, time_ns: int, smoothed: NDArray[np.float64], label: int) -> list[Event | Certainty]:
        score, since_ns, before_ns = float(smoothed[label]), self._leader.since_ns, self._sighting.at_ns
        # The one before may have been seen longer; but what a clock said that was ahead of this one does not count.
        start_ns = max(since_ns, before_ns) if before_ns <= time_ns else since_ns
        self._open = Event("new", self._new_id(), label, score, score, time_ns, start_ns, None, top(smoothed))
        self._sighting.see(time_ns)
        self._certain = True
        return [self._open, Certainty(certain=True, at_ns=time_ns)]

    def _continue(
        self, time_ns: int, smoothed: NDArray[np.float64], event: Event, decided: int | None
    ) -> list[Event | Certainty]:
        score = float(smoothed[event.label])
        if score > event.top_score:
            self._open = event = replace(event, top_score=score)
        sighting, leader = self._sighting, self._leader
        # Once it is uncertain it has no advantage of those that lead it.
        if leader.sees(event.label, smoothed) if self._certain else leader.label == event.label:
            return self._see(time_ns, is_decided=decided == event.label)
        is_gone = sighting.miss(time_ns)
        if decided is not None and sighting.missed >= self._looks:
            return [self._end(_at(time_ns, smoothed, event))]
        if self._certain and is_gone:
            self._certain = False
            return [Certainty(certain=False, at_ns=sighting.at_ns)]
        return []

    def _see(self, time_ns: int, *, is_decided: bool) -> list[Event | Certainty]:
        """Take in a frame that shows the answer: while it is uncertain, only one that decides for it counts."""
        was_certain = self._certain
        if not was_certain and not is_decided:
            self._sighting.missed = 0
            return []
        self._sighting.see(time_ns)
        self._certain = True
        return [] if was_certain else [Certainty(certain=True, at_ns=time_ns)]

    def _end(self, event: Event) -> Event:
        self._open = None
        # A clock that was begun anew may be behind the one by which it began.
        return replace(event, type="end", end_ns=max(event.start_ns, self._sighting.at_ns))


def _at(time_ns: int, smoothed: NDArray[np.float64], event: Event) -> Event:
    """Return an event with what is seen of it at a frame."""
    return replace(event, score=float(smoothed[event.label]), frame_ns=time_ns, top=top(smoothed))
