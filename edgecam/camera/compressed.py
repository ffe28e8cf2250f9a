"""Pictures as cameras compress them: how large one is, and its decoding no larger than is needed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.frames import Frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecam.camera.fit import Size

MOST_PIXELS = 100_000_000  # of a picture that is decoded: 300 MB
HEADERS = 1 << 18  # bytes in which a JPEG's size must stand

# ITU-T T.81, annex B.
MARK, END, SCAN = 0xFF, 0xD9, 0xDA
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # their headers tell the size
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment

FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def frame_of(content: NDArray[np.uint8], least: Size | None, exposed_ns: int) -> Frame | None:
    """Return the frame of a camera's compressed picture; None where it cannot be decoded.

    Args:
        content: a JPEG, PNG or WebP, uint8 [bytes], with anything behind it.
        least: width and height below which it must not be decoded; None: it is decoded whole.
        exposed_ns: when it was exposed, in nanoseconds of the monotonic clock.
    """
    size = size_of(content)
    if size is None or size[0] * size[1] > MOST_PIXELS:
        return None
    by = reduction(size, least) if is_jpeg(content) else 1  # others would be decoded whole all the same
    image = decoded(content, by)
    if image is None:
        return None
    return Frame(image, exposed_ns, exposed_ns, encoded=without_padding(content) if by > 1 else None)


def decoded(content: NDArray[np.uint8], by: int = 1) -> NDArray[np.uint8] | None:
    """Decode a picture of a camera; None where that cannot be done.

    A JPEG is reduced ``by`` 1, 2, 4 or 8, its sides rounded up. It lies as the camera gives it, whatever it says of
    itself: ``camera.rotation`` turns it.
    """
    try:
        image: NDArray[np.uint8] | None = cv2.imdecode(content, FLAGS[by] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # nothing in it
        return None
    return image


def reduction(size: Size, least: Size | None) -> int:
    """Return by how much a picture of ``size`` may be reduced, 1, 2, 4 or 8, and be no smaller than ``least``."""
    if least is None:
        return 1
    fitting = (by for by in FLAGS if -(-size[0] // by) >= least[0] and -(-size[1] // by) >= least[1])
    return max(fitting, default=1)


def is_jpeg(content: NDArray[np.uint8]) -> bool:
    """Whether it begins as a JPEG does."""
    return content[:2].tobytes() == b"\xff\xd8"


def size_of(content: NDArray[np.uint8]) -> Size | None:
    """Return width and height in pixels that a JPEG, PNG or WebP tells; None: it is neither, or does not tell.

    Only its headers are read.
    """
    head = content[:HEADERS].data
    beginning = bytes(head[:12])
    try:
        if is_jpeg(content):
            size = _size_of_jpeg(head)
        elif beginning.startswith(b"\x89PNG\r\n\x1a\n"):
            size = struct.unpack_from(">II", head, 16)
        elif beginning.startswith(b"RIFF") and beginning.endswith(b"WEBP"):
            size = _size_of_webp(head)
        else:
            return None
    except (struct.error, IndexError):  # it is cut off
        return None
    return size if size and min(size) > 0 else None


def without_padding(content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a JPEG without what its camera's memory holds behind it."""
    if content[-2:].tobytes() == b"\xff\xd9":  # which is what all but a camera at V4L2 gives
        return content
    end = content.tobytes().rfind(b"\xff\xd9")
    return content[: end + 2] if end > 0 else content


def _size_of_jpeg(head: memoryview) -> Size | None:
    place = 2
    while head[place] == MARK:
        while head[place] == MARK:  # any number of them
            place += 1
        marker = head[place]
        place += 1
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", head, place + 3)
            return width, height
        if marker in (SCAN, END):
            return None
        if marker not in ALONE:
            place += max(2, struct.unpack_from(">H", head, place)[0])
    return None


def _size_of_webp(head: memoryview) -> Size | None:
    """By https://developers.google.com/speed/webp/docs/riff_container."""
    match bytes(head[12:16]):
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", head, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
        case _:
            return None
