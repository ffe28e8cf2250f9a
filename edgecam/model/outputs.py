"""What comes out of a model: probabilities, or logits that a softmax is still to make probabilities of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

# Probabilities of one thing out of many, or of each by itself: a softmax's or sigmoids'. They are taken as they are.
Outputs = Literal["probabilities", "logits"]

PROBABILITIES = {"SOFTMAX", "LOGISTIC"}
LINEAR = {"FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "BATCH_MATMUL"}
# What changes no value, or moves it only; its first input is what it moves.
MOVES = {
    *("QUANTIZE", "DEQUANTIZE", "CAST", "RESHAPE", "SQUEEZE", "EXPAND_DIMS"),
    *("TRANSPOSE", "SLICE", "STRIDED_SLICE", "GATHER"),
}
AVERAGES = {"MEAN", "AVERAGE_POOL_2D"}
ARITHMETIC = {"ADD", "SUB", "MUL", "DIV"}
RECURRENT = ("LSTM", "RNN", "SVDF")  # in the names of operators
ROUNDING = 1e-3  # of a float
ROUNDING_OF_SUMS = 0.02
COARSE = 0.05  # a step between two probabilities is smaller
PATCHES = 4  # of one colour, in a row of a picture


def by_graph(operators: list[dict[str, Any]], output: int, values: NDArray[np.float32] | None) -> Outputs | None:
    """Tell by a model's last operators, where these leave no doubt.

    Args:
        operators: the interpreter's details of them.
        output: index of the output tensor.
        values: float32 [256], those that a quantised output can have; None: it is of floats.
    """
    if _last(operators, output, through=MOVES) in PROBABILITIES:
        return "probabilities"
    if values is None:
        return None
    # The range of a quantised tensor is what came out of it for all the pictures by which it was calibrated.
    step = float(values[1] - values[0])
    is_within = _is_within(values, step)
    if is_linear(operators, output):
        return None if is_within else "logits"
    return "probabilities" if is_within else None


def is_linear(operators: list[dict[str, Any]], output: int) -> bool:
    """Whether the output is a layer's weighted sums, moved, averaged, scaled and shifted at the most."""
    return _last(operators, output, through=MOVES | AVERAGES, arithmetic=True) in LINEAR


def remembers(operators: list[dict[str, Any]]) -> bool:
    """Whether a model keeps something from one picture to the next, as one of time series would."""
    return any(kind in op["op_name"] for op in operators for kind in RECURRENT)


def by_outputs(rows: Iterable[NDArray[np.float32]], step: float, *, is_linear: bool) -> Outputs:
    """Tell by what comes out for a few images.

    What leaves 0..1 is no probability. What stays there and sums to 1 is one, and so is what does not sum to 1, such as
    sigmoids, unless it is a mere weighted sum: that stays there by chance.

    Args:
        rows: float32 [N] for each image; of the first that tells all, the others are not asked for.
        step: between two values of a quantised output, 0 for floats.
        is_linear: the output is a layer's weighted sums.
    """
    is_summed, seen = True, False
    for row in rows:
        if np.isnan(row).any():
            continue
        if not _is_within(row, step):
            return "logits"
        is_summed &= bool(abs(row.sum() - 1) <= ROUNDING_OF_SUMS + len(row) * step / 2)
        seen = True
    return "probabilities" if seen and (is_summed or not is_linear) else "logits"


def probes(width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """Images unlike each other, uint8 BGR [height, width, 3]: noise, patches of colour, black and white."""
    random = np.random.default_rng(0)
    yield random.integers(0, 256, (height, width, 3), np.uint8)
    patches = random.integers(0, 256, (PATCHES, PATCHES, 3), np.uint8)
    yield patches[np.arange(height) * PATCHES // height][:, np.arange(width) * PATCHES // width]
    yield np.zeros((height, width, 3), np.uint8)
    yield np.full((height, width, 3), 255, np.uint8)


def _is_within(values: NDArray[np.float32], step: float) -> bool:
    slack = ROUNDING + min(step, COARSE)
    return bool(values.min() >= -slack and values.max() <= 1 + slack)


def _last(operators: list[dict[str, Any]], output: int, *, through: set[str], arithmetic: bool = False) -> str:
    """Name the operator that a tensor's values come from, seen through others, and arithmetic with constants."""
    makers = {int(made): op for op in operators if op["op_name"] != "DELEGATE" for made in op["outputs"]}
    tensor = output
    while op := makers.pop(tensor, None):  # each once, should they go round in circles
        inputs = [int(place) for place in op["inputs"]]
        computed = [place for place in inputs if place in makers]
        if op["op_name"] in through:
            tensor = inputs[0]
        elif arithmetic and op["op_name"] in ARITHMETIC and len(computed) == 1:
            (tensor,) = computed
        else:
            return str(op["op_name"])
    return ""
