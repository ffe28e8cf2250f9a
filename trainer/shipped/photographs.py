"""Freely licensed photographs that scikit-image ships, as calibration images and as the scenes of the shipped clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from skimage import data

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Public domain, CC0 or without known restrictions, as scikit-image's documentation of each says.
NAMES = ("astronaut", "brick", "camera", "cat", "coffee", "coins", "grass", "gravel", "rocket")


def photograph(name: str) -> NDArray[np.uint8]:
    """One of NAMES as uint8 [height, width, 3], RGB."""
    image: Any = getattr(data, name)()
    if image.ndim == 2:  # noqa: PLR2004  grey
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(image[..., :3], np.uint8)


def random_views(count: int, size: int, seed: int) -> NDArray[np.uint8]:
    """Crops of all photographs in turn, as varied as a camera's day: uint8 [count, size, size, 3], RGB.

    Each shows 10 to 100 % of its photograph, perhaps mirrored, with other brightness, contrast and tint. The first
    is black above and white below, so that the whole range of pixels is among them.
    """
    rng = np.random.default_rng(seed)
    images = [photograph(name) for name in NAMES]
    views = np.zeros((count, size, size, 3), np.uint8)
    views[0, size // 2 :] = 255
    for number in range(1, count):
        image = images[number % len(images)]
        height, width = image.shape[:2]
        side = int(min(height, width) * np.sqrt(rng.uniform(0.1, 1.0)))
        top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        view = cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:  # noqa: PLR2004
            view = view[:, ::-1]
        light = (view - 127.0) * rng.uniform(0.7, 1.4) + 127.0 + rng.uniform(-40, 40)
        views[number] = np.clip(light * rng.uniform(0.85, 1.15, 3), 0, 255)
    return views
