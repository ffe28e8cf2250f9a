"""What a V4L2 camera can give, and in which format it is asked for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from edgecam.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgecam.camera.fit import Size

    Ask = Callable[[int, bytearray], object]

# https://docs.kernel.org/userspace-api/media/v4l/vidioc-enum-fmt.html, -enum-framesizes.html, -enum-frameintervals.html
VIDIOC_ENUM_FMT, FORMAT = 0xC0405602, struct.Struct("=III32sI16x")
VIDIOC_ENUM_FRAMESIZES, FRAME_SIZE = 0xC02C564A, struct.Struct("=III6I8x")
VIDIOC_ENUM_FRAMEINTERVALS, INTERVAL = 0xC034564B, struct.Struct("=IIIII6I8x")
CAPTURE = 1  # the type of buffers
DISCRETE = 1  # else there is a smallest and a greatest
MOST = 1000  # of each kind; a driver that never says that there are no more is not asked for ever

MJPEG, YUYV = "MJPG", "YUYV"
ALIKE = 0.95  # cameras give 29.97 frames a second, or 14.985, and mean 30 and 15
# What OpenCV turns into colours by itself, in the order in which it tries them.
PLAIN = ("BGR3", "RGB3", "YV12", "YU12", "411P", YUYV, "UYVY", "NV12", "NV21")


@dataclass(frozen=True, slots=True)
class Mode:
    """One of a camera's modes: a format by its four letters, width and height, and the most frames a second.

    These are 0 where the driver does not tell.
    """

    format: str
    size: Size
    fps: float


def modes(ask: Ask, size: Size) -> list[Mode]:
    """Return what a camera says that it can give.

    Args:
        ask: does an ioctl, and writes the answer into what was asked; OSError: there is none.
        size: width and height that are wanted, of a camera that scales.
    """
    return [
        Mode(name, given, max(_rates(ask, code, given), default=0.0))
        for name, code in _formats(ask)
        for given in _sizes(ask, code, size)
    ]


def choose_format(known: Sequence[Mode], size: Size, fps: float, wanted: str) -> str | None:
    """Return the format to ask for; None: which it is is left to OpenCV, which takes a plain one first.

    Args:
        known: what the camera can give; nothing, where it does not say.
        size: width and height that are asked for.
        fps: frames a second that are asked for.
        wanted: mjpeg, yuyv or auto: MJPEG, where a plain one gives too few frames, and it gives more.

    Raises:
        SourceError: it cannot give what is wanted.
    """
    there = list(dict.fromkeys(mode.format for mode in known))
    if wanted != "auto":
        name = MJPEG if wanted == "mjpeg" else YUYV
        if known and name not in there:
            message = f"gives no {wanted.upper()}, but {' and '.join(there)}; set camera.format to auto"
            raise SourceError(message)
        return name
    plain = next((name for name in PLAIN if name in there), None)
    if MJPEG not in there or plain is None:
        return MJPEG if MJPEG in there else None
    as_plain, as_jpeg = (given([mode for mode in known if mode.format == name], size) for name in (plain, MJPEG))
    is_enough = not as_plain.fps or as_plain.fps >= ALIKE * fps
    is_better = ALIKE * as_jpeg.fps > as_plain.fps and _distance(as_jpeg.size, size) <= _distance(as_plain.size, size)
    return MJPEG if is_better and not is_enough else None


def given(known: Sequence[Mode], size: Size) -> Mode:
    """Return the mode that a driver takes where ``size`` is asked for: the most alike, as uvcvideo reckons."""
    return min(known, key=lambda mode: (_distance(mode.size, size), -mode.fps))


def _distance(size: Size, other: Size) -> int:
    """Pixels of two pictures that lie over each other which are of one of them only."""
    both = min(size[0], other[0]) * min(size[1], other[1])
    return size[0] * size[1] + other[0] * other[1] - 2 * both


def _formats(ask: Ask) -> Iterator[tuple[str, int]]:
    for answer in _answers(ask, VIDIOC_ENUM_FMT, FORMAT, (CAPTURE, 0, b"", 0)):
        code = answer[4]
        yield code.to_bytes(4, "little").decode("ascii", "replace"), code


def _sizes(ask: Ask, code: int, size: Size) -> Iterator[Size]:
    for _, _, kind, *sides in _answers(ask, VIDIOC_ENUM_FRAMESIZES, FRAME_SIZE, (code, 0, *[0] * 6)):
        if kind == DISCRETE:
            yield sides[0], sides[1]
        else:
            yield min(max(size[0], sides[0]), sides[1]), min(max(size[1], sides[3]), sides[4])
            return


def _rates(ask: Ask, code: int, size: Size) -> Iterator[float]:
    wanted = (code, *size, 0, *[0] * 6)
    for *_, kind, numerator, denominator, _, _, _, _ in _answers(ask, VIDIOC_ENUM_FRAMEINTERVALS, INTERVAL, wanted):
        if numerator:
            yield denominator / numerator
        if kind != DISCRETE:  # the shortest interval came first
            return


def _answers(ask: Ask, request: int, form: struct.Struct, wanted: Sequence[int | bytes]) -> Iterator[tuple[int, ...]]:
    """What a driver answers to index 0, 1, and so on."""
    for index in count():
        buffer = bytearray(form.pack(index, *wanted))
        try:
            ask(request, buffer)
        except OSError:
            return
        yield form.unpack(buffer)
        if index == MOST:
            return
