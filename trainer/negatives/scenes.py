"""Scenes: one thing or several, cut out, pasted on a ground. Things teach what is unknown, grounds alone do not.

All pictures are uint8 [height, width, 3], RGB; a thing has a fourth channel, how opaque it is.
The same generator, in the same state, gives the same scene.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_OPAQUE: Final = 8  # of 255: what is fainter than this does not count as part of a thing
_PLAIN, _GRADIENT, _NOISE, _ROOM = range(4)


def crop(photograph: NDArray[np.uint8], side: int, rng: np.random.Generator, least: float = 0.7) -> NDArray[np.uint8]:
    """A square out of a photograph, of `least` to all of its shorter side, perhaps mirrored: [side, side, 3]."""
    height, width = photograph.shape[:2]
    edge = max(1, int(min(height, width) * rng.uniform(least, 1.0)))
    top, left = int(rng.integers(0, height - edge + 1)), int(rng.integers(0, width - edge + 1))
    square = cv2.resize(photograph[top : top + edge, left : left + edge], (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(square[:, ::-1] if rng.random() < 0.5 else square)  # noqa: PLR2004  every second one


def made_ground(side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A ground that needs nobody's picture: a plain colour, a gradient, cloudy noise, or a wall above a floor."""
    kind = int(rng.choice(4, p=[0.2, 0.25, 0.25, 0.3]))
    one, other = _colour(rng), _colour(rng)
    if kind == _PLAIN:
        ground = np.broadcast_to(one, (side, side, 3))
    elif kind == _GRADIENT:
        ground = _mix(one, other, _slope(side, rng))
    elif kind == _NOISE:
        ground = _mix(one, other, _clouds(side, rng))
    else:
        floor = (np.arange(side)[:, None] > side * rng.uniform(0.45, 0.85)).astype(np.float32)
        shade = 0.8 + 0.4 * _slope(side, rng)[..., None]
        ground = _mix(one, other, np.broadcast_to(floor, (side, side))) * shade + 14.0 * (
            _clouds(side, rng)[..., None] - 0.5
        )
    grain = rng.normal(0.0, rng.uniform(0.5, 5.0), (side, side, 1))
    return np.clip(ground + grain, 0, 255).astype(np.uint8)


def scene(
    things: Sequence[NDArray[np.uint8]], ground: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The things on the ground, the first the largest, each turned, mirrored, lit and placed at random.

    Args:
        things: cut out; where nothing of one is opaque, ValueError is raised.
        ground: a square.
        rng: every choice comes from it.
    """
    picture = ground.astype(np.float32)
    for number, thing in enumerate(things):
        share = rng.uniform(0.45, 1.0) if number == 0 else rng.uniform(0.2, 0.5)
        cut = _turned(_trimmed(thing), round(len(ground) * share), rng)
        _paste(picture, cut, rng)
    light = (picture - 127.0) * rng.uniform(0.7, 1.15) + 127.0 + rng.uniform(-30, 20)
    return np.clip(light * rng.uniform(0.9, 1.1, 3), 0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """Mostly a wall's or a table's: any brightness, little colour."""
    grey = rng.uniform(30, 250)
    return np.clip(grey + rng.normal(0.0, 40.0 if rng.random() < 0.4 else 12.0, 3), 0, 255)  # noqa: PLR2004


def _mix(one: NDArray[np.float64], other: NDArray[np.float64], share: NDArray[np.float32]) -> NDArray[np.float64]:
    return one + (other - one) * share[..., None]


def _slope(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """0 to 1 across the picture, in any direction."""
    angle = rng.uniform(0, 2 * math.pi)
    rows, columns = np.mgrid[0:side, 0:side]
    along = rows * math.sin(angle) + columns * math.cos(angle)
    return np.asarray((along - along.min()) / np.ptp(along), np.float32)


def _clouds(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise of several sizes, 0 to 1."""
    noise = np.zeros((side, side), np.float32)
    for cells in (3, 7, 17, 41):
        coarse = rng.random((cells, cells)).astype(np.float32)
        noise += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC) / math.sqrt(cells)
    return np.asarray((noise - noise.min()) / max(float(np.ptp(noise)), 1e-6), np.float32)


def _trimmed(thing: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.nonzero(thing[..., 3] >= _OPAQUE)
    if not len(rows):
        msg = "nothing of the thing is opaque"
        raise ValueError(msg)
    return thing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _turned(thing: NDArray[np.uint8], longest: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Scaled to `longest` pixels along its longer side, mirrored and turned a little; colours times how opaque."""
    height, width = thing.shape[:2]
    factor = longest / max(height, width)
    angle = float(rng.normal(0.0, 12.0))
    if rng.random() < 0.5:  # noqa: PLR2004  every second one
        thing = thing[:, ::-1]
    opaque = thing[..., 3:].astype(np.float32) / 255.0
    layers = np.concatenate([thing[..., :3] * opaque, opaque], axis=2)
    if factor < 1:  # a turn alone would leave out pixels
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        layers, factor = cv2.resize(layers, size, interpolation=cv2.INTER_AREA), 1.0
        height, width = layers.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, factor)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    wide, high = math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos)
    turn[:, 2] += (wide / 2 - width / 2, high / 2 - height / 2)
    return np.asarray(cv2.warpAffine(layers, turn, (wide, high), flags=cv2.INTER_LINEAR), np.float32)


def _paste(picture: NDArray[np.float32], cut: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Put it where its middle is in the picture, with a soft shadow below two of three."""
    side = len(picture)
    high, wide = cut.shape[:2]
    top, left = (_place(edge, side, rng) for edge in (high, wide))
    layer = np.zeros((side, side, 4), np.float32)
    to_rows, to_columns = slice(max(top, 0), min(top + high, side)), slice(max(left, 0), min(left + wide, side))
    layer[to_rows, to_columns] = cut[
        to_rows.start - top : to_rows.stop - top, to_columns.start - left : to_columns.stop - left
    ]
    if rng.random() < 0.67:  # noqa: PLR2004
        depth, spread = rng.uniform(0.2, 0.6), rng.uniform(2.0, 8.0)
        shift = np.array([[1, 0, rng.uniform(-6, 6)], [0, 1, rng.uniform(0, 8)]])
        shadow = cv2.GaussianBlur(cv2.warpAffine(layer[..., 3], shift, (side, side)), (0, 0), spread)
        picture *= 1.0 - depth * shadow[..., None]
    picture *= 1.0 - layer[..., 3:]
    picture += layer[..., :3]


def _place(edge: int, side: int, rng: np.random.Generator) -> int:
    """Where an edge of this length begins: mostly all of it in the picture, and its middle always."""
    begin = float(rng.uniform(-0.1, 1.1)) * (side - edge)
    return round(min(max(begin, 0.1 * side - edge / 2), 0.9 * side - edge / 2))
