"""The capture thread: from a source to the queue."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.due import Schedule
from edgecam.camera.frames import CameraChange, Passed, Rest
from edgecam.camera.view import in_bgr
from edgecam.errors import SourceError, SourceFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.camera.frame_queue import Feed, FrameQueue, Look
    from edgecam.camera.frames import Frame
    from edgecam.camera.sources.source import Source
    from edgecam.device.heat import Pace

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 2.0  # with what a try takes, less than the 5 s in which a camera that is back is to be seen
REST_S = 5.0  # how often it is told that no frame is taken
PASS_S = 1.0  # how often at most it is told that frames come, but no view looks


class Capture:
    """Puts what the views see of the frames, at their models' sizes, into the queue; opens a lost camera again.

    Which source is read, and what the views see of it, is for the queue to say. While it rests the source is closed.
    """

    def __init__(self, frames: FrameQueue, pace: Pace, *, rests: bool = False) -> None:
        """Feed ``frames``, with as many as ``pace`` admits; ``rests``: not before `rest` says so."""
        self._queue = frames
        self._pace = pace
        self._schedule = Schedule()
        self._passed_s = 0.0
        self._interrupt = threading.Event()  # the source is to give no more frames: another is to be read, or all ends
        self._stopped = False
        self._lock = threading.Lock()  # on what is to be read, which is interrupted once for each change of it
        self._rests = rests
        self._source: Source | None = None  # that is read now; None: none is
        self._ever_online = False
        self._told: tuple[Source, bool] | None = None  # of which source it was logged last whether it is there

    def run(self) -> None:
        """Capture until `stop` is called or the source has ended.

        Raises:
            SourceFileError: a file cannot be read, and never could.
        """
        delay_s = FIRST_RETRY_S
        while not self._stopped:
            feed = self._begin()
            if self._stopped:  # it was called just before
                return
            if self._source is None:
                self._tell(feed.source, Rest())
                self._interrupt.wait(REST_S)
                continue
            try:
                self._read(feed.source)
            except SourceError as error:
                if isinstance(error, SourceFileError) and not self._ever_online:
                    raise
                if self._told != (feed.source, False):
                    delay_s = FIRST_RETRY_S
                self._lose(feed.source, error)
                logger.debug("camera %s: trying again in %.1f s", feed.source.name, delay_s)
                self._interrupt.wait(delay_s)
                delay_s = min(2 * delay_s, LAST_RETRY_S)
            else:
                if self._queue.feed.source is feed.source and not self._interrupt.is_set():
                    return

    def stop(self) -> None:
        """Let `run` end soon; called by another thread."""
        self._stopped = True
        self._interrupt.set()

    def rest(self, *, rests: bool) -> None:
        """Take no frames, or take them again; called by another thread."""
        with self._lock:
            self._rests = rests
            if rests == (self._source is not None):
                self._interrupt.set()

    def follow(self) -> None:
        """Read what the queue says now, at once, unless it is read already; called by another thread."""
        with self._lock:
            if self._queue.feed.source is not self._source:
                self._interrupt.set()

    def _begin(self) -> Feed:
        """Take in what is to be read now, and whether anything is."""
        with self._lock:
            self._interrupt.clear()
            feed = self._queue.feed
            self._source = None if self._rests else feed.source
            return feed

    def _read(self, source: Source) -> None:
        """Feed a source's frames until it ends, or another one is to be read."""
        begun = False
        with closing(source.frames(self._interrupt)) as frames:
            for frame in frames:
                if not begun:
                    begun = True
                    self._schedule.begin()
                    self._find(source, frame.exposed_ns)
                if source.waits:
                    if delay_s := self._pace.delay_s(time.monotonic()):
                        self._interrupt.wait(delay_s)
                elif not self._pace.admits():
                    continue
                if not self._feed(frame, source):
                    return

    def _feed(self, frame: Frame, source: Source) -> bool:
        """Put what each view sees of a frame that is to look at it; return whether the source is still to be read."""
        feed = self._queue.feed
        due = self._schedule.due(feed.looks, frame.exposed_ns)
        if len(due) > 1:
            frame = _usable(frame, lambda: in_bgr(frame))  # once for all of them
        elif not due:
            self._pass(feed)
        while feed.source is source:
            while due and self._queue.put(_seen(frame, due[0]), feed):
                del due[0]
            if not due:
                return True
            names = {look.name for look in due}
            feed = self._queue.feed
            due = [look for look in feed.looks if look.name in names]
        return False

    def _pass(self, feed: Feed) -> None:
        """Tell now and then that frames come, though no view looks."""
        if time.monotonic() >= self._passed_s + PASS_S:
            self._passed_s = time.monotonic()
            self._queue.put(Passed(), feed)

    def _find(self, source: Source, at_ns: int) -> None:
        """Tell that a source's first frame is there."""
        if self._told != (source, True):
            logger.info("camera %s: online", source.name)
        self._ever_online, self._told = True, (source, True)
        self._tell(source, CameraChange(online=True, at_ns=at_ns))

    def _lose(self, source: Source, error: SourceError) -> None:
        if self._told != (source, False):
            logger.warning("camera %s: lost: %s; trying again until it is back", source.name, error)
            self._told = source, False
        self._tell(source, CameraChange(online=False, at_ns=time.monotonic_ns()))

    def _tell(self, source: Source, notice: CameraChange | Rest) -> None:
        """Put a notice into the queue, unless another source is to be read by now."""
        feed = self._queue.feed
        while feed.source is source and not self._queue.put(notice, feed):
            feed = self._queue.feed


def _seen(frame: Frame, look: Look) -> Frame:
    return _usable(frame, lambda: look.view.of_frame(frame, look.name))


def _usable(frame: Frame, made: Callable[[], Frame]) -> Frame:
    """Return what is made of a frame.

    Raises:
        SourceError: nothing can be.
    """
    try:
        return made()
    except (cv2.error, ValueError) as error:
        message = f"gives an image {frame.image.shape} of {frame.image.dtype} that cannot be used: {error}"
        raise SourceError(" ".join(message.split())) from None
