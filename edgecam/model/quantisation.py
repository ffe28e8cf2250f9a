"""What the numbers of a quantised tensor stand for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgecam.errors import ModelError


def scale_and_zero(tensor: dict[str, Any]) -> tuple[float, int]:
    """Return scale and zero point: a number n stands for (n - zero) * scale; both are 0 where it is not quantised.

    Args:
        tensor: the interpreter's details of it.

    Raises:
        ModelError: the scale can be none; not every runtime looks.
    """
    scale, zero = tensor["quantization"]
    if not (math.isfinite(scale) and scale >= 0):
        message = f"broken: the scale of its tensor {tensor['name']} is {scale}; convert it anew"
        raise ModelError(message)
    return float(scale), int(zero)


def limits_of(dtype: type[np.generic], scale: float, zero: int) -> tuple[float, float]:
    """Return the lowest and the highest number that a quantised tensor of whole numbers can stand for."""
    info = np.iinfo(np.dtype(dtype).name)
    return (info.min - zero) * scale, (info.max - zero) * scale
