"""The inference worker: from the queue to what is told."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.camera.frames import CameraChange, Frame, Notice, Passed, Rest
from edgecam.daemon.observer import Observer
from edgecam.mqtt.notices import Switched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edgecam.camera.frame_queue import FrameQueue
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.daemon.stats import Stats
    from edgecam.mqtt.clock import Clock
    from edgecam.rollout.probation import Probation

logger = logging.getLogger(__name__)

FROM_CAPTURE = Frame, CameraChange, Rest, Passed  # signs of progress: what the capture thread sends


@dataclass(frozen=True, slots=True, eq=False)
class PipelinesChange(Notice):
    """From here on other pipelines decide, on probation where one is given; a view that is not among them is gone."""

    pipelines: Mapping[str, Pipeline]
    probations: Mapping[str, Probation]


class Inference:
    """Takes frame after frame to the observer of its view, and hands over what is told."""

    def __init__(
        self,
        queue: FrameQueue,
        clock: Clock,
        pipelines: PipelinesChange,
        stats: Stats,
        hand_over: Callable[[Notice], None],
        progress: Callable[[int], None],
        patience_s: Callable[[], float],
        fail: Callable[[Pipeline, Exception], None] = lambda _pipeline, _error: None,
    ) -> None:
        """Run until ``queue`` is closed and empty.

        Args:
            queue: where frames and notices come from.
            clock: tells the time of day.
            pipelines: those to begin with.
            stats: told of each frame.
            hand_over: takes what happened, in its order, and all notices that are for others too.
            progress: told the time after each frame, and after each sign that the camera is tried or rests.
            patience_s: tells how many seconds may pass between two frames until the camera counts as lost.
            fail: told which pipeline fails, and why: its view is out. The last one's error is raised instead.
        """
        self._queue = queue
        self._clock = clock
        self._observers: dict[str, Observer] = {}
        self._stats = stats
        self._hand_over = hand_over
        self._progress = progress
        self._patience_s = patience_s
        self._fail = fail
        self._online = self._silent = False
        self._exchange(pipelines)

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
        self._speak(frame.exposed_ns)
        observer = self._observers.get(frame.view)
        if observer is None:  # it failed since
            self._queue.give_up(frame.view)
            return
        try:
            told = observer.observe(frame)
        except Exception as error:
            if len(self._observers) == 1:
                raise
            self._put_out(observer, error)
            self._queue.give_up(frame.view)
            return
        self._tell_all(told)
        self._stats.classified(frame.view, observer.inference_ns, time.monotonic_ns() - frame.entered_ns)

    def _speak(self, at_ns: int) -> None:
        """Take in that frames come, of a camera that had fallen silent too."""
        if self._silent:
            logger.info("frames come again")
            self._heed(CameraChange(online=True, at_ns=at_ns))

    def _put_out(self, observer: Observer, error: Exception) -> None:
        """Go on without a view whose model fails."""
        self._tell_all(observer.finish())
        del self._observers[observer.pipeline.origin.view]
        self._count()
        self._fail(observer.pipeline, error)

    def _heed(self, notice: Notice) -> None:
        match notice:
            case PipelinesChange():
                self._exchange(notice)
                return
            case Passed():
                self._speak(time.monotonic_ns())
                return
            case Switched():
                self._switch(notice)
            case CameraChange(online):
                self._online, self._silent = online, False
                self._finish()
            case Rest():
                self._online = False  # no frame is to come, so none is missed
                self._finish()
        self._hand_over(notice)

    def _switch(self, switched: Switched) -> None:
        """Take in what was switched: a view, or the camera, and with it all that they see."""
        if observer := self._observers.get(switched.view):
            observer.pipeline.tracker.begin_at(switched.ordered)
        if not switched.enabled:
            for view, each in self._observers.items():
                if switched.view in ("", view):
                    self._tell_all(each.finish())

    def _exchange(self, change: PipelinesChange) -> None:
        for view in [view for view in self._observers if view not in change.pipelines]:
            self._tell_all(self._observers.pop(view).end())
        for view, pipeline in change.pipelines.items():
            observer = self._observers.get(view)
            if observer is None:
                self._observers[view] = Observer(pipeline, self._clock, change.probations.get(view))
            elif pipeline is not observer.pipeline:
                self._tell_all(observer.exchange(pipeline, change.probations.get(view)))
        self._observers = {view: self._observers[view] for view in change.pipelines}
        self._count()

    def _count(self) -> None:
        self._stats.follow({view: observer.pipeline for view, observer in self._observers.items()})

    def _finish(self) -> None:
        self._stats.finish()
        for observer in self._observers.values():
            self._tell_all(observer.finish())

    def _tell_all(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._hand_over(notice)
