"""Which frame shows an event best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.events.answers import Certainty

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from edgecam.camera.frames import Frame
    from edgecam.events.tracker import Event


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The frame that shows an event best so far.

    Attributes:
        event_id: that of the event.
        label: place of its label among the reported labels.
        score: the label's in this very frame, 0..1; not smoothed, unlike the event's.
        frame: as the source gave it.
    """

    event_id: str
    label: int
    score: float
    frame: Frame


class Snapshots:
    """Keeps the best frame of the open event, and gives it with each step of the event, unless it gave it before.

    An answer has that of its ``new`` alone: nothing is told of it later, and at its end, days later perhaps, what it
    looked like at its best would pass for what is there.
    """

    def __init__(self) -> None:
        """Begin without an event."""
        self._best: Snapshot | None = None
        self._is_given = False

    def step(self, frame: Frame, scores: NDArray[np.float64], happened: Iterable[Event | Certainty]) -> list[Snapshot]:
        """Take in a frame with its scores, float64 [K] in 0..1, and what happened at it; return at most two."""
        if self._best and scores[self._best.label] > self._best.score:
            self._take(self._best.event_id, self._best.label, frame, scores)
        snapshots: list[Snapshot] = []
        for step in happened:
            if isinstance(step, Certainty):  # that of an answer, whose picture was given
                self._best = None
                continue
            if step.type == "new":
                self._take(step.id, step.label, frame, scores)
            snapshots += self._give(step)
        return snapshots

    def finish(self, happened: Iterable[Event | Certainty]) -> list[Snapshot]:
        """Take in what happened without a frame."""
        events = (step for step in happened if not isinstance(step, Certainty))
        return [snapshot for event in events for snapshot in self._give(event)]

    def _take(self, event_id: str, label: int, frame: Frame, scores: NDArray[np.float64]) -> None:
        if frame.original:
            self._best = Snapshot(event_id, label, float(scores[label]), frame.original)
            self._is_given = False

    def _give(self, event: Event) -> list[Snapshot]:
        best = self._best if self._best and self._best.event_id == event.id and not self._is_given else None
        self._is_given = True
        if event.type == "end":
            self._best = None
        return [best] if best else []
