"""Photographs as a camera takes them on a bad day, to see how a classifier fares with them.

Each condition has one strength, which is common with cameras; what scales with a picture's size does so. They are for
measuring: what is learnt from is varied elsewhere, and otherwise.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Condition = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

LIGHT = 0.25  # of the light: two stops under-exposed, as a small camera at dusk
READ_NOISE = 3.0  # of 255, standard deviation: a camera's own, in the dark as well
NOISE = 18.0  # of 255, standard deviation: a high gain
PHOTONS = 300.0  # that make white, at that gain: their number varies by its square root
BLUR = 0.015  # standard deviation, of the shorter side: out of focus
MOTION = 0.05  # length of the line, of the shorter side: what moves within an exposure
JPEG_QUALITY = 12  # of 100: a stream through a thin line


def darkness(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take most of the light away, and leave the camera's own noise."""
    darker = _to_srgb(LIGHT * _to_linear(image / 255.0)) * 255
    return _rounded(darker + rng.normal(0, READ_NOISE, image.shape))


def noise(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take it at a high gain: few photons, counted, and the amplifier's noise."""
    counted = rng.poisson(PHOTONS * _to_linear(image / 255.0)) / PHOTONS
    return _rounded(_to_srgb(counted) * 255 + rng.normal(0, NOISE, image.shape))


def blur(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001  nothing is random
    """Take it out of focus."""
    sigma = BLUR * min(image.shape[:2])
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.uint8)


def motion_blur(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Move the camera while the shutter is open, straight on in any direction."""
    length = max(1.0, MOTION * min(image.shape[:2]))
    angle = rng.uniform(0, np.pi)
    half = int(np.ceil(length / 2))
    down, right = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    along = np.abs(np.cos(angle) * right + np.sin(angle) * down)
    aside = np.abs(np.cos(angle) * down - np.sin(angle) * right)
    line = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - aside, 0, 1)
    return np.asarray(cv2.filter2D(image, -1, line / line.sum(), borderType=cv2.BORDER_REFLECT_101), np.uint8)


def jpeg(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:  # noqa: ARG001  nothing is random
    """Send it with few bytes."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {"darkness": darkness, "noise": noise, "blur": blur, "motion blur": motion_blur, "JPEG": jpeg}
)


def under(condition: str, image: NDArray[np.uint8], seed: int, index: int) -> NDArray[np.uint8]:
    """Show one of many pictures under a condition, the same whenever and wherever it is asked for.

    Args:
        condition: a key of `CONDITIONS`.
        image: uint8 [height, width, 3], RGB; is not changed.
        seed: of all pictures.
        index: which of them this is.

    Returns:
        uint8 of the same shape.
    """
    place = list(CONDITIONS).index(condition)
    return CONDITIONS[condition](image, np.random.default_rng((seed, place, index)))


def _to_linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """From what is stored to light, 0..1 both (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004  of the standard


def _to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """From light to what is stored."""
    low = light <= 0.0031308  # noqa: PLR2004  of the standard
    return np.where(low, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
