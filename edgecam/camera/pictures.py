"""Pictures in files: which files they are, and how they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """Read a picture upright, as uint8 [height, width, 3] in BGR; None where that cannot be done."""
    if not path.is_file():  # a pipe would be waited for
        return None
    try:
        image: NDArray[np.uint8] | None = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:  # more pixels than OpenCV's bound
        return None
    return image


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder, by the endings of their names, in the order of these.

    Raises:
        OSError: it cannot be read.
    """
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def pictures_below(folder: Path) -> list[Path]:
    """Return the pictures of a folder and of those in it, hidden ones left out, in the order of their paths.

    Raises:
        OSError: it cannot be read.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=_raised):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(place, name) for name in files if not name.startswith(".")]
        found += [path for path in paths if path.suffix.lower() in SUFFIXES]
    return sorted(found)


def _raised(error: OSError) -> None:
    raise error
