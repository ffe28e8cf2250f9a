"""What a photograph looks like, in a few numbers that another JPEG quality or another size hardly changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import imagehash
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 64
HASH_SIDE = 16
BITS = 2 * HASH_SIDE * HASH_SIDE
COLOURS = 4
PLAIN = 4.0  # grey levels of standard deviation; below, what is lighter than its neighbour is noise


@dataclass(frozen=True, slots=True)
class Look:
    """One photograph.

    Attributes:
        hash: bool [512], where it grows darker from left to right and from top to bottom, in cells of a sixteenth.
        mirrored: that of the mirrored photograph.
        colours: float32 [4, 4, 3], means of cells, 0 to 255.
        grey: uint8 [64, 64].
    """

    hash: NDArray[np.bool_]
    mirrored: NDArray[np.bool_]
    colours: NDArray[np.float32]
    grey: NDArray[np.uint8]

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to know it by, as on a wall or in the dark."""
        return float(self.grey.std()) < PLAIN


def look(image: NDArray[np.uint8]) -> Look:
    """Look at uint8 [height, width, 3], red, green, blue, whatever its shape."""
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    cells = np.asarray(cv2.resize(small, (COLOURS, COLOURS), interpolation=cv2.INTER_AREA), np.float32)
    return Look(_hash(grey), _hash(np.ascontiguousarray(grey[:, ::-1])), cells, grey)


def _hash(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    picture = Image.fromarray(grey)
    both = (imagehash.dhash(picture, HASH_SIDE), imagehash.dhash_vertical(picture, HASH_SIDE))
    return np.concatenate([each.hash.ravel() for each in both])
