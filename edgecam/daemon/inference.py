"""The inference worker: from the queue to events."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edgecam.camera.frames import CameraChange, Notice, ThresholdChange
from edgecam.daemon.pipeline import PipelineChange
from edgecam.events.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from edgecam.camera.frame_queue import FrameQueue
    from edgecam.camera.frames import Frame
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.daemon.stats import Stats
    from edgecam.events.snapshots import Snapshot
    from edgecam.events.tracker import Event
    from edgecam.rollout.probation import Probation

logger = logging.getLogger(__name__)


class Inference:
    """Classifies frame after frame, follows the scores over time and hands over what happened."""

    def __init__(
        self,
        queue: FrameQueue,
        pipeline: Pipeline,
        stats: Stats,
        hand_over: Callable[[Event | Notice], None],
        progress: Callable[[int], None],
        patience_s: Callable[[], float],
        probation: Probation | None = None,
    ) -> None:
        """Run until ``queue`` is closed and empty.

        Args:
            queue: where frames and notices come from.
            pipeline: the first one; a notice may bring another.
            stats: told of each frame.
            hand_over: takes what happened, in its order.
            progress: told the time after each frame and notice.
            patience_s: tells how many seconds may pass between two frames until the camera counts as lost.
            probation: told how the first pipeline does; one that fails then does not end us.
        """
        self._queue = queue
        self._pipeline = pipeline
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
        pipeline = self._pipeline
        looks = not pipeline.motion or pipeline.motion.step(frame.exposed_ns, frame.image)
        inference_ns = None
        if looks or self._scores is None:
            start_ns = time.monotonic_ns()
            try:
                scores = pipeline.model.scores(frame.image, frame.layout)
            except Exception as error:
                if self._probation is None or self._probation.is_passed:
                    raise
                self._probation.failed(error)
                return  # until the pipeline of before is back
            inference_ns = time.monotonic_ns() - start_ns
            self._scores = pipeline.labels.scores(scores)
            if self._probation:
                self._probation.took(inference_ns, start_ns)
        happened = pipeline.tracker.step(frame.exposed_ns, self._scores)
        self._hand_over_all(happened, self._snapshots.step(frame, self._scores, happened))
        self._stats.classified(inference_ns, time.monotonic_ns() - frame.entered_ns)

    def _heed(self, notice: Notice) -> None:
        match notice:
            case PipelineChange(pipeline, probation):
                self._probation = probation
                if pipeline.tracker is not self._pipeline.tracker:
                    self._end_open_event()
                self._pipeline, self._scores = pipeline, None
            case ThresholdChange(score):
                self._pipeline.tracker.begin_at(score)
            case CameraChange(online):
                self._online, self._silent, self._scores = online, False, None
                self._end_open_event()
            case _:
                self._end_open_event()
        self._hand_over(notice)

    def _end_open_event(self) -> None:
        happened = self._pipeline.tracker.finish()
        self._hand_over_all(happened, self._snapshots.finish(happened))

    def _hand_over_all(self, events: list[Event], snapshots: list[Snapshot]) -> None:
        for event in events:
            self._hand_over(event)
        for snapshot in snapshots:
            self._hand_over(snapshot)
