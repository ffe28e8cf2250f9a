"""What the shipped model makes of a picture before it names it, and pictures that differ by their direction alone."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgecam.model.classifier import shipped_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAP = (1, 7, 7, 320)
CELLS = 3


class Backbone:
    """The shipped model, cut before its head."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this takes memory
            self._interpreter = Interpreter(str(shipped_model()), num_threads=1, experimental_preserve_all_tensors=True)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._map = [each for each in self._interpreter.get_tensor_details() if tuple(each["shape"]) == MAP][-1]

    def features(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Means of its last narrow map over 3 x 3 cells, float32 [images, 9 x 320], of images of any size, RGB."""
        return np.array([self._of(image) for image in images], np.float32)

    def _of(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        size = tuple(int(side) for side in self._input["shape"][2:0:-1])
        self._interpreter.set_tensor(self._input["index"], cv2.resize(image, size)[np.newaxis])
        self._interpreter.invoke()
        scale, _ = self._map["quantization"]
        values = self._interpreter.get_tensor(self._map["index"])[0].astype(np.float32) * scale
        rows = [part.mean(0) for part in np.array_split(values, CELLS, axis=0)]
        return np.concatenate([part.mean(0) for row in rows for part in np.array_split(row, CELLS, axis=0)])


def mirrored(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Left and right exchanged."""
    return [np.ascontiguousarray(image[:, ::-1]) for image in images]


def arrow(direction: int, number: int, size: int = 96) -> NDArray[np.uint8]:
    """An arrow to the left (-1) or right (1), another one for each number: uint8 [size, size, 3], RGB."""
    rng = np.random.default_rng((number, direction + 1))
    image = np.full((size, size, 3), rng.integers(120, 256, 3), np.uint8)
    middle = size / 2 + rng.uniform(-8, 8, 2)
    angle = rng.uniform(-0.25, 0.25)
    reach = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.3, 0.42) * size * direction
    start, end = ([int(each) for each in point] for point in (middle - reach, middle + reach))
    colour = [int(each) for each in rng.integers(0, 100, 3)]
    cv2.arrowedLine(image, start, end, colour, int(rng.integers(3, 8)), tipLength=float(rng.uniform(0.3, 0.45)))
    return np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
