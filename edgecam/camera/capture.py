"""The capture thread: from a source to the queue."""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.frames import CameraChange, Rest
from edgecam.errors import SourceError, SourceFileError

if TYPE_CHECKING:
    from edgecam.camera.frame_queue import FrameQueue
    from edgecam.camera.frames import Frame, Notice
    from edgecam.camera.sources.source import Source
    from edgecam.camera.view import View
    from edgecam.device.heat import Pace

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 2.0  # with what a try takes, less than the 5 s in which a camera that is back is to be seen
REST_S = 5.0  # how often it is told that no frame is taken


class Capture:
    """Puts a source's frames, at the model's size, into the queue; opens a lost camera again.

    The source and what the model sees of it can be changed while it runs. While it rests the source is closed.
    """

    def __init__(self, source: Source, view: View, frames: FrameQueue, pace: Pace) -> None:
        """Read ``source``, and of its frames as many as ``pace`` admits."""
        self._source = source
        self._view = view
        self._queue = frames
        self._pace = pace
        self._interrupt = threading.Event()  # the source is to give no more frames: it is to be changed, or all ends
        self._changes: queue.SimpleQueue[tuple[View, Notice]] = queue.SimpleQueue()
        self._stopped = False
        self._rests = False
        self._was_online = False
        self._online = False
        self._told = False

    def run(self) -> None:
        """Capture until `stop` is called or the source has ended.

        Raises:
            SourceFileError: a file cannot be read, and never could.
        """
        delay = FIRST_RETRY_S
        while not self._stopped:
            self._interrupt.clear()
            if self._stopped:  # it was called just before
                return
            source = self._source
            self._follow_changes()
            if self._rests:
                self._queue.put(Rest())
                self._interrupt.wait(REST_S)
                continue
            try:
                self._read(source)
            except SourceError as error:
                if isinstance(error, SourceFileError) and not self._was_online:
                    raise
                if self._online or source is not self._source:
                    delay = FIRST_RETRY_S
                self._lost(source, error)
                logger.debug("camera %s: trying again in %.1f s", source.name, delay)
                self._interrupt.wait(delay)
                delay = min(2 * delay, LAST_RETRY_S)
            else:
                if source is self._source and not self._interrupt.is_set():
                    return

    def stop(self) -> None:
        """Let `run` end soon; called by another thread."""
        self._stopped = True
        self._interrupt.set()

    def rest(self, *, rests: bool) -> None:
        """Take no frames, or take them again; called by another thread."""
        self._rests = rests
        self._interrupt.set()

    def show(self, view: View, notice: Notice) -> None:
        """From the next frame on give another view; ``notice`` stands in line before it."""
        self._changes.put((view, notice))

    def read(self, source: Source) -> None:
        """Go on with another source."""
        self._source = source
        self._told = False
        self._interrupt.set()

    def _read(self, source: Source) -> None:
        with closing(source.frames(self._interrupt)) as frames:
            for frame in frames:
                if not self._online:
                    self._found(source, frame.exposed_ns)
                if source.waits:
                    if delay_s := self._pace.delay_s(time.monotonic()):
                        self._interrupt.wait(delay_s)
                elif not self._pace.admits():
                    continue
                self._follow_changes()
                self._queue.put(self._seen(frame))

    def _seen(self, frame: Frame) -> Frame:
        try:
            return self._view.of_frame(frame)
        except (cv2.error, ValueError) as error:
            message = f"gives an image {frame.image.shape} of {frame.image.dtype} that cannot be used: {error}"
            raise SourceError(" ".join(message.split())) from None

    def _follow_changes(self) -> None:
        while not self._changes.empty():
            self._view, notice = self._changes.get()
            self._queue.put(notice)

    def _found(self, source: Source, at_ns: int) -> None:
        logger.info("camera %s: online", source.name)
        self._online, self._was_online, self._told = True, True, False
        self._queue.put(CameraChange(online=True, at_ns=at_ns))

    def _lost(self, source: Source, error: SourceError) -> None:
        if not self._told:
            logger.warning("camera %s: lost: %s; trying again until it is back", source.name, error)
            self._told = True
        self._online = False
        self._queue.put(CameraChange(online=False, at_ns=time.monotonic_ns()))
