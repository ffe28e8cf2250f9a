"""Pictures of all and sundry, that ship with the trainer: what a model learns as `background` (see SOURCES.md).

They are in `pictures.zip`, one folder a source; `credits.csv` names the author and the licence of each, and
`python -m trainer.negatives.make` makes both.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from edgecam import config
from edgecam.camera.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURES: Final = Path(__file__).with_name("pictures.zip")
CREDITS: Final = Path(__file__).with_name("credits.csv")


@dataclass(frozen=True, slots=True)
class Negatives:
    """Pictures of nothing that a user teaches, but by chance.

    Attributes:
        pixels: uint8 [pictures, height, width, 3], RGB, stretched as edgecam's View would.
        sources: int64 [pictures], which source each is of. Two pictures of one source may show the same thing, or the
            same photograph: training and validation are kept apart by it.
    """

    pixels: NDArray[np.uint8]
    sources: NDArray[np.int64]


def negatives(size: tuple[int, int]) -> Negatives:
    """All shipped pictures, always in the same order.

    Args:
        size: width and height of what the model sees, in pixels.
    """
    view = View(config.CameraSettings(), size)
    with zipfile.ZipFile(PICTURES) as archive:
        names = sorted(archive.namelist())
        pixels = np.empty((len(names), size[1], size[0], 3), np.uint8)
        for number, name in enumerate(names):
            encoded = np.frombuffer(archive.read(name), np.uint8)
            picture = cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            pixels[number] = view.of(picture)
    folders = [name.partition("/")[0] for name in names]
    return Negatives(pixels, np.unique(folders, return_inverse=True)[1].astype(np.int64))
