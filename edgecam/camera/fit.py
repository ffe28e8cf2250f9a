"""How a picture of one shape becomes one of another: stretched, its middle cut out, or between bars."""

from __future__ import annotations

from typing import Literal

Fit = Literal["stretch", "crop", "letterbox"]
Size = tuple[int, int]

# Of YOLO's letterbox, the most used one, and of those that follow it; Edge Impulse's is black.
BARS = 114


def greatest_middle(size: Size, shape: Size) -> tuple[int, int, int, int]:
    """Return x, y, width, height of the greatest middle part of an image that has a given shape.

    Args:
        size: width and height of the image in pixels.
        shape: width and height, of which only the ratio counts.
    """
    width, height = size
    if width * shape[1] > height * shape[0]:
        width = max(1, _divided(height * shape[0], shape[1]))
    else:
        height = max(1, _divided(width * shape[1], shape[0]))
    return (size[0] - width) // 2, (size[1] - height) // 2, width, height


def between_bars(size: Size, canvas: Size) -> tuple[int, int, int, int]:
    """Return x, y, width, height of a whole image on a canvas that it fills in one direction, in the middle.

    Args:
        size: width and height of the image; only their ratio counts.
        canvas: width and height in pixels.
    """
    width, height = canvas
    if size[0] * height > size[1] * width:
        height = max(1, _divided(width * size[1], size[0]))
    else:
        width = max(1, _divided(height * size[0], size[1]))
    return (canvas[0] - width) // 2, (canvas[1] - height) // 2, width, height


def _divided(dividend: int, divisor: int) -> int:
    """To the nearest whole number."""
    return (2 * dividend + divisor) // (2 * divisor)
