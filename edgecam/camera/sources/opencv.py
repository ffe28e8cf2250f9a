"""How OpenCV is told to open things, and read."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import cv2

from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

Made = TypeVar("Made")


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
    # Phones film lying on their side, and say so in the file. OpenCV turns that upright, 4.11 only if asked (its issue
    # 26795).
    if backend == cv2.CAP_FFMPEG:
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def images(
    capture: cv2.VideoCapture, patience_s: float, end: str, stop: threading.Event
) -> Iterator[NDArray[np.uint8]]:
    """`made`, of what is decoded already."""
    return made(capture, decoded, patience_s, end, stop)


def made(
    capture: cv2.VideoCapture,
    make: Callable[[cv2.VideoCapture], Made | None],
    patience_s: float,
    end: str,
    stop: threading.Event,
) -> Iterator[Made]:
    """Give what is made of a device's or stream's frames until ``stop`` is set; of which nothing is made is left out.

    Raises:
        SourceError: no frame comes any more, which is told in the words of ``end``; or for ``patience_s`` seconds none
            that can be decoded.
    """
    good_s = time.monotonic()
    while not stop.is_set():
        if not capture.grab():
            message = f"{end}, or no frame came for {patience_s:.0f} s"
            raise SourceError(message)
        frame = make(capture)
        if frame is not None:
            good_s = time.monotonic()
            yield frame
        elif time.monotonic() - good_s > patience_s:
            message = f"no frame that can be decoded came for {patience_s:.0f} s"
            raise SourceError(message)


def decoded(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    """Return the image of the frame that was grabbed; None where it cannot be decoded, as cheap cameras send some."""
    try:
        there, image = capture.retrieve()
    except cv2.error:  # nothing in it
        return None
    return image if there else None


# What fails is told by us. (The function moved in OpenCV 4.12.)
(getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel)(0)  # type: ignore[attr-defined]
prefer("OPENCV_FFMPEG_LOGLEVEL", "-8")
