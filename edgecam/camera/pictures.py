"""Pictures in files: which files they are, and how they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgecam.errors import in_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
KINDS = "JPEG, PNG, WebP, TIFF, BMP and PPM"
PHONES = {".avif", ".dng", ".heic", ".heif"}


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """Read a picture upright, as uint8 [height, width, 3] in BGR; None where that cannot be done."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        content = np.fromfile(path, np.uint8)  # OpenCV's imread is killed by a name that is not UTF-8
        image: NDArray[np.uint8] | None = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # may not be read; is empty, or has more pixels than OpenCV's bound
        return None
    return image


def why_unread(path: Path) -> str:
    """Say of what ``read_picture`` could not read what it is, and what to do; the path is not named."""
    try:
        path.stat()
    except OSError as error:
        return in_words(error)
    if path.is_dir():
        return "a folder; name a picture in it"
    if not os.access(path, os.R_OK):
        return "permission denied"
    suffix = path.suffix.lower()
    if suffix == ".tflite":
        return "a model, not a picture; name it by --model"
    if suffix in PHONES:
        return f"a picture in {suffix[1:].upper()}, which is not read here; save it as JPEG"
    return f"not a picture that can be read; {KINDS} are"


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
