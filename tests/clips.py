"""Small clips of plain colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BGR = {
    "red": (0, 0, 255),
    "green": (0, 255, 0),
    "blue": (255, 0, 0),
    "grey": (128, 128, 128),
    "dim red": (118, 118, 140),
}
RATE = 30
TWO_COLOURS = (("grey", 15), ("red", 45), ("grey", 30), ("green", 45), ("grey", 30))


def write(path: Path, scenes: Sequence[tuple[str, int]], size: tuple[int, int] = (64, 48)) -> Path:
    """Write a clip of scenes, each a colour and a number of frames."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, size)
    for colour, count in scenes:
        for _ in range(count):
            writer.write(np.full((size[1], size[0], 3), BGR[colour], np.uint8))
    writer.release()
    return path
