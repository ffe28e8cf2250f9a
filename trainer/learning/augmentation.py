"""Makes many photographs of one: turned, moved, mirrored, in other light, and as a worse camera would take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.learning.hyperparameters import Hyperparameters

TURN_DEG = 15.0
ZOOM_IN, ZOOM_OUT = 0.4, 0.1
STRETCH = 0.12
MOVE = 0.08
CONTRAST = 0.3
BRIGHTNESS = 28.0
TINT = 0.12
WORN = 0.4  # of the photographs
ERASED = 0.25
ERASED_SIDE = (0.15, 0.5)
DARKNESS = (0.08, 0.6)  # of the light
DARK_NOISE, NOISE = 8.0, (5.0, 35.0)
BLUR = (0.002, 0.016)  # of the side
MOTION = (0.02, 0.08)
JPEG_QUALITY = (8, 40)
GAMMA = 2.2


def augment(
    image: NDArray[np.uint8], rng: np.random.Generator, size: int, chosen: Hyperparameters
) -> NDArray[np.uint8]:
    """Return another view of a square image, mirrored beyond its border.

    Args:
        image: uint8 [height, height, 3], RGB.
        rng: decides.
        size: pixels a side of what comes out.
        chosen: how much it is changed.

    Returns:
        uint8 [size, size, 3].
    """
    strength = chosen.augment
    view = _relight(_move(image, rng, size, strength, mirror=chosen.mirror), rng, strength)
    if rng.random() < WORN * strength:
        view = WEAR[rng.integers(len(WEAR))](view, rng)
    if rng.random() < ERASED * strength:
        view = _erase(view, rng)
    return view


def _move(
    image: NDArray[np.uint8], rng: np.random.Generator, size: int, strength: float, *, mirror: bool
) -> NDArray[np.uint8]:
    zoom = size / image.shape[0] * np.exp(strength * rng.uniform(-ZOOM_OUT, ZOOM_IN))
    stretch = np.exp(strength * rng.uniform(-STRETCH, STRETCH))
    angle = np.deg2rad(strength * rng.uniform(-TURN_DEG, TURN_DEG))
    sine, cosine = np.sin(angle), np.cos(angle)
    turn = zoom * np.array([[cosine * stretch, -sine], [sine, cosine / stretch]])
    if mirror and rng.integers(2):
        turn[:, 0] *= -1
    middle = np.full(2, (image.shape[0] - 1) / 2)
    offset = (size - 1) / 2 + strength * rng.uniform(-MOVE, MOVE, 2) * size - turn @ middle
    border = cv2.BORDER_REFLECT_101
    moved = cv2.warpAffine(image, np.column_stack([turn, offset]), (size, size), borderMode=border)
    return np.asarray(moved, np.uint8)


def _relight(image: NDArray[np.uint8], rng: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    contrast = 1 + strength * rng.uniform(-CONTRAST, CONTRAST)
    values = (np.arange(256)[:, np.newaxis] - 127.5) * contrast + 127.5
    tint = 1 + strength * rng.uniform(-TINT, TINT, 3)
    values = (values + strength * rng.uniform(-BRIGHTNESS, BRIGHTNESS)) * tint
    return _by_table(image, values)


def _by_table(image: NDArray[np.uint8], values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.asarray(cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8).reshape(1, 256, -1)), np.uint8)


def _darken(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    light = (np.arange(256) / 255) ** GAMMA * rng.uniform(*DARKNESS)
    dark = _by_table(image, np.repeat(255 * light[:, np.newaxis] ** (1 / GAMMA), 3, axis=1))
    return _with_noise(dark, rng, rng.uniform(1, DARK_NOISE))


def _noise(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return _with_noise(image, rng, rng.uniform(*NOISE))


def _with_noise(image: NDArray[np.uint8], rng: np.random.Generator, deviation: float) -> NDArray[np.uint8]:
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(deviation)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def _blur(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR) * image.shape[0]), np.uint8)


def _shake(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    length = int(rng.uniform(*MOTION) * image.shape[0]) | 1
    middle = length // 2
    line = np.zeros((length, length), np.float32)
    line[middle] = 1
    turn = cv2.getRotationMatrix2D((middle, middle), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(line, turn, (length, length))
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _compress(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    # Blue and red change places on the way in and on the way out.
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*JPEG_QUALITY))])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


WEAR = (_darken, _noise, _blur, _shake, _compress)


def _erase(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cover a part, with one colour or with noise (random erasing; Zhong et al. 2017, arXiv:1708.04896)."""
    size = image.shape[0]
    height, width = (rng.uniform(*ERASED_SIDE, 2) * size).astype(int)
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    cover = rng.integers(0, 256, (height, width, 3) if rng.integers(2) else 3)
    erased = image.copy()
    erased[top : top + height, left : left + width] = cover
    return erased
