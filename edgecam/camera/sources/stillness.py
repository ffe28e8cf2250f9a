"""Notices a picture that never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_S, LAST_S = 30.0, 600.0
GRID = 16  # every so many pixels one is compared: noise moves them all


class Stillness:
    """Tells when a picture has been the same, pixel by pixel, for so long that its source should be opened anew.

    OpenCV 4.11 gives the last picture again and again when a stream goes on with another number of pixels (its issue
    27116), and there are cameras that hang likewise. As a picture may also be still by nature, it is told more and more
    rarely.
    """

    def __init__(self, least_s: float = 0.0) -> None:
        """Tell nothing before a picture has been the same for ``least_s`` seconds, or FIRST_S where that is longer."""
        self._first_s = max(FIRST_S, least_s)
        self._sample: NDArray[np.uint8] | None = None
        self._since_s = 0.0
        self._patience_s = self._first_s

    def is_suspect(self, image: NDArray[np.uint8], now_s: float) -> bool:
        """Take in an image, uint8 [height, width, 3], and the time in seconds."""
        sample = image[::GRID, ::GRID]
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._since_s, self._patience_s = sample.copy(), now_s, self._first_s
            return False
        if now_s - self._since_s < self._patience_s:
            return False
        self._since_s, self._patience_s = now_s, min(2 * self._patience_s, max(LAST_S, self._first_s))
        return True
