"""A video file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from edgecam.camera.sources.opencv import opened
from edgecam.camera.sources.source import Playback
from edgecam.errors import SourceError, SourceFileError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from edgecam import config
    from edgecam.camera.frames import Frame


class VideoFile:
    """Any video that OpenCV's FFmpeg can read."""

    scales = False

    def __init__(self, camera: config.CameraSettings, path: Path) -> None:
        """Play ``path``, over and over if ``camera.loop``."""
        self.name = str(path)
        self.waits = not camera.realtime
        self._loop = camera.loop

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        playback = Playback(realtime=not self.waits)
        start_ns = 0
        while not stop.is_set():
            end_ns = start_ns
            for frame, end_ns in self._once(playback, start_ns, stop):  # noqa: B007  the last end is the next start
                yield frame
            if end_ns == start_ns:
                message = f"camera.source: {self.name}: no video that can be read"
                raise SourceFileError(message)
            if not self._loop:
                return
            start_ns = end_ns

    def _once(self, playback: Playback, start_ns: int, stop: threading.Event) -> Iterator[tuple[Frame, int]]:
        """The frames from beginning to end, each with the position behind it."""
        try:
            capture = opened(self.name, cv2.CAP_FFMPEG)
        except SourceError:
            return
        try:
            rate = capture.get(cv2.CAP_PROP_FPS)
            interval_ns = round(1e9 / rate) if 1 <= rate <= 1000 else 33_333_333  # noqa: PLR2004
            position_ns = start_ns - interval_ns
            while not stop.is_set():
                there, image = capture.read()
                if not there:
                    return
                told_ns = start_ns + round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
                # A file without usable time stamps plays at its nominal rate.
                position_ns = told_ns if told_ns > position_ns else position_ns + interval_ns
                yield playback.frame(image, position_ns, stop), position_ns + interval_ns
        finally:
            capture.release()
