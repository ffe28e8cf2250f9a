"""What a model itself does to its pixels before it looks at them, which tells how it wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgecam.model.outputs import ARITHMETIC
from edgecam.model.quantisation import limits_of, scale_and_zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgecam.model.runtimes import Interpreter

# What changes no pixel's value, or moves it only.
THROUGH: Final = {
    *("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "CAST", "PAD", "PADV2", "MIRROR_PAD", "QUANTIZE", "DEQUANTIZE"),
    *("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"),
}
REORDERS: Final = {"SLICE", "STRIDED_SLICE", "GATHER", "REVERSE_V2", "SPLIT", "UNPACK", "PACK"}  # may put blue first
WEIGHTED: Final = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}  # the axis of the weights' outputs
MOST_STEPS = 32  # of a model; one whose graph goes round in circles has no end of them
ROWS = 32  # of weights that are looked at: a layer may have as many as fill the memory
BYTES = 20.0  # an offset or a divisor from here on is one of pixels of 0..255
NEGATIVE = -0.5  # an offset below is of pixels that begin at -1
SLIGHT = 0.05  # likewise above, of pixels of 0..1
ENLARGED = 1 / BYTES  # a divisor below: pixels of 0..1 are made pixels of 0..255
# The length of the weights of a first layer's outputs, in the middle. Trained on numbers about 1 it is 0.19 and more,
# in 30 files of strangers 0.6 and more: as weights are drawn at first it is about 1, however many. With a division by
# 255 folded into it, as TensorFlow's converter does, or trained on bytes, it is 0.002 to 0.025.
SMALL = 0.06


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What is done first to a pixel x: (x - ``centre``) / ``divisor``.

    Attributes:
        centre: the mean over the colours; 0 where nothing is taken off.
        divisor: likewise; 1 where nothing is divided.
        is_bgr: what is taken off are the means of blue, green and red, in this order, of colours as they come.
        quantised: lowest and highest number that x can stand for behind a QUANTIZE, if that comes first of all.
        weights: the length of the weights of the first layer's outputs, in the middle; None: they cannot be read.
    """

    centre: float = 0.0
    divisor: float = 1.0
    is_bgr: bool = False
    quantised: tuple[float, float] | None = None
    weights: float | None = None

    @property
    def pixels(self) -> str:
        """How the pixels are wanted, in the words of ``model.pixels``; empty: these steps do not tell."""
        if max(abs(self.centre), abs(self.divisor)) >= BYTES:
            return "0..255"
        if self.centre < NEGATIVE:
            return "-1..1"
        return "0..1" if self.centre > SLIGHT or abs(self.divisor) < ENLARGED else ""

    @property
    def has_small_weights(self) -> bool:
        """Whether the first weights are so small that they must be of pixels of 0..255."""
        return self.weights is not None and 0 < self.weights < SMALL

    def __str__(self) -> str:
        """In words for people: the arithmetic."""
        return f"it first takes (pixel - {self.centre:.4g}) / {self.divisor:.4g}"


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def first_steps(interpreter: Interpreter, source: int) -> FirstSteps:
    """Follow a tensor of float pixels from the input through arithmetic with constants to the first layer.

    Args:
        interpreter: of the model, its memory allocated.
        source: index of the input.
    """
    graph = _Graph(interpreter, source)
    tensor, is_reordered, quantised = source, False, None
    factor: NDArray[Any] = np.array(1.0)
    offset: NDArray[Any] = np.array(0.0)
    for _ in range(MOST_STEPS):
        step = graph.only_user(tensor)
        if step is None:
            break
        kind, inputs = str(step["op_name"]), [int(place) for place in step["inputs"]]
        if kind == "QUANTIZE" and tensor == source:
            quantised = graph.limits(int(step["outputs"][0]))
        if kind in ARITHMETIC:
            at = inputs.index(tensor)
            constant = graph.constant(inputs[1 - at])
            if constant is None or (at and kind in ("SUB", "DIV")):
                break
            factor, offset = _applied(kind, constant, factor, offset)
        elif kind not in THROUGH | REORDERS:
            break
        is_reordered |= kind in REORDERS
        tensor = int(step["outputs"][0])
    else:
        return FirstSteps()
    if not (np.all(factor) and np.isfinite(factor).all() and np.isfinite(offset).all()):
        return FirstSteps()
    centres = np.ravel(0.0 - offset / factor)
    return FirstSteps(
        float(centres.mean()),
        float((1 / factor).mean()),
        not is_reordered and len(centres) == 3 and _rises(centres),  # noqa: PLR2004  colours
        quantised,
        graph.weights(tensor),
    )


