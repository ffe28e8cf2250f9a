"""From an image's pixels to the numbers that a model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import cv2
import numpy as np

from edgecam.camera.frames import Layout
from edgecam.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edgecam.model.inputs import ImageInput
    from edgecam.model.pixel_range import PixelRange

    Filler = Callable[[NDArray[np.uint8], Layout, NDArray[Any]], object]

Colours = Literal["rgb", "bgr", "grey"]

CONVERSIONS: Final = {
    ("rgb", Layout.BGR): cv2.COLOR_BGR2RGB,
    ("rgb", Layout.I420): cv2.COLOR_YUV2RGB_I420,
    ("bgr", Layout.I420): cv2.COLOR_YUV2BGR_I420,
    ("grey", Layout.BGR): cv2.COLOR_BGR2GRAY,
    ("grey", Layout.I420): cv2.COLOR_YUV2GRAY_I420,
}
# From I420's brightness, which has black at 16 and white at 235, to grey.
FULL_RANGE: Final = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
PLANES: Final = {"rgb": [2, 0, 1, 1, 0, 2], "bgr": [0, 0, 1, 1, 2, 2]}  # from a BGR image's channel to a tensor's plane
SIGN = 0x80  # flipped, a uint8 becomes an int8 that is 128 less
LEAST_NUMBERS = 16  # that 256 values of a pixel become: where an input cannot hold what is set, nearly all are alike
STEP = 1  # so far may a quantised input's table be from the bytes themselves, which makers' own scripts write


class PixelWriter:
    """Writes images into an input tensor: as RGB, BGR or grey, normalised, quantised, as pixels or as planes.

    As each pixel is one of 256 values, normalisation and quantisation together are a table per channel.
    """

    def __init__(self, image: ImageInput, pixels: PixelRange, channels: Literal["rgb", "bgr"] = "rgb") -> None:
        """Make the table.

        Args:
            image: the input.
            pixels: how it wants them.
            channels: the order of its colours.

        Raises:
            ModelError: the pixels are told for another number of channels, or cannot be held as they are set.
        """
        self._input = image
        self._is_grey = image.channels == 1
        table = table_of(image, pixels)
        self._is_int8 = table.dtype == np.int8  # which OpenCV takes for nothing: the same bits are written as uint8
        if self._is_int8:
            table = table.view(np.uint8)
        if self._is_grey:
            self._fill = _filler(table, "grey")
        else:
            self._fill = _plane_filler(table, channels) if image.dimensions == "nchw" else _filler(table, channels)

    def write(self, image: NDArray[np.uint8], tensor: NDArray[Any], layout: Layout = Layout.BGR) -> None:
        """Write an image, uint8 as its layout says and of the model's size, into the input tensor."""
        target = self._input.image(tensor.view(np.uint8) if self._is_int8 else tensor)
        self._fill(image, layout, target.reshape(self._input.size[::-1]) if self._is_grey else target)


def table_of(image: ImageInput, pixels: PixelRange) -> NDArray[Any]:
    """Return what an input takes for each value of a pixel: [256, channels] of its type.

    Raises:
        ModelError: the pixels are told for another number of channels, or it cannot hold what the settings want.
    """
    mean, std = pixels.per_channel(image.channels)
    values = np.arange(256)[:, np.newaxis]
    with np.errstate(over="ignore"):
        normalised = (values - mean) / std
    if np.abs(normalised).max() > np.finfo(np.float32).max:
        message = f"model.pixels: {pixels.name}: no model takes such numbers"
        raise ModelError(message)
    if image.dtype is np.float32:
        if (mean == std).all():  # to the last bit as Keras and Teachable Machine do it
            return values.astype(np.float32) / std.astype(np.float32) - np.float32(1)
        return normalised.astype(np.float32)
    limits = np.iinfo(np.dtype(image.dtype).name)
    is_bytes = image.dtype in (np.uint8, np.int8)
    scale, zero = (image.scale, image.zero) if image.scale else (1.0, limits.min if is_bytes else 0)
    table: NDArray[Any] = np.clip(np.rint(normalised / scale + zero), limits.min, limits.max).astype(int)
    if is_bytes:
        plain = np.broadcast_to(values + limits.min, table.shape)
        if np.abs(table - plain).max() <= STEP:
            table = plain
    if pixels.source == "settings" and min(len(np.unique(column)) for column in table.T) < LEAST_NUMBERS:
        low, high = image.limits
        held = f"{low:.4g}..{high:.4g}" if image.scale else "pixels as they are"
        message = f'model.pixels: {pixels.name}, but its input holds {held}; set model.pixels = "auto"'
        raise ModelError(message)
    return table.astype(image.dtype)


def _filler(table: NDArray[Any], colours: Colours) -> Filler:
    """Return what converts an image's colours and looks each value up in a table.

    The usual tables need no look-up, which takes ten times as long as the conversion.
    """
    values = np.arange(256)[:, np.newaxis]
    if table.dtype == np.uint8 and (table == values).all():
        return lambda image, layout, target: _convert(image, colours, layout, target)
    if table.dtype == np.uint8 and (table == values ^ SIGN).all():

        def flip(image: NDArray[np.uint8], layout: Layout, target: NDArray[np.uint8]) -> None:
            _convert(image, colours, layout, target)
            np.bitwise_xor(target, SIGN, out=target)

        return flip
    if (table == values).all():
        return lambda image, layout, target: np.copyto(target, _convert(image, colours, layout))
    same = table.dtype == np.float32 and (table == table[:, :1]).all()
    looked_up = np.ascontiguousarray(table[:, 0] if same else table.reshape(1, 256, -1))
    return lambda image, layout, target: cv2.LUT(_convert(image, colours, layout), looked_up, dst=target)


def _plane_filler(table: NDArray[Any], colours: Literal["rgb", "bgr"]) -> Filler:
    """Return what takes an image's channels apart, into a target [3, height, width], by a table."""
    values = np.arange(256)[:, np.newaxis]
    from_to = PLANES[colours]
    flip = table.dtype == np.uint8 and bool((table == values ^ SIGN).all())
    if flip or (table.dtype == np.uint8 and (table == values).all()):

        def split(image: NDArray[np.uint8], layout: Layout, target: NDArray[np.uint8]) -> None:
            cv2.mixChannels([_convert(image, "bgr", layout)], [*target], from_to)
            if flip:
                np.bitwise_xor(target, SIGN, out=target)

        return split
    columns = [np.ascontiguousarray(column) for column in table.T]

    def look_up(image: NDArray[np.uint8], layout: Layout, target: NDArray[Any]) -> None:
        image = _convert(image, "bgr", layout)
        for channel, plane in zip(from_to[::2], from_to[1::2], strict=True):
            cv2.LUT(cv2.extractChannel(image, channel), columns[plane], dst=target[plane])

    return look_up


def _convert(
    image: NDArray[np.uint8], colours: Colours, layout: Layout, target: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Return an image in the colours that are wanted, in the target if there is one."""
    code = CONVERSIONS.get((colours, layout))
    if code is not None:
        converted: NDArray[np.uint8] = cv2.cvtColor(image, code, dst=target)
        return (
            cv2.LUT(converted, FULL_RANGE, dst=converted) if (colours, layout) == ("grey", Layout.I420) else converted
        )
    if target is None:
        return image
    np.copyto(target, image)
    return target
