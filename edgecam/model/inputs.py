"""The input of a model: which of a tensor's numbers are rows, columns and colours of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from edgecam.errors import ModelError
from edgecam.model.quantisation import limits_of, scale_and_zero

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Dimensions = Literal["nhwc", "nchw", "nhw"]

MOST_SIDE = 4096
LEAST_SIDE = {1: 8, 3: 2}  # by channels: what is narrower and has no colours are measurements
LONGEST = 4  # times as long as wide: a longer grey 'picture' is sound
ROW = 2  # dimensions of a plain row of numbers
VIDEO = 5
# The sides of grey 'pictures' that are spectrograms, in either order: those of Google's speech commands, MLPerf Tiny's
# keyword spotting, TensorFlow's audio tutorial, VGGish and YAMNet.
SPECTROGRAMS: Final = tuple(
    {*sides}
    for sides in (
        *((49, 40), (49, 43), (98, 40), (99, 40), (101, 40), (96, 64)),
        *((124, 129), (124, 128), (63, 40), (32, 40)),
    )
)
COEFFICIENTS: Final = {10, 12, 13}  # of a cepstrum: what has as many rows or columns, and more of the other, is sound
TYPES: Final = (np.uint8, np.int8, np.int16, np.int32, np.float32)
DIGIT = 28  # pixels a side of the pictures of MNIST, which many courses write as a row of numbers


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The tensor that a picture is written into.

    Attributes:
        index: of the tensor.
        size: width and height in pixels.
        channels: 1 (grey) or 3.
        dimensions: their order in the tensor; ``nhw`` has no channels.
        dtype: uint8, int8, int16, int32 or float32.
        scale: of a quantised tensor, which holds number / scale + zero; 0: it is not quantised.
        zero: likewise.
        is_open: it takes pictures of any size; this is the one that was set.
    """

    index: int
    size: tuple[int, int]
    channels: int
    dimensions: Dimensions
    dtype: type[np.generic]
    scale: float
    zero: int
    is_open: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and highest number that a quantised tensor can stand for."""
        return limits_of(self.dtype, self.scale, self.zero)

    def image(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Return a view of the tensor as [height, width, channels], or [channels, height, width] if it has planes."""
        width, height = self.size
        if self.dimensions == "nchw":
            return tensor.reshape(self.channels, height, width)
        return tensor.reshape(height, width, self.channels)


def concrete_shape(details: dict[str, Any], size: tuple[int, int]) -> list[int] | None:
    """Return the shape for an input that leaves its shape open; None: nothing is to be set.

    Args:
        details: the interpreter's, of the input.
        size: width and height in pixels where the model takes any.
    """
    shape = [int(length) for length in details["shape"]]
    given = [int(length) for length in details.get("shape_signature", ())]
    signature = given if len(given) == len(shape) else shape
    match signature:
        case [_, 1, 1, 1 | 3 as colours] if given in ([], shape):  # by an older converter, without -1
            return [1, size[1], size[0], colours]
        case [_, rows, columns, 1 | 3]:
            sides = [1, 2]
        case [_, 1 | 3, rows, columns]:
            sides = [2, 3]
        case [_, rows, columns]:
            sides = [1, 2]
        case _:
            return None
    if rows > 0 and columns > 0 and signature[0] > 0:
        return None
    wanted = [1, *signature[1:]]
    for place, length in zip(sides, (size[1], size[0]), strict=True):
        if wanted[place] < 0:
            wanted[place] = length
    return wanted if wanted != shape else None


def image_input(inputs: Sequence[dict[str, Any]]) -> ImageInput:
    """Find the picture among the interpreter's details of a model's inputs.

    Raises:
        ModelError: there is none, or more than one.
    """
    if len(inputs) != 1:
        message = f"no image classifier: {len(inputs)} inputs {_shapes(inputs)}, expected one picture"
        raise ModelError(message)
    (details,) = inputs
    shape = [int(length) for length in details["shape"]]
    height, width, channels, dimensions = _dimensions(shape)
    if details["dtype"] not in TYPES:
        known = ", ".join(each.__name__ for each in TYPES)
        message = f"no image classifier: its input is {details['dtype'].__name__}, expected one of {known}"
        raise ModelError(message)
    if problem := _no_picture(height, width, channels):
        message = f"no image classifier: its input is {shape}: {problem}"
        raise ModelError(message)
    scale, zero = scale_and_zero(details) if details["dtype"] is not np.float32 else (0.0, 0)
    return ImageInput(
        int(details["index"]),
        (width, height),
        channels,
        dimensions,
        details["dtype"],
        scale,
        zero,
        (np.asarray(details.get("shape_signature", ()))[1:] < 0).any().item(),
    )


def _dimensions(shape: list[int]) -> tuple[int, int, int, Dimensions]:
    """Height, width, channels and order of a shape."""
    match shape:
        case [batch, *_, _, _] if batch > 1 and len(shape) == VIDEO - 1:
            problem = f"{batch} pictures at once; convert it for one"
        case [1, height, width, 1 | 3 as channels]:
            return height, width, channels, "nhwc"
        case [1, 1 | 3 as channels, height, width]:
            return height, width, channels, "nchw"
        case [1, height, width]:
            return height, width, 1, "nhw"
        case [height, width, 1 | 3 as channels]:
            return height, width, channels, "nhwc"
        case [1, row] if row == DIGIT**2:
            return DIGIT, DIGIT, 1, "nhw"
        case [_, _, _, channels]:
            problem = f"{channels} channels, expected 1 or 3"
        case _ if len(shape) <= ROW:
            problem = "a row of numbers (sound, text or measurements?)"
        case _ if len(shape) == VIDEO:
            problem = "a video, or several pictures"
        case _:
            problem = "expected [1, height, width, 3] or the like"
    message = f"no image classifier: its input is {shape}: {problem}"
    raise ModelError(message)


def _no_picture(height: int, width: int, channels: int) -> str:
    """Say what it is that is surely no picture; empty: it may be one."""
    if channels == 1 and _is_sound(height, width):
        return "the spectrogram of a sound"
    if min(height, width) < LEAST_SIDE[channels] or (
        channels == 1 and max(height, width) > LONGEST * min(height, width)
    ):
        return "no picture is so narrow (sound or measurements?)"
    if max(height, width) > MOST_SIDE:
        return f"expected at most {MOST_SIDE} pixels a side"
    return ""


def _is_sound(height: int, width: int) -> bool:
    short, long = sorted((height, width))
    return {height, width} in SPECTROGRAMS or (short in COEFFICIENTS and long >= 2 * short)


def _shapes(tensors: Sequence[dict[str, Any]]) -> str:
    return ", ".join(str(tensor["shape"].tolist()) for tensor in tensors)