def _rises(centres: NDArray[Any]) -> bool:
    """Whether these are the means of ImageNet's blue, green and red, as Caffe's models have them."""
    return bool(np.abs(centres - [103.9, 116.8, 123.7]).max() < 1)


class _Graph:
    """A model's operators, and the tensors between them."""

    def __init__(self, interpreter: Interpreter, source: int) -> None:
        self._interpreter = interpreter
        self._source = source
        operators = interpreter._get_ops_details()  # noqa: SLF001  the only way
        self._operators = [op for op in operators if op["op_name"] != "DELEGATE"]
        self._details = {int(each["index"]): each for each in interpreter.get_tensor_details()}
        self._makers = {int(place): op for op in self._operators for place in op["outputs"]}

    def only_user(self, tensor: int) -> dict[str, Any] | None:
        """What a tensor goes into; of several of one kind, such as one a colour, the first; None: of several kinds."""
        users = [op for op in self._operators if tensor in op["inputs"]]
        return users[0] if len({op["op_name"] for op in users}) == 1 else None

    def limits(self, tensor: int) -> tuple[float, float] | None:
        """The lowest and the highest number that a quantised tensor can stand for."""
        details = self._details[tensor]
        scale, zero = scale_and_zero(details)
        return limits_of(details["dtype"], scale, zero) if scale else None

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """The numbers of a constant, as many as there are colours; None: it is none, or has others than numbers."""
        numbers = self._numbers(tensor)
        if numbers is None:
            return None
        numbers = numbers.reshape(-1) if numbers.size in (1, 3) else np.array([numbers.mean()])
        return numbers if np.isfinite(numbers).all() else None

    def weights(self, tensor: int) -> float | None:
        """The length of the weights of each output of the layer that takes a tensor, in the middle."""
        layer = self.only_user(tensor)
        if layer is None or layer["op_name"] not in WEIGHTED:
            return None
        rows = self._numbers(int(layer["inputs"][1]), rows=WEIGHTED[layer["op_name"]])
        if rows is None:
            return None
        length = float(np.median(np.linalg.norm(rows.reshape(len(rows), -1), axis=1)))
        return length if np.isfinite(length) else None

    def _numbers(self, tensor: int, *, rows: int | None = None) -> NDArray[Any] | None:
        """A constant's numbers, which may be kept in half precision or quantised; None: there are none.

        Args:
            tensor: its index.
            rows: an axis, which is moved to the front, and of which ROWS are taken at the most.
        """
        while tensor in self._makers:
            if self._makers[tensor]["op_name"] != "DEQUANTIZE":
                return None
            tensor = int(self._makers[tensor]["inputs"][0])
        if tensor == self._source or tensor not in self._details:
            return None
        told = self._details[tensor]["quantization_parameters"]
        try:
            numbers = self._interpreter.tensor(tensor)()
            scales = _spread(told["scales"], 1, told["quantized_dimension"], numbers)
            zeros = _spread(told["zero_points"], 0, told["quantized_dimension"], numbers)
            if rows is not None:
                numbers, scales, zeros = (_some(each, rows) for each in (numbers, scales, zeros))
            return (numbers.astype(np.float32) - zeros) * scales if numbers.size else None
        except (ValueError, IndexError, RuntimeError):  # a runtime that has packed it has none any more
            return None


def _spread(told: NDArray[Any], default: float, axis: int, numbers: NDArray[Any]) -> NDArray[Any]:
    """What is told of numbers not at all, once, or for each place along an axis, for each of them."""
    shape = [1] * numbers.ndim
    if len(told) > 1:
        shape[axis] = -1
    values = np.asarray(told if len(told) else [default], np.float32)
    return np.broadcast_to(values.reshape(shape), numbers.shape)


def _some(numbers: NDArray[Any], axis: int) -> NDArray[Any]:
    moved = np.moveaxis(numbers, axis, 0)
    return moved[:: -(-len(moved) // ROWS) or 1]


def _applied(
    kind: str, constant: NDArray[Any], factor: NDArray[Any], offset: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    match kind:
        case "ADD":
            return factor, offset + constant
        case "SUB":
            return factor, offset - constant
        case "MUL":
            return factor * constant, offset * constant
        case _:
            return (factor / constant, offset / constant) if np.all(constant) else (constant * 0, offset)
