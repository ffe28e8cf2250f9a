"""Whether anything has changed in the picture; where nothing has, neither have the scores, and inference may rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config

# In a row and in a column: the picture is compared spot by spot, of which each averages out a sensor's noise.
SPOTS = 32
LINGER_NS = 1_000_000_000  # it is looked at for so long after a change, until what moved stands still


class Motion:
    """Compares each frame with the one that showed the last change, so that slow changes add up until they count."""

    def __init__(self, settings: config.MotionSettings) -> None:
        """Begin with nothing seen."""
        self._most = settings.threshold * 255
        self._every_ns = round(settings.every * 1e9)
        self.begin()

    def begin(self) -> None:
        """Forget what was seen, and when: a source begins, and each has a clock of its own, which may be behind."""
        self._seen: NDArray[np.uint8] | None = None
        self._changed_ns = self._looked_ns = 0

    def step(self, time_ns: int, image: NDArray[np.uint8]) -> bool:
        """Tell whether a frame must be looked at: it shows something else, or the last look was too long ago.

        Args:
            time_ns: nanoseconds of the frames' clock.
            image: uint8 [rows, columns] or [rows, columns, channels], of any layout, as small as the model wants it.
        """
        rows, columns = image.shape[:2]
        spots: NDArray[np.uint8] = cv2.resize(
            image, (min(SPOTS, columns), min(SPOTS, rows)), interpolation=cv2.INTER_AREA
        )
        seen = self._seen
        if seen is None or seen.shape != spots.shape or cv2.norm(spots, seen, cv2.NORM_INF) > self._most:
            self._seen, self._changed_ns = spots, time_ns
        looks = time_ns - self._changed_ns < LINGER_NS or time_ns - self._looked_ns >= self._every_ns
        if looks:
            self._looked_ns = time_ns
        return looks
