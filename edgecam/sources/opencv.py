"""How OpenCV is told to open things."""

from __future__ import annotations

import os

import cv2

from edgecam.errors import SourceError

NO_FRAME_S = 5
SILENT = "-8"

# OpenCV has no other way to set these; it reads them when a source is opened. A user's own values stay.
for _name, _value in {
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": str(NO_FRAME_S),
    "OPENCV_FFMPEG_LOGLEVEL": SILENT,
    # What a stream's reader holds back is latency: take packets as they come, over TCP, where none is lost.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay",
}.items():
    os.environ.setdefault(_name, _value)
cv2.setLogLevel(0)  # what fails is told by us


def opened(name: str, backend: int, *settings: int) -> cv2.VideoCapture:
    """Open a device, stream or file by OpenCV's ``backend``, with pairs of property and value.

    Raises:
        SourceError: it cannot be opened.
    """
    capture = cv2.VideoCapture(name, backend, settings)
    if not capture.isOpened():
        capture.release()
        message = "cannot be opened"
        raise SourceError(message)
    return capture
