"""The inference worker: from the queue to events."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edgecam.classifier import ClassifierChange
from edgecam.frames import CameraChange, Notice, ThresholdChange
from edgecam.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from edgecam.classifier import Classifier
    from edgecam.events import Event
    from edgecam.frame_queue import FrameQueue
    from edgecam.frames import Frame
    from edgecam.probation import Probation
    from edgecam.snapshots import Snapshot
    from edgecam.stats import Stats

logger = logging.getLogger(__name__)


class Inference:
    """Classifies frame after frame, follows the scores over time and hands over what happened."""

    def __init__(
        self,
        queue: FrameQueue,
        classifier: Classifier,
        stats: Stats,
        hand_over: Callable[[Event | Notice], None],
        progress: Callable[[int], None],
        patience_s: Callable[[], float],
        probation: Probation | None = None,
    ) -> None:
        """Run until ``queue`` is closed and empty.

        Args:
            queue: where frames and notices come from.
            classifier: the first one; a notice may bring another.
            stats: told of each frame.
            hand_over: takes what happened, in its order.
            progress: told the time after each frame and notice.
            patience_s: tells how many seconds may pass between two frames until the camera counts as lost.
            probation: told how the first classifier does; one that fails then does not end us.
        """
        self._queue = queue
        self._classifier = classifier
        self._stats = stats
        self._hand_over = hand_over
        self._progress = progress
        self._patience_s = patience_s
        self._probation = probation
        self._online = self._silent = False
        self._scores: NDArray[np.float64] | None = None  # of the last frame that was looked at
        self._snapshots = Snapshots()

    def run(self) -> None:
        """Classify; at the end an open event is ended."""
        while True:
            try:
                item = self._queue.get(self._patience_s() if self._online else None)
            except TimeoutError:
                self._fall_silent()
                continue
            if item is None:
                break
            if isinstance(item, Notice):
                self._heed(item)
            else:
                self._classify(item)
            self._progress(time.monotonic_ns())
        self._end_open_event()

    def _fall_silent(self) -> None:
        """Give the camera up for lost, though it told of no error: its driver may hang."""
        logger.warning("no frame has come for %.0f s: the camera counts as lost until one comes", self._patience_s())
        self._heed(CameraChange(online=False, at_ns=time.monotonic_ns()))
        self._silent = True

    def _classify(self, frame: Frame) -> None:
        if self._silent:
            logger.info("frames come again")
            self._heed(CameraChange(online=True, at_ns=frame.exposed_ns))
        classifier = self._classifier
        looks = not classifier.motion or classifier.motion.step(frame.exposed_ns, frame.image)
        inference_ns = None
        if looks or self._scores is None:
            start_ns = time.monotonic_ns()
            try:
                scores = classifier.model.scores(frame.image, frame.layout)
            except Exception as error:
                if self._probation is None or self._probation.is_passed:
                    raise
                self._probation.failed(error)
                return  # until the classifier of before is back
            inference_ns = time.monotonic_ns() - start_ns
            self._scores = classifier.labels.scores(scores)
            if self._probation:
                self._probation.took(inference_ns, start_ns)
        happened = classifier.tracker.step(frame.exposed_ns, self._scores)
        self._hand_over_all(happened, self._snapshots.step(frame, self._scores, happened))
        self._stats.classified(inference_ns, time.monotonic_ns() - frame.entered_ns)

    def _heed(self, notice: Notice) -> None:
        match notice:
            case ClassifierChange(classifier, probation):
                self._probation = probation
                if classifier.tracker is not self._classifier.tracker:
                    self._end_open_event()
                self._classifier, self._scores = classifier, None
            case ThresholdChange(score):
                self._classifier.tracker.begin_at(score)
            case CameraChange(online):
                self._online, self._silent, self._scores = online, False, None
                self._end_open_event()
            case _:
                self._end_open_event()
        self._hand_over(notice)

    def _end_open_event(self) -> None:
        happened = self._classifier.tracker.finish()
        self._hand_over_all(happened, self._snapshots.finish(happened))

    def _hand_over_all(self, events: list[Event], snapshots: list[Snapshot]) -> None:
        for event in events:
            self._hand_over(event)
        for snapshot in snapshots:
            self._hand_over(snapshot)
