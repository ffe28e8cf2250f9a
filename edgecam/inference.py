"""The inference worker: from the queue to events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgecam.classifier import ClassifierChange
from edgecam.frames import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.classifier import Classifier
    from edgecam.events import Event
    from edgecam.frame_queue import FrameQueue
    from edgecam.frames import Frame
    from edgecam.stats import Stats


class Inference:
    """Classifies frame after frame, follows the scores over time and hands over what happened."""

    def __init__(
        self,
        queue: FrameQueue,
        classifier: Classifier,
        stats: Stats,
        hand_over: Callable[[Event | Notice], None],
        progress: Callable[[int], None],
    ) -> None:
        """Run until ``queue`` is closed and empty; ``progress`` is told the time after each frame and notice."""
        self._queue = queue
        self._classifier = classifier
        self._stats = stats
        self._hand_over = hand_over
        self._progress = progress

    def run(self) -> None:
        """Classify; at the end an open event is ended."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, Notice):
                self._heed(item)
            else:
                self._classify(item)
            self._progress(time.monotonic_ns())
        self._end_open_event()

    def _classify(self, frame: Frame) -> None:
        classifier = self._classifier
        start_ns = time.monotonic_ns()
        scores = classifier.model.scores(frame.image, frame.layout)
        inference_ns = time.monotonic_ns() - start_ns
        for event in classifier.tracker.step(frame.exposed_ns, classifier.labels.scores(scores)):
            self._hand_over(event)
        self._stats.classified(inference_ns, time.monotonic_ns() - frame.entered_ns)

    def _heed(self, notice: Notice) -> None:
        if not isinstance(notice, ClassifierChange):
            self._end_open_event()
        else:
            if notice.classifier.tracker is not self._classifier.tracker:
                self._end_open_event()
            self._classifier = notice.classifier
        self._hand_over(notice)

    def _end_open_event(self) -> None:
        for event in self._classifier.tracker.finish():
            self._hand_over(event)
