"""USB and other V4L2 cameras."""

from __future__ import annotations

import fcntl
import math
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.compressed import frame_of
from edgecam.camera.frames import Frame
from edgecam.camera.sources.opencv import decoded, made, opened, prefer
from edgecam.camera.sources.source import exposure_ns, patience_s
from edgecam.camera.sources.v4l2_modes import MJPEG, choose_format, modes
from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.view import Wanted

BUFFERS = 2  # one being filled, one being read


class V4l2Camera:
    """The camera at a device file such as /dev/video0.

    What it gives as MJPEG is decoded no larger than it is wanted; whether it does shows when it is opened.
    """

    waits = False

    def __init__(self, camera: config.CameraSettings, device: str | None = None, wanted: Wanted | None = None) -> None:
        """Ask the camera at ``device`` (or ``camera.source``) for the size, rate and format of ``camera``."""
        self.name = device or camera.source
        self.scales = True
        self._camera = camera
        self._least = wanted.least if wanted else None

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        if not Path(self.name).exists():
            message = "no such device; is the camera plugged in?"
            raise SourceError(message)
        if not os.access(self.name, os.R_OK | os.W_OK):
            message = "permission denied; put yourself into its group: sudo usermod -aG video $USER, and log in anew"
            raise SourceError(message)
        # OpenCV looks at it once: after a reload to a slower camera it waits as long as for the first.
        longest_s = patience_s(self._camera.fps)
        prefer("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(math.ceil(longest_s)))
        wanted = self._format()
        capture = opened(self.name, cv2.CAP_V4L2, *self._settings(wanted))
        try:
            capture.set(cv2.CAP_PROP_FPS, max(1, round(self._camera.fps)))  # some have one rate only, and refuse
            if wanted and round(capture.get(cv2.CAP_PROP_FOURCC)) != _code(wanted):
                message = f"refuses to give {wanted}; set camera.format to auto"
                raise SourceError(message)
            self.scales = wanted == MJPEG
            make = self._compressed if wanted == MJPEG else self._plain
            yield from made(capture, make, longest_s, "unplugged", stop)
        finally:
            capture.release()

    def _format(self) -> str | None:
        """The format to ask for; None: any that OpenCV can read."""
        camera, size = self._camera, (self._camera.width, self._camera.height)
        try:
            with Path(self.name).open("rb", buffering=0) as device:
                known = modes(partial(fcntl.ioctl, device), size)
        except OSError:
            known = []
        return choose_format(known, size, camera.fps, camera.format)

    def _settings(self, wanted: str | None) -> tuple[int, ...]:
        return (
            *((cv2.CAP_PROP_FOURCC, _code(wanted)) if wanted else ()),
            *(cv2.CAP_PROP_FRAME_WIDTH, self._camera.width),
            *(cv2.CAP_PROP_FRAME_HEIGHT, self._camera.height),
            *(cv2.CAP_PROP_BUFFERSIZE, BUFFERS),
            *((cv2.CAP_PROP_CONVERT_RGB, 0) if wanted == MJPEG else ()),
        )

    def _compressed(self, capture: cv2.VideoCapture) -> Frame | None:
        content = decoded(capture)
        return None if content is None else frame_of(content.reshape(-1), self._least, _exposed_ns(capture))

    def _plain(self, capture: cv2.VideoCapture) -> Frame | None:
        image = decoded(capture)
        if image is None:
            return None
        exposed_ns = _exposed_ns(capture)
        return Frame(_shaped(image, capture), exposed_ns, exposed_ns)


def _code(letters: str) -> int:
    return cv2.VideoWriter.fourcc(*letters)


def _shaped(image: NDArray[np.uint8], capture: cv2.VideoCapture) -> NDArray[np.uint8]:
    """Give an image its rows back: OpenCV 4.11 flattens what a camera gives as BGR (its issue 27166)."""
    if image.ndim == 3:  # noqa: PLR2004
        return image
    width, height = (round(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if image.size != width * height * 3:
        message = "gives images that are neither colour nor grey of 8 bits"
        raise SourceError(message)
    return image.reshape(height, width, 3)


def _exposed_ns(capture: cv2.VideoCapture) -> int:
    """The driver's time stamp, which is of the monotonic clock with all but a few drivers, else the time now."""
    return exposure_ns(round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6))
