"""The capture thread: from a source to the queue."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from edgecam.errors import SourceError, SourceFileError
from edgecam.frames import CameraChange

if TYPE_CHECKING:
    import threading

    from edgecam.frame_queue import FrameQueue
    from edgecam.sources.source import Source
    from edgecam.view import View

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 4.0


class Capture:
    """Puts a source's frames, at the model's size, into the queue; opens a lost camera again."""

    def __init__(self, source: Source, view: View, queue: FrameQueue, stop: threading.Event) -> None:
        """Run until ``stop`` is set or the source has ended."""
        self._source = source
        self._view = view
        self._queue = queue
        self._stop = stop
        self._online = False
        self._told = False

    def run(self) -> None:
        """Capture.

        Raises:
            SourceFileError: a file cannot be read.
        """
        delay = FIRST_RETRY_S
        while not self._stop.is_set():
            try:
                self._read()
            except SourceFileError:
                raise
            except SourceError as error:
                if self._online:
                    delay = FIRST_RETRY_S
                self._lost(error)
                logger.debug("camera %s: trying again in %.1f s", self._source.name, delay)
                self._stop.wait(delay)
                delay = min(2 * delay, LAST_RETRY_S)
            else:
                return

    def _read(self) -> None:
        with closing(self._source.frames(self._stop)) as frames:
            for frame in frames:
                if not self._online:
                    self._found(frame.exposed_ns)
                self._queue.put(replace(frame, image=self._view.of(frame.image)))

    def _found(self, at_ns: int) -> None:
        logger.info("camera %s: online", self._source.name)
        self._online, self._told = True, False
        self._queue.put(CameraChange(online=True, at_ns=at_ns))

    def _lost(self, error: SourceError) -> None:
        if not self._told:
            logger.warning("camera %s: lost: %s; trying again until it is back", self._source.name, error)
            self._told = True
        if self._online:
            self._online = False
            self._queue.put(CameraChange(online=False, at_ns=time.monotonic_ns()))
