"""A camera that speaks HTTP: a stream of JPEGs, single pictures, or what FFmpeg can read; it shows by its answer."""

from __future__ import annotations

import logging
import re
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgecam.addresses import shown
from edgecam.camera.compressed import frame_of
from edgecam.camera.sources.multipart import MOST_BYTES, Parts
from edgecam.camera.sources.source import patience_s
from edgecam.camera.sources.stillness import Stillness
from edgecam.camera.sources.stream import Stream
from edgecam.camera.sources.web import Web
from edgecam.errors import SourceError, as_text

if TYPE_CHECKING:
    import http.client
    import threading
    from collections.abc import Generator

    from edgecam import config
    from edgecam.camera.frames import Frame
    from edgecam.camera.view import Wanted

logger = logging.getLogger(__name__)

CHUNK = 1 << 18  # bytes that are taken at once, if so many are there
BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
PAGES = {"text/html", "application/xhtml+xml", "application/json"}
UNSAID = {"application/octet-stream", "text/plain"}  # the latter stands for none
BEGINNINGS = b"\xff\xd8\xff", b"\x89PNG"
LONGEST_TYPE = 60
PAUSE_S = 0.5  # before a picture that was not given is asked for again


class NetworkCamera:
    """Frames carry the time of their arrival, as it is not told when they were exposed.

    Of those that have come together, since we were slower than the camera, the newest is taken.
    """

    waits = False

    def __init__(self, camera: config.CameraSettings, wanted: Wanted) -> None:
        """Read what lies at the URL ``camera.source``, no larger than ``wanted``."""
        self.name = shown(camera.source)
        self.scales = True  # unless it turns out to be for FFmpeg
        self._camera = camera
        self._least = wanted.least
        self._patience_s = patience_s(camera.fps)

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        stillness = Stillness(2 * self._patience_s)
        while not stop.is_set():
            with closing(Web(self._camera.source, self._patience_s)) as web:
                response = web.get()
                kind = response.headers.get_content_type()
                self.scales = True
                if kind.startswith("multipart/"):
                    with closing(self._decoded(self._streamed(web, response, stop))) as frames:
                        for frame in frames:
                            yield frame
                            if stillness.is_suspect(frame.image, frame.exposed_ns / 1e9):
                                logger.debug("camera %s: the picture does not change; opening it anew", self.name)
                                break
                    continue
                if _is_picture(web, response):
                    yield from self._decoded(self._single(web, response, stop), f" (it gives {_kind(response)})")
                    return
            if kind in PAGES:
                raise SourceError(_refused(response))
            logger.debug("camera %s: gives %s, which is for FFmpeg to read", self.name, kind)
            self.scales = False
            yield from Stream(self._camera).frames(stop)
            return

    def _streamed(
        self, web: Web, response: http.client.HTTPResponse, stop: threading.Event
    ) -> Generator[bytes, None, None]:
        """Give the newest part each time that some have come."""
        match = BOUNDARY.search(response.headers["Content-Type"])
        parts = Parts((match[1] or match[2] or "") if match else "")
        while not stop.is_set():
            content = web.read(partial(response.read1, CHUNK))
            if not content:
                message = "the stream ended"
                raise SourceError(message)
            if complete := parts.feed(content):
                web.wait()
                yield complete[-1]

    def _single(
        self, web: Web, response: http.client.HTTPResponse, stop: threading.Event
    ) -> Generator[bytes, None, None]:
        """Give a picture each 1 / fps seconds, or as soon after as it comes."""
        due_s = time.monotonic()
        while not stop.is_set():
            if not _is_picture(web, response):
                raise SourceError(_refused(response))
            content = web.read(partial(response.read, MOST_BYTES + 1))
            if len(content) > MOST_BYTES:
                message = f"gives a picture of more than {MOST_BYTES // 1_000_000} MB"
                raise SourceError(message)
            if response.length:  # it broke off
                web.close()
            else:
                yield content
            now_s = time.monotonic()
            due_s = max(due_s + 1 / self._camera.fps, now_s)
            if stop.wait(due_s - now_s):
                return
            response = self._next(web, stop)

    def _next(self, web: Web, stop: threading.Event) -> http.client.HTTPResponse:
        """Ask for the next picture, more than once: many a camera is too busy now and then.

        Raises:
            SourceError: it has given none for as long as it is waited for.
        """
        until_s = time.monotonic() + self._patience_s
        while True:
            try:
                return web.get()
            except SourceError:
                if time.monotonic() >= until_s or stop.wait(min(PAUSE_S, self._patience_s)):
                    raise

    def _decoded(self, pictures: Generator[bytes, None, None], kind: str = "") -> Generator[Frame, None, None]:
        """Give frames of pictures; what cannot be decoded is left out, as cheap cameras send some."""
        good_s = time.monotonic()
        with closing(pictures):
            for picture in pictures:
                now_ns = time.monotonic_ns()
                frame = frame_of(np.frombuffer(picture, np.uint8), self._least, now_ns)
                if frame:
                    good_s = time.monotonic()
                    yield frame
                elif time.monotonic() - good_s > self._patience_s:
                    message = f"no frame that can be decoded came for {self._patience_s:.0f} s{kind}"
                    raise SourceError(message)


def _is_picture(web: Web, response: http.client.HTTPResponse) -> bool:
    """Whether it says so of itself, or says nothing and begins so."""
    kind = response.headers.get_content_type()
    if kind in UNSAID and response.length:
        return web.read(partial(response.peek, len(BEGINNINGS[0]))).startswith(BEGINNINGS)
    return kind.startswith("image/")


def _kind(response: http.client.HTTPResponse) -> str:
    return as_text(response.headers.get_content_type(), LONGEST_TYPE)


def _refused(response: http.client.HTTPResponse) -> str:
    return f"gives {_kind(response)}, neither pictures nor a stream; is that the address of its pictures?"
