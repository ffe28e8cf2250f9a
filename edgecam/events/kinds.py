"""What is asked of a view: who comes by, or which of its states something has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edgecam.events.answers import AnswerTracker
from edgecam.events.tracker import EventTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.events.answers import Certainty
    from edgecam.events.labels import Labels
    from edgecam.events.tracker import Event


class Tracker(Protocol):
    """Follows the scores of K labels over time: a state machine without clocks or threads.

    Of its events there is at most one open at a time. `Certainty` is told by that of the kind ``state`` alone.
    """

    def begin_at(self, ordered: float | None) -> None:
        """Take over an ordered threshold, 0..1, for the labels that have none of their own; None: none is."""

    def leading(self) -> tuple[int, float] | None:
        """Return the label that may begin an event and has the highest score now; None: none. Called by any thread."""

    def step(self, time_ns: int, scores: NDArray[np.float64]) -> Sequence[Event | Certainty]:
        """Take in the scores of one frame, float64 [K] in 0..1, and return what happened."""

    def finish(self) -> Sequence[Event | Certainty]:
        """Take in that no more frames come for now: a visit ends, an answer holds, but is no longer certain.

        Those that come later may go by another clock.
        """

    def end(self) -> Sequence[Event | Certainty]:
        """End an open event of either kind, as those that come are another's, or none do."""


def tracker_of(
    settings: config.EventsSettings,
    labels: Labels,
    new_id: Callable[[], str],
    of_model: Mapping[str, float] | None = None,
    *,
    looks: int = 1,
) -> Tracker:
    """Return the tracker of the kind that the settings ask for, with nothing seen.

    Args:
        settings: of the view.
        labels: those that are reported.
        new_id: must return another id at each call.
        of_model: thresholds that the model tells, by label, where the settings do not.
        looks: in a row must miss a label for it to be gone.
    """
    kind = AnswerTracker if settings.kind == "state" else EventTracker
    return kind(settings, labels.names, new_id, labels.neutral, of_model, looks=looks)
