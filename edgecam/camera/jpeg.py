"""A picture for people, small enough for any broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 1280  # pixels of the longer side, at most
BYTES = 120_000  # at most; some brokers take no message above 128 kB
QUALITIES = (80, 60, 40)


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """Return a JPEG of at most BYTES of an image, uint8 [height, width, 3] in BGR; it is shrunk as far as need be."""
    side = max(image.shape[:2])
    if side > SIDE:
        image = _shrunk(image, SIDE / side)
    while True:
        for quality in QUALITIES:
            made = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
            if len(made) <= BYTES:
                return made
        image = _shrunk(image, 0.5)


def _shrunk(image: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    height, width = (max(1, round(length * share)) for length in image.shape[:2])
    shrunk: NDArray[np.uint8] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk
