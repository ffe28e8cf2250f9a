"""Pictures at another size than they are kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.data.pixel_file import Pixels


class Shrunk:
    """Pixels at another size, perhaps mirrored."""

    def __init__(self, pixels: Pixels, size: int, *, mirrored: bool = False) -> None:
        self.shape = (pixels.shape[0], size, size, 3)
        self._pixels, self._size, self._mirrored = pixels, size, mirrored

    def __getitem__(self, indices: NDArray[np.int64], /) -> NDArray[np.uint8]:
        chosen = self._pixels[indices]
        if self._mirrored:
            chosen = chosen[:, :, ::-1]
        if chosen.shape[1] == self._size:
            return chosen
        size = (self._size, self._size)
        return np.stack([cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in chosen])
