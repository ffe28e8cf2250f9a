"""Makes many photographs of one: turned, moved, mirrored, in other light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TURN_DEG = 15.0
ZOOM_IN, ZOOM_OUT = 0.25, 0.10
STRETCH = 0.12
MOVE = 0.08
CONTRAST = (0.75, 1.3)
BRIGHTNESS = 25.0
TINT = 0.1


def augment(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return another view of a square image, uint8 [size, size, 3], mirrored beyond its border."""
    return _relight(_move(image, rng), rng)


def _move(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    size = image.shape[0]
    zoom, stretch = 1 + rng.uniform(-ZOOM_IN, ZOOM_OUT), np.exp(rng.uniform(-STRETCH, STRETCH))
    angle = np.deg2rad(rng.uniform(-TURN_DEG, TURN_DEG))
    sine, cosine = np.sin(angle), np.cos(angle)
    turn = zoom * np.array([[cosine * stretch, -sine], [sine, cosine / stretch]])
    if rng.integers(2):
        turn[:, 0] *= -1
    middle = np.full(2, (size - 1) / 2)
    offset = middle + rng.uniform(-MOVE, MOVE, 2) * size - turn @ middle
    matrix = np.column_stack([turn, offset])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved: NDArray[np.uint8] = cv2.warpAffine(
        image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved


def _relight(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    values = (np.arange(256)[:, np.newaxis] - 127.5) * rng.uniform(*CONTRAST) + 127.5
    values = (values + rng.uniform(-BRIGHTNESS, BRIGHTNESS)) * rng.uniform(1 - TINT, 1 + TINT, 3)
    lit: NDArray[np.uint8] = cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8).reshape(1, 256, 3))
    return lit
