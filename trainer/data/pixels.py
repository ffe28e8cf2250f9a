"""All photographs of a data set as the model will see them, in one array on disk."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgecam import config
from edgecam.camera.view import View
from edgecam.errors import in_words
from trainer.data.decoders import hushed
from trainer.data.listing import Finding
from trainer.data.looks import look
from trainer.data.parts import digest_of
from trainer.data.photograph_files import read_photograph
from trainer.data.pixel_file import PixelFile
from trainer.errors import InputError, PhotographError
from trainer.progress import bar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from edgecam.camera.fit import Fit
    from trainer.data.listing import Listing
    from trainer.data.looks import Look
    from trainer.data.pixel_file import Pixels

NO_OTHERS = np.empty((0, 0, 0, 3), np.uint8)
SPARE = 64_000_000  # bytes that a disk should have left


@dataclass(frozen=True, slots=True)
class Pictures:
    """Photographs that have been read, by their index in the listing.

    Attributes:
        pixels: uint8 [photographs, height, width, 3], red, green, blue, zeros where one could not be read.
        digests: of each readable one the first bytes of its file's SHA-256, whatever size and fit it was read for.
        looks: of each readable one what it looks like.
        findings: what was wrong or odd.
    """

    pixels: Pixels
    digests: Mapping[int, bytes]
    looks: Mapping[int, Look]
    findings: tuple[Finding, ...]


def read_pixels(
    listing: Listing,
    size: tuple[int, int],
    file: Path,
    fit: Fit = "stretch",
    others: NDArray[np.uint8] = NO_OTHERS,
) -> Pictures:
    """Read all photographs as the daemon would see them, at the model's size.

    Args:
        listing: which.
        size: width and height in pixels.
        file: where they are kept.
        fit: how one of another shape becomes one of that.
        others: uint8 [pictures, height, width, 3], RGB: more of that size, which come behind them.

    Raises:
        InputError: the disk has no room for them, or the folder is gone.
    """
    pixels = _reserved(file, (max(1, len(listing.photos) + len(others)), size[1], size[0], 3))
    for index, picture in enumerate(others, len(listing.photos)):
        pixels[index] = picture
    view = View(config.CameraSettings(), size, fit=fit)
    findings: list[Finding] = []
    digests: dict[int, bytes] = {}
    looks: dict[int, Look] = {}

    def read(index: int) -> None:
        path = listing.photos[index].path
        try:
            image, notes = read_photograph(path, least=2 * max(size))
            digest = digest_of(path)
        except PhotographError as error:
            findings.append(Finding(path, f"{error}; left out"))
            return
        except OSError as error:
            findings.append(Finding(path, f"{in_words(error)}; left out"))
            return
        findings.extend(Finding(path, note) for note in notes)
        pixels[index] = view.of(image)
        looks[index] = look(image)
        digests[index] = digest

    cv2.setNumThreads(1)  # the photographs themselves are what runs side by side
    with hushed, ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = pool.map(read, range(len(listing.photos)))
        list(bar(jobs, "reading photographs", len(listing.photos)))
    if not listing.root.exists():
        message = f"{listing.root}: moved or deleted while its photographs were read; put it back and start again"
        raise InputError(message)
    return Pictures(pixels, dict(sorted(digests.items())), dict(sorted(looks.items())), tuple(sorted(findings)))


def _reserved(file: Path, shape: tuple[int, int, int, int]) -> PixelFile:
    """Make a file for pictures, all of whose room is taken.

    Raises:
        InputError: there is no room.
    """
    needed = int(np.prod(shape, dtype=np.int64))
    purpose = f"{shape[0]:,} photographs of {shape[2]} x {shape[1]} pixels need {needed / 1e9:.1f} GB there"
    remedy = "make room, or choose another folder or a smaller size"
    try:
        free = shutil.disk_usage(file.parent).free
        if needed + SPARE > free:
            message = f"{file.parent}: {purpose}, and {free / 1e9:.1f} GB are free: {remedy}"
            raise InputError(message)
        return PixelFile(file, shape)
    except OSError as error:
        message = f"{file.parent}: {purpose}: {in_words(error)}: {remedy}"
        raise InputError(message) from None
