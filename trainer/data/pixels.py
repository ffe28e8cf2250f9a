"""All photographs of a data set as the model will see them, in one array on disk."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgecam import config
from edgecam.camera.view import View
from trainer.data.listing import Finding
from trainer.data.photograph_files import read_photograph
from trainer.errors import PhotographError
from trainer.progress import bar

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgecam.camera.fit import Fit
    from trainer.data.listing import Listing


def read_pixels(
    listing: Listing, size: tuple[int, int], file: Path, fit: Fit = "stretch"
) -> tuple[NDArray[np.uint8], dict[int, bytes], list[Finding]]:
    """Read all photographs as the daemon would see them, at the model's size.

    Args:
        listing: which.
        size: width and height in pixels.
        file: where the array is kept, as it may not fit into memory.
        fit: how one of another shape becomes one of that.

    Returns:
        uint8 [photographs, height, width, 3], red, green, blue, zeros where one could not be read; for each readable
        one a digest of its pixels; and what was wrong or odd.
    """
    shape = (max(1, len(listing.photos)), size[1], size[0], 3)
    pixels: NDArray[np.uint8] = np.lib.format.open_memmap(file, "w+", np.uint8, shape)  # type: ignore[no-untyped-call]
    view = View(config.CameraSettings(), size, fit=fit)
    findings: list[Finding] = []
    digests: dict[int, bytes] = {}

    def read(index: int) -> None:
        path = listing.photos[index].path
        try:
            image, notes = read_photograph(path, least=2 * max(size))
        except PhotographError as error:
            findings.append(Finding(path, f"{error}; left out"))
            return
        findings.extend(Finding(path, note) for note in notes)
        pixels[index] = view.of(image)
        digests[index] = hashlib.sha256(pixels[index].tobytes()).digest()

    cv2.setNumThreads(1)  # the photographs themselves are what runs side by side
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = pool.map(read, range(len(listing.photos)))
        list(bar(jobs, "reading photographs", len(listing.photos)))
    return pixels, dict(sorted(digests.items())), sorted(findings)
