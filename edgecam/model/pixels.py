"""From an image's pixels to the numbers that a model takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edgecam.camera.frames import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# (pixel - mean) / std, as (mean, std): to 0..255, to 0..1 and to -1..1
RAW, UNIT, SYMMETRIC = (0.0, 1.0), (0.0, 255.0), (127.5, 127.5)
TO_RGB = {Layout.BGR: cv2.COLOR_BGR2RGB, Layout.I420: cv2.COLOR_YUV2RGB_I420}
TO_GREY = {Layout.BGR: cv2.COLOR_BGR2GRAY, Layout.I420: cv2.COLOR_YUV2GRAY_I420}
SIGN = 0x80  # flipped, a uint8 becomes an int8 that is 128 less
OFF_BY = 0.1  # of the quantised range: further off, a normalisation cannot be meant


class PixelWriter:
    """Writes images into an input tensor: as RGB (or grey), normalised, quantised.

    As each pixel is one of 256 values, normalisation and quantisation together are a table per channel.
    """

    def __init__(
        self,
        tensor: dict[str, Any],
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        *,
        rescales: bool = False,
    ) -> None:
        """Make the table.

        Args:
            tensor: the interpreter's details of its input, of uint8, int8 or float32 [1, height, width, 1 or 3].
            mean: what the model's metadata says: one number, or one a channel in the order of the tensor.
            std: likewise.
            rescales: the model itself normalises pixels of 0..255.
        """
        channels = int(tensor["shape"][3])
        given = _per_channel(mean, std, channels)
        if tensor["dtype"] == np.float32:
            table = _normalised(given or _usual(_guess(rescales=rescales), channels))
        else:
            table = _quantised(tensor, given, channels)
        self._grey = channels == 1
        self._convert = TO_GREY if self._grey else TO_RGB
        # OpenCV takes int8 for nothing: the same bits are written as uint8.
        table = table if table.dtype == np.float32 else table.view(np.uint8)
        self._fill = _filler(table)

    def write(self, image: NDArray[np.uint8], tensor: NDArray[Any], layout: Layout = Layout.BGR) -> None:
        """Write an image, uint8 as its layout says, into a tensor [height, width, 1 or 3] of the same size."""
        target = tensor if tensor.dtype == np.float32 else tensor.view(np.uint8)
        if self._grey:
            target = target[..., 0]
        self._fill(image, self._convert[layout], target)


def _filler(table: NDArray[Any]) -> Callable[[NDArray[np.uint8], int, NDArray[Any]], object]:
    """Return what converts an image's colours and looks each value up in a table [256, channels].

    The usual tables need no look-up, which takes ten times as long as the conversion.
    """
    values = np.arange(256)[:, np.newaxis]
    if (table == values).all():
        if table.dtype == np.float32:
            return lambda image, code, target: np.copyto(target, cv2.cvtColor(image, code))
        return lambda image, code, target: cv2.cvtColor(image, code, dst=target)
    if table.dtype == np.uint8 and (table == values ^ SIGN).all():

        def flip(image: NDArray[np.uint8], code: int, target: NDArray[np.uint8]) -> None:
            cv2.cvtColor(image, code, dst=target)
            np.bitwise_xor(target, SIGN, out=target)

        return flip
    same = table.dtype == np.float32 and (table == table[:, :1]).all()
    looked_up = np.ascontiguousarray(table[:, 0] if same else table.reshape(1, 256, -1))
    return lambda image, code, target: cv2.LUT(cv2.cvtColor(image, code), looked_up, dst=target)


Normalisation = tuple["NDArray[np.float64]", "NDArray[np.float64]"]  # mean and std, each [channels]


def _usual(normalisation: tuple[float, float], channels: int) -> Normalisation:
    mean, std = normalisation
    return np.full(channels, mean), np.full(channels, std)


def _per_channel(mean: Sequence[float] | None, std: Sequence[float] | None, channels: int) -> Normalisation | None:
    if not mean or not std or 0 in std or {len(mean), len(std)} - {1, channels}:
        return None
    return np.broadcast_to(np.array(mean, float), channels), np.broadcast_to(np.array(std, float), channels)


def _guess(*, rescales: bool) -> tuple[float, float]:
    """A float model without metadata: what it does first tells whether it wants 0..255, else -1..1 is usual."""
    if not rescales:
        logger.warning("the model does not tell how it wants its pixels: -1..1 is assumed; see docs/models.md")
    return RAW if rescales else SYMMETRIC


def _normalised(normalisation: Normalisation) -> NDArray[Any]:
    """float32 [256, channels]: the normalised value of each pixel value."""
    mean, std = normalisation
    return ((np.arange(256)[:, np.newaxis] - mean) / std).astype(np.float32)


def _quantised(tensor: dict[str, Any], given: Normalisation | None, channels: int) -> NDArray[Any]:
    """uint8 or int8 [256, channels]: the quantised value of each pixel value.

    The pixels' range and the tensor's range are the same in models as they are converted. So of the metadata's
    normalisation and the usual ones that is taken which fills the tensor's range best; where none comes near, pixels
    are taken as they are (some metadata describes the float model that this one was made from).
    """
    dtype, (scale, zero) = tensor["dtype"], tensor["quantization"]
    limits = np.iinfo(dtype)
    plain = np.broadcast_to((np.arange(256) + limits.min)[:, np.newaxis], (256, channels)).astype(dtype)
    if not scale:
        return plain
    best, best_off = plain, OFF_BY
    for normalisation in [given] if given else [_usual(each, channels) for each in (RAW, UNIT, SYMMETRIC)]:
        exact = _normalised(normalisation) / scale + zero
        off = max(abs(exact[0] - limits.min).max(), abs(exact[-1] - limits.max).max()) / 255
        if off < best_off:
            best, best_off = np.clip(np.rint(exact), limits.min, limits.max).astype(dtype), off
    return best
