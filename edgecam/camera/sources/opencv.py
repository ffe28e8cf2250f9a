"""How OpenCV is told to open things."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2

from edgecam.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_FRAME_S = 5


def prefer(name: str, value: str) -> None:
    """Set what OpenCV only takes from its environment, when a source is opened; a user's own value stays."""
    os.environ.setdefault(name, value)


@contextmanager
def preferred(name: str, value: str) -> Iterator[None]:
    """`prefer`, but only while one source is opened."""
    of_user = name in os.environ
    prefer(name, value)
    try:
        yield
    finally:
        if not of_user:
            os.environ.pop(name, None)


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


# What fails is told by us. (The function moved in OpenCV 4.12.)
(getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel)(0)  # type: ignore[attr-defined]
prefer("OPENCV_FFMPEG_LOGLEVEL", "-8")
