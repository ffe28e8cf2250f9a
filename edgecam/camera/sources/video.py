"""A video file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.sources.opencv import decoded, opened
from edgecam.camera.sources.playback import Playback, Step
from edgecam.errors import SourceError, SourceFileError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator
    from pathlib import Path

    from edgecam import config
    from edgecam.camera.frames import Frame


class VideoFile:
    """Any video that OpenCV's FFmpeg can read."""

    scales = False

    def __init__(self, camera: config.CameraSettings, path: Path) -> None:
        """Play ``path``, over and over if ``camera.loop``."""
        self.name = str(path)
        self._path = str(path.absolute())  # of another name FFmpeg takes what stands before a colon for a protocol
        self.waits = not camera.realtime
        self._loop = camera.loop

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        playback = Playback(realtime=not self.waits)
        start_ns = 0
        while not stop.is_set():
            end_ns = yield from self._once(playback, start_ns, stop)
            if end_ns == start_ns and not stop.is_set():
                message = f"camera.source: {self.name}: no video that can be read"
                raise SourceFileError(message)
            if not self._loop:
                return
            start_ns = end_ns

    def _once(self, playback: Playback, start_ns: int, stop: threading.Event) -> Generator[Frame, None, int]:
        """Give the frames from beginning to end; returns the position behind the last one."""
        try:
            capture = opened(self._path, cv2.CAP_FFMPEG)
        except SourceError:
            return start_ns
        try:
            rate = capture.get(cv2.CAP_PROP_FPS)
            interval_ns = round(1e9 / rate) if 1 <= rate <= 1000 else 33_333_333  # noqa: PLR2004
            last_ns = start_ns + round(capture.get(cv2.CAP_PROP_FRAME_COUNT) - 1) * interval_ns
            position_ns = reached_ns = start_ns - interval_ns
            while not stop.is_set() and capture.grab():
                told_ns = start_ns + round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
                # A file without usable time stamps plays at its nominal rate.
                position_ns = told_ns if told_ns > position_ns else position_ns + interval_ns
                now_ns = time.monotonic_ns()
                match playback.step(position_ns, now_ns):
                    case Step.SHOW:
                        image = decoded(capture)
                        if image is not None:
                            yield playback.frame(image, position_ns, stop)
                    case Step.JUMP:
                        target_ns = min(playback.target_ns(now_ns), last_ns)
                        if target_ns > position_ns:
                            capture.set(cv2.CAP_PROP_POS_MSEC, (target_ns - start_ns) / 1e6)
                            reached_ns = target_ns
            return max(position_ns, reached_ns) + interval_ns
        finally:
            capture.release()
