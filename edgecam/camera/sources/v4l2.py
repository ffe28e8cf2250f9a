"""USB and other V4L2 cameras."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.frames import Frame
from edgecam.camera.sources.opencv import images, opened, prefer
from edgecam.camera.sources.source import exposure_ns, patience_s
from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config

BUFFERS = 2  # one being filled, one being read


class V4l2Camera:
    """The camera at a device file such as /dev/video0."""

    waits = False
    scales = False

    def __init__(self, camera: config.CameraSettings, device: str | None = None) -> None:
        """Ask the camera at ``device`` (or ``camera.source``) for the size and rate of ``camera``."""
        self.name = device or camera.source
        self._settings = (
            *(cv2.CAP_PROP_FRAME_WIDTH, camera.width),
            *(cv2.CAP_PROP_FRAME_HEIGHT, camera.height),
            *(cv2.CAP_PROP_BUFFERSIZE, BUFFERS),
        )
        self._fps = camera.fps

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        if not Path(self.name).exists():
            message = "no such device; is the camera plugged in?"
            raise SourceError(message)
        if not os.access(self.name, os.R_OK | os.W_OK):
            message = "permission denied; put yourself into its group: sudo usermod -aG video $USER, and log in anew"
            raise SourceError(message)
        # OpenCV looks at it once: after a reload to a slower camera it waits as long as for the first.
        longest_s = patience_s(self._fps)
        prefer("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(math.ceil(longest_s)))
        capture = opened(self.name, cv2.CAP_V4L2, *self._settings)
        try:
            capture.set(cv2.CAP_PROP_FPS, max(1, round(self._fps)))  # some have one rate only, and refuse to be asked
            for image in images(capture, longest_s, "unplugged", stop):
                exposed_ns = _exposed_ns(capture)
                yield Frame(_shaped(image, capture), exposed_ns, exposed_ns)
        finally:
            capture.release()


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
