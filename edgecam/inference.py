"""The inference worker: from the queue to events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgecam.frames import CameraChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.events import Event, EventTracker
    from edgecam.frame_queue import FrameQueue
    from edgecam.labels import Labels
    from edgecam.model import Model
    from edgecam.stats import Stats


class Inference:
    """Classifies frame after frame, follows the scores over time and hands over what happened."""

    def __init__(
        self,
        queue: FrameQueue,
        model: Model,
        labels: Labels,
        tracker: EventTracker,
        stats: Stats,
        hand_over: Callable[[Event | CameraChange], None],
    ) -> None:
        """Run until ``queue`` is closed and empty."""
        self._queue = queue
        self._model = model
        self._labels = labels
        self._tracker = tracker
        self._stats = stats
        self._hand_over = hand_over

    def run(self) -> None:
        """Classify; at the end an open event is ended."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, CameraChange):
                self._end_open_event()
                self._hand_over(item)
                continue
            start_ns = time.monotonic_ns()
            scores = self._model.scores(item.image)
            inference_ns = time.monotonic_ns() - start_ns
            for event in self._tracker.step(item.exposed_ns, self._labels.scores(scores)):
                self._hand_over(event)
            self._stats.classified(inference_ns, time.monotonic_ns() - item.entered_ns)
        self._end_open_event()

    def _end_open_event(self) -> None:
        for event in self._tracker.finish():
            self._hand_over(event)
