"""A picture for people, small enough for any broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 1280  # pixels of the longer side, at most
SMALLEST = 32  # likewise, of a picture that is not shrunk any further
BYTES = 120_000  # at most; some brokers take no message above 128 kB
QUALITIES = (80, 60, 40)


def jpeg(image: NDArray[np.uint8], most: int = BYTES) -> bytes:
    """Return a JPEG of an image, uint8 [height, width, 3] in BGR; it is shrunk as far as need be.

    It has at most ``most`` and BYTES bytes, unless even one of SMALLEST pixels has more.
    """
    side = max(image.shape[:2])
    if side > SIDE:
        image = _shrunk(image, SIDE / side)
    while True:
        for quality in QUALITIES:
            made = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
            if len(made) <= min(most, BYTES):
                return made
        if max(image.shape[:2]) <= SMALLEST:
            return made
        image = _shrunk(image, 0.5)


def _shrunk(image: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    height, width = (max(1, round(length * share)) for length in image.shape[:2])
    shrunk: NDArray[np.uint8] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk
