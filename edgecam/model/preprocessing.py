"""What a model itself does to its pixels before it looks at them, which tells how it wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgecam.model.outputs import ARITHMETIC

if TYPE_CHECKING:
    from edgecam.model.runtimes import Interpreter

# What changes no pixel's value, or moves it only.
THROUGH: Final = {
    *("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "CAST", "PAD", "PADV2", "MIRROR_PAD"),
    *("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SLICE", "STRIDED_SLICE", "GATHER", "REVERSE_V2"),
    *("UNPACK", "PACK"),  # as Keras puts blue first
}
BYTES = 20.0  # an offset or a divisor from here on is one of pixels of 0..255
NEGATIVE = -0.5  # an offset below is of pixels that begin at -1
SLIGHT = 0.05  # likewise above, of pixels of 0..1
ENLARGED = 1 / BYTES  # a divisor below: pixels of 0..1 are made pixels of 0..255


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What is done first to a pixel x: (x - ``centre``) / ``divisor``, each the mean over the colours.

    Attributes:
        centre: 0 where nothing is taken off.
        divisor: 1 where nothing is divided.
        quantised: lowest and highest number that x can stand for behind a QUANTIZE, if that comes first of all.
    """

    centre: float = 0.0
    divisor: float = 1.0
    quantised: tuple[float, float] | None = None

    @property
    def pixels(self) -> str:
        """How the pixels are wanted, in the words of ``model.pixels``; empty: these steps do not tell."""
        if max(abs(self.centre), abs(self.divisor)) >= BYTES:
            return "0..255"
        if self.centre < NEGATIVE:
            return "-1..1"
        return "0..1" if self.centre > SLIGHT or abs(self.divisor) < ENLARGED else ""

    def __str__(self) -> str:
        """In words."""
        if self.quantised:
            low, high = self.quantised
            return f"it is quantised first, from {low:.4g}..{high:.4g}"
        return f"it first takes (pixel - {self.centre:.4g}) / {self.divisor:.4g}"


def first_steps(interpreter: Interpreter, source: int) -> FirstSteps:
    """Follow a tensor of float pixels from the input through arithmetic with constants.

    Args:
        interpreter: of the model, its memory allocated.
        source: index of the input.
    """
    operators = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]  # noqa: SLF001  the only way
    details = {int(each["index"]): each for each in interpreter.get_tensor_details()}
    made = {int(place): op for op in operators for place in op["outputs"]}
    tensor, factor, offset = source, 1.0, 0.0
    while users := [op for op in operators if tensor in op["inputs"]]:
        kind, inputs = str(users[0]["op_name"]), [int(place) for place in users[0]["inputs"]]
        if any(op["op_name"] != kind for op in users):
            break
        if kind == "QUANTIZE" and tensor == source:
            return FirstSteps(quantised=_limits(details[int(users[0]["outputs"][0])]))
        if kind in ARITHMETIC:
            at = inputs.index(tensor)
            constant = _constant(interpreter, inputs[1 - at], source, made)
            if constant is None or (at and kind in ("SUB", "DIV")):
                break
            factor, offset = _applied(kind, constant, factor, offset)
        elif kind not in THROUGH:
            break
        tensor = int(users[0]["outputs"][0])
    return FirstSteps(0.0 - offset / factor, 1 / factor) if factor else FirstSteps()


def _applied(kind: str, constant: float, factor: float, offset: float) -> tuple[float, float]:
    match kind:
        case "ADD":
            return factor, offset + constant
        case "SUB":
            return factor, offset - constant
        case "MUL":
            return factor * constant, offset * constant
        case _:
            return (factor / constant, offset / constant) if constant else (0.0, 0.0)


def _constant(interpreter: Interpreter, index: int, source: int, made: dict[int, Any]) -> float | None:
    """The mean of a constant, which may be kept in half precision; None: it is none."""
    while index in made:
        if made[index]["op_name"] != "DEQUANTIZE":
            return None
        index = int(made[index]["inputs"][0])
    if index == source:
        return None
    value = float(np.mean(interpreter.tensor(index)(), dtype=float))
    return value if np.isfinite(value) else None


def _limits(details: dict[str, Any]) -> tuple[float, float] | None:
    scale, zero = details["quantization"]
    if not scale:
        return None
    info = np.iinfo(details["dtype"])
    return (info.min - zero) * scale, (info.max - zero) * scale
