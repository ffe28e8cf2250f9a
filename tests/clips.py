"""Small clips: plain colours, frames that carry their number, phones held upright, broken ones."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BGR = {
    "red": (0, 0, 255),
    "green": (0, 255, 0),
    "blue": (255, 0, 0),
    "grey": (128, 128, 128),
    "dim red": (118, 118, 140),
}
RATE = 30
TWO_COLOURS = (("grey", 15), ("red", 45), ("grey", 30), ("green", 45), ("grey", 30))
CODECS = {".mp4": "mp4v", ".ts": "mpg1"}  # MPEG-4, MPEG-1
BITS = 10  # stripes of a frame that carries its number
# How a file says that its pictures are to be turned clockwise: the numbers a, b, c, d of a display matrix, by which a
# point (x, y) goes to (ax + cy, bx + dy), y downwards (ISO/IEC 14496-12, 8.3.2).
MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
MATRIX_AT = 4 + 40  # in a track's header, behind its name


def write(path: Path, scenes: Sequence[tuple[str, int]], size: tuple[int, int] = (64, 48)) -> Path:
    """Write a clip of scenes, each a colour and a number of frames."""
    plain = {colour: np.full((size[1], size[0], 3), BGR[colour], np.uint8) for colour, _ in scenes}
    return write_images(path, (plain[colour] for colour, count in scenes for _ in range(count)), size)


def write_numbered(path: Path, count: int, rate: float = RATE, size: tuple[int, int] = (320, 240)) -> Path:
    """Write a clip whose frames carry their number, as stripes."""
    return write_images(path, (_numbered(number, size) for number in range(count)), size, rate)


def write_still(path: Path, number: int, size: tuple[int, int]) -> Path:
    """Write an image that carries a number."""
    cv2.imwrite(str(path), _numbered(number, size))
    return path


def write_images(path: Path, images: Iterable[NDArray[np.uint8]], size: tuple[int, int], rate: float = RATE) -> Path:
    """Write a clip of images, all of one size."""
    codec = CODECS.get(path.suffix, "MJPG")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, size)
    for image in images:
        writer.write(image)
    writer.release()
    return path


def number_of(image: NDArray[np.uint8]) -> int:
    """Read the number that a frame carries."""
    height, width = image.shape[:2]
    stripe = width // BITS
    return sum(int(image[height // 2, bit * stripe + stripe // 2, 1] > 127) << bit for bit in range(BITS))


def tell_rotation(path: Path, rotation: int) -> Path:
    """Let an .mp4 say, as phones do, that its pictures are to be turned clockwise by so many degrees."""
    content = bytearray(path.read_bytes())
    a, b, c, d = MATRICES[rotation]
    one = 1 << 16
    matrix = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    start = content.index(b"tkhd") + MATRIX_AT
    content[start : start + len(matrix)] = matrix
    path.write_bytes(content)
    return path


def spoil(path: Path, numbers: Iterable[int]) -> Path:
    """Overwrite the beginning of some JPEGs of an .avi, as a bad cable does."""
    content = bytearray(path.read_bytes())
    starts = [place for place in range(len(content)) if content[place : place + 3] == b"\xff\xd8\xff"]
    for number in numbers:
        content[starts[number] : starts[number] + 40] = bytes(40)
    path.write_bytes(content)
    return path


def _numbered(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    stripe = width // BITS
    image = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        image[:, bit * stripe : (bit + 1) * stripe] = 255 * (number >> bit & 1)
    return image
