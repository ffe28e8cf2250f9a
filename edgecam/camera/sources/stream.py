"""A camera on the network: RTSP, or a stream over HTTP."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from typing import TYPE_CHECKING

import cv2

from edgecam.addresses import shown
from edgecam.camera.frames import Frame
from edgecam.camera.sources.opencv import NO_FRAME_S, opened, preferred
from edgecam.camera.sources.stillness import Stillness
from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgecam import config

logger = logging.getLogger(__name__)

# What a stream's reader holds back is latency: take packets as they come, over TCP, where none is lost. (For a file
# this would lose its first frame.)
CAPTURE_OPTIONS = "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay"


class Stream:
    """A stream's frames carry the time of their arrival, as it does not tell when they were exposed."""

    waits = False
    scales = False

    def __init__(self, camera: config.CameraSettings) -> None:
        """Read the stream at the URL ``camera.source``."""
        self.name = shown(camera.source)
        self._url = camera.source

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        stillness = Stillness()
        while not stop.is_set():
            with closing(self._connected(stop)) as frames:
                for frame in frames:
                    yield frame
                    if stillness.is_suspect(frame.image, frame.exposed_ns / 1e9):
                        logger.debug("camera %s: the picture does not change; opening it anew", self.name)
                        break

    def _connected(self, stop: threading.Event) -> Generator[Frame, None, None]:
        timeout = 1000 * NO_FRAME_S
        settings = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout)
        with preferred("OPENCV_FFMPEG_CAPTURE_OPTIONS", CAPTURE_OPTIONS):
            capture = opened(self._url, cv2.CAP_FFMPEG, *settings)
        try:
            while not stop.is_set():
                there, image = capture.read()
                if not there:
                    message = f"the stream ended, or no frame came for {NO_FRAME_S} s"
                    raise SourceError(message)
                now_ns = time.monotonic_ns()
                yield Frame(image, now_ns, now_ns)
        finally:
            capture.release()
