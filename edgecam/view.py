"""The part of a camera's image that the model sees, turned upright and at the model's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class View:
    """Crops, shrinks and turns images; the crop is stretched to the model's size, as MediaPipe and the trainer do."""

    def __init__(self, camera: config.Camera, size: tuple[int, int]) -> None:
        """Show images at ``size`` (width, height)."""
        self._crop = camera.crop
        self._turn = TURNS.get(camera.rotation)
        self._size = size if camera.rotation in (0, 180) else size[::-1]

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the view of an image, uint8 [height, width, 3] at any size, at the model's size."""
        height, width = image.shape[:2]
        x, y, part_width, part_height = self._crop
        top, left = min(round(y * height), height - 1), min(round(x * width), width - 1)
        image = image[top : top + max(1, round(part_height * height)), left : left + max(1, round(part_width * width))]
        # Halving by areas keeps fine patterns from aliasing, at a tenth of the cost of shrinking by areas in one go.
        while image.shape[0] >= 2 * self._size[1] and image.shape[1] >= 2 * self._size[0]:
            image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, self._size, interpolation=cv2.INTER_LINEAR)
        return image if self._turn is None else cv2.rotate(image, self._turn)
