"""The inference worker: from the queue to what is told."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.camera.frames import CameraChange, Frame, Notice, Rest
from edgecam.mqtt.notices import Switched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgecam.camera.frame_queue import FrameQueue
    from edgecam.daemon.observer import Observer
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.daemon.stats import Stats
    from edgecam.rollout.probation import Probation

logger = logging.getLogger(__name__)

FROM_CAPTURE = Frame, CameraChange, Rest  # signs of progress: what the capture thread sends


@dataclass(frozen=True, slots=True, eq=False)
class PipelineChange(Notice):
    """From here on another pipeline decides for its view, on probation if one is given."""

    pipeline: Pipeline
    probation: Probation | None = None


class Inference:
    """Takes frame after frame to the observer of its view, and hands over what is told."""

    def __init__(
        self,
        queue: FrameQueue,
        observers: Mapping[str, Observer],
        stats: Stats,
        hand_over: Callable[[Notice], None],
        progress: Callable[[int], None],
        patience_s: Callable[[], float],
    ) -> None:
        """Run until ``queue`` is closed and empty.

        Args:
            queue: where frames and notices come from.
            observers: of the views, by their names.
            stats: told of each frame.
            hand_over: takes what happened, in its order, and all notices that are for others too.
            progress: told the time after each frame, and after each sign that the camera is tried or rests.
            patience_s: tells how many seconds may pass between two frames until the camera counts as lost.
        """
        self._queue = queue
        self._observers = observers
        self._stats = stats
        self._hand_over = hand_over
        self._progress = progress
        self._patience_s = patience_s
        self._online = self._silent = False
        for observer in observers.values():
            stats.follow(observer.pipeline)

    def run(self) -> None:
        """Classify; at the end open events are ended."""
        while True:
            try:
                item = self._queue.get(self._patience_s() if self._online else None)
            except TimeoutError:
                self._fall_silent()
                continue
            if item is None:
                break
            if isinstance(item, Frame):
                self._observe(item)
            else:
                self._heed(item)
            if isinstance(item, FROM_CAPTURE):
                self._progress(time.monotonic_ns())
        self._finish()

    def _fall_silent(self) -> None:
        """Give the camera up for lost, though it told of no error: its driver may hang."""
        logger.warning("no frame has come for %.0f s: the camera counts as lost until one comes", self._patience_s())
        self._heed(CameraChange(online=False, at_ns=time.monotonic_ns()))
        self._silent = True

    def _observe(self, frame: Frame) -> None:
        if self._silent:
            logger.info("frames come again")
            self._heed(CameraChange(online=True, at_ns=frame.exposed_ns))
        observer = self._observers[frame.view]
        for told in observer.observe(frame):
            self._hand_over(told)
        self._stats.classified(observer.inference_ns, time.monotonic_ns() - frame.entered_ns)

    def _heed(self, notice: Notice) -> None:
        match notice:
            case PipelineChange(pipeline, probation):
                for told in self._observers[pipeline.origin.view].exchange(pipeline, probation):
                    self._hand_over(told)
                self._stats.follow(pipeline)
                return
            case Switched(view=view, ordered=ordered):
                self._observers[view].pipeline.tracker.begin_at(ordered)
            case CameraChange(online):
                self._online, self._silent = online, False
                self._finish()
            case Rest():
                self._online = False  # no frame is to come, so none is missed
                self._finish()
        self._hand_over(notice)

    def _finish(self) -> None:
        self._stats.finish()
        for observer in self._observers.values():
            for told in observer.finish():
                self._hand_over(told)
