"""Photographs for the trainer's tests: blurred blots of one colour a class, on a grey ground with noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

COLOURS = {"blue": (30, 60, 220), "green": (20, 170, 50), "red": (220, 40, 30), "yellow": (230, 210, 20)}
CLASSES = ("blue", "green", "red")


def picture(colour: str, number: int, size: int = 64) -> NDArray[np.uint8]:
    """uint8 [size, size, 3], RGB; another one for each number."""
    rng = np.random.default_rng((number, *colour.encode()))
    image = np.full((size, size, 3), rng.integers(90, 160), np.uint8)
    for _ in range(3):
        centre = tuple(int(each) for each in rng.integers(size // 4, size - size // 4, 2))
        cv2.circle(image, centre, int(rng.integers(size // 6, size // 3)), COLOURS[colour], -1)
    noisy = image + rng.normal(0, 8, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def save(folder: Path, colour: str, numbers: Iterable[int], size: int = 64) -> list[Path]:
    """Write pictures of a colour into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in numbers:
        paths.append(folder / f"{number:04}.png")
        Image.fromarray(picture(colour, number, size)).save(paths[-1])
    return paths


def between_others(root: Path, each: int) -> Path:
    """Write a folder a class with ``each`` wide pictures: one of the class in the middle, of the next at both sides."""
    for colour, other in zip(CLASSES, CLASSES[1:] + CLASSES[:1], strict=True):
        (root / colour).mkdir(parents=True)
        for number in range(each):
            side = picture(other, number)
            wide = np.hstack([side, picture(colour, number), side])
            Image.fromarray(wide).save(root / colour / f"{number:04}.png")
    return root


def data_set(root: Path, each: int, classes: Iterable[str] = CLASSES, size: int = 64) -> Path:
    """Write a folder a class with ``each`` pictures."""
    for colour in classes:
        save(root / colour, colour, range(each), size)
    return root


def dark_and_light(root: Path, each: int) -> Path:
    """Write folders ``dark`` and ``light`` with ``each`` grey pictures: below and above a quarter of white."""
    for name, middle in (("dark", 30), ("light", 110)):
        (root / name).mkdir(parents=True)
        for number in range(each):
            rng = np.random.default_rng((number, middle))
            image = np.clip(rng.normal(middle, 12, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(image).save(root / name / f"{number:04}.png")
    return root
