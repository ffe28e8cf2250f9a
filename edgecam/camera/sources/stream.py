"""A stream on the network that OpenCV's FFmpeg reads."""

from __future__ import annotations

import logging
import time
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

import cv2

from edgecam.addresses import shown
from edgecam.camera.frames import Frame
from edgecam.camera.sources.opencv import images, opened, preferred
from edgecam.camera.sources.source import patience_s
from edgecam.camera.sources.stillness import Stillness
from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgecam import config

logger = logging.getLogger(__name__)

# What a stream's reader holds back is latency: take packets as they come, and lose some rather than end. (For a file
# this would lose its first frame.)
CAPTURE_OPTIONS = "rtsp_transport;{}|fflags;nobuffer|flags;low_delay|overrun_nonfatal;1"
# OpenCV 4.11 does not heed what these say: it tries TCP first if there are any, else UDP, and then the other one.
HEARS_NOTHING = cv2.__version__.startswith("4.11.")
SRT = "srt://"
# What FFmpeg says of it cannot be had through OpenCV.
WITHOUT_SRT = (
    "cannot be opened; OpenCV as it comes from PyPI reads no srt://: let a server such as MediaMTX pass it on by RTSP"
)


class Stream:
    """A stream's frames carry the time of their arrival, as it does not tell when they were exposed."""

    waits = False
    scales = False

    def __init__(self, camera: config.CameraSettings) -> None:
        """Read the stream at the URL ``camera.source``."""
        self.name = shown(camera.source)
        scheme, colon, rest = camera.source.partition(":")
        self._url = scheme.lower() + colon + rest  # FFmpeg knows no other
        self._options = CAPTURE_OPTIONS.format(camera.transport)
        self._has_options = not (HEARS_NOTHING and camera.transport == "udp")
        self._patience_s = patience_s(camera.fps)

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        stillness = Stillness(2 * self._patience_s)
        while not stop.is_set():
            with closing(self._connected(stop)) as frames:
                for frame in frames:
                    yield frame
                    if stillness.is_suspect(frame.image, frame.exposed_ns / 1e9):
                        logger.debug("camera %s: the picture does not change; opening it anew", self.name)
                        break

    def _connected(self, stop: threading.Event) -> Generator[Frame, None, None]:
        timeout_ms = round(1000 * self._patience_s)
        settings = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms)
        try:
            with preferred("OPENCV_FFMPEG_CAPTURE_OPTIONS", self._options) if self._has_options else nullcontext():
                capture = opened(self._url, cv2.CAP_FFMPEG, *settings)
        except SourceError:
            if not self._url.startswith(SRT):
                raise
            raise SourceError(WITHOUT_SRT) from None
        try:
            for image in images(capture, self._patience_s, "the stream ended", stop):
                now_ns = time.monotonic_ns()
                yield Frame(image, now_ns, now_ns)
        finally:
            capture.release()
