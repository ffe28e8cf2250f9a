"""The output of a model that holds the scores, and how its numbers become them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgecam.errors import ModelError
from edgecam.model.quantisation import scale_and_zero

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edgecam.model.outputs import Outputs
    from edgecam.model.runtimes import Interpreter

TYPES: Final = (np.uint8, np.int8, np.int16, np.float32)
WHOLE_NUMBERS: Final = (np.int32, np.int64, np.uint32)
BOXES = 4  # numbers that a box has
SHOWN = 8  # outputs of a model that are named


def score_output(interpreter: Interpreter, name: str) -> dict[str, Any]:
    """Find the output that has a score a class.

    Args:
        interpreter: of the model.
        name: of the output, as ``model.output`` says; empty: it has but one.

    Returns:
        The interpreter's details of it.

    Raises:
        ModelError: there is none by that name, or none that can be scores.
    """
    outputs = interpreter.get_output_details()
    if not name and len(outputs) == 1:  # its name need not be known
        return _checked(outputs[0])
    names = _names(interpreter, outputs)
    if name:
        chosen = [each for each, known in zip(outputs, names, strict=True) if name in known]
        if len(chosen) != 1:
            message = f"model.output: no output is named {name!r}; name one of {_listed(outputs, names)}"
            raise ModelError(message)
        return _checked(chosen[0])
    if not outputs or not all(_is_row(each) for each in outputs) or _has_boxes(outputs):
        shapes = ", ".join(str(each["shape"].tolist()) for each in outputs)
        message = f"no image classifier: its outputs are {shapes} (a detection, segmentation or pose model?)"
        raise ModelError(message)
    message = f"{len(outputs)} outputs; set model.output to one of {_listed(outputs, names)}"
    raise ModelError(message)


def values_of(output: dict[str, Any]) -> NDArray[np.float32] | None:
    """Return what each number of a quantised output stands for, float32 [256] by its byte; None: it has no bytes."""
    if output["dtype"] not in (np.uint8, np.int8):
        return None
    scale, zero = scale_and_zero(output)
    numbers: NDArray[np.float32] = np.arange(256, dtype=np.uint8).view(output["dtype"]).astype(np.float32)
    return (numbers - np.float32(zero)) * np.float32(scale or 1)


def reader(output: dict[str, Any]) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return what makes float32 [N] of the tensor's numbers, a copy that may be kept."""
    values = values_of(output)
    if values is not None:
        return lambda tensor: values[tensor.reshape(-1).view(np.uint8)]
    if output["dtype"] is np.float32:
        return lambda tensor: tensor.reshape(-1).copy()
    scale, zero = scale_and_zero(output)
    return lambda tensor: (tensor.reshape(-1).astype(np.float32) - np.float32(zero)) * np.float32(scale or 1)


def probabilities(
    numbers: NDArray[np.float32], outputs: Outputs, labels: int, *, certain: bool = False
) -> NDArray[np.float32]:
    """Make a score a label of what came out.

    Args:
        numbers: float32 [N], which may be changed.
        outputs: what they are; the softmax is taken of logits, of a single one the sigmoid.
        labels: how many there are: N, or of a single number 2, of which the second has it and the first the rest.
        certain: none of the numbers can be infinite, or not a number.

    Returns:
        float32 [labels], 0..1.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a broken model may give any numbers
        if outputs == "logits":
            if len(numbers) == 1:
                numbers = 1 / (1 + np.exp(-numbers))
            else:
                numbers = np.exp(numbers - numbers.max())
                numbers /= numbers.sum()
        is_finite = certain or math.isfinite(numbers.sum())
    if not is_finite:
        np.nan_to_num(numbers, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
    if len(numbers) < labels:
        return np.array([1 - numbers[0], numbers[0]], np.float32)
    return numbers


def _names(interpreter: Interpreter, outputs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """By which names each output is known, the best first: the signature's, the tensor's, its place."""
    signed = _signed(interpreter)
    names = []
    for place, each in enumerate(outputs):
        tensor = str(each["name"])
        known = [*signed.get(int(each["index"]), ()), tensor, tensor.removesuffix(":0"), str(place)]
        names.append([*dict.fromkeys(known)])
    return names


def _signed(interpreter: Interpreter) -> dict[int, list[str]]:
    """Names of outputs by the index of their tensor, as the model's signature has them."""
    names: dict[int, list[str]] = {}
    for signature in interpreter.get_signature_list():
        for name, details in interpreter.get_signature_runner(signature).get_output_details().items():
            names.setdefault(int(details["index"]), []).append(str(name))
    return names


def _listed(outputs: Sequence[dict[str, Any]], names: Sequence[Sequence[str]]) -> str:
    listed = [f"{known[0]} {each['shape'].tolist()}" for each, known in zip(outputs[:SHOWN], names, strict=False)]
    return ", ".join(listed) + (f" and {len(outputs) - SHOWN} more" if len(outputs) > SHOWN else "")


def _is_row(output: dict[str, Any]) -> bool:
    """Whether it is one number a class: [N], [1, N], ..., or the planes of one pixel, [1, N, 1, 1]."""
    match output["shape"].tolist():
        case [1, _, 1, 1]:
            return True
        case shape:
            return not shape or int(np.prod(shape[:-1])) == 1


def _has_boxes(outputs: Sequence[dict[str, Any]]) -> bool:
    """Whether one holds boxes, of four numbers each."""
    return any(each["shape"].tolist()[-1:] == [BOXES] and len(each["shape"]) > 2 for each in outputs)  # noqa: PLR2004


def _checked(output: dict[str, Any]) -> dict[str, Any]:
    shape, dtype = output["shape"].tolist(), output["dtype"]
    problem = ""
    if dtype in WHOLE_NUMBERS:
        problem = f"it gives numbers of {dtype.__name__}, no scores (the number of a class, or positions?)"
    elif dtype not in TYPES:
        problem = f"its output is {dtype.__name__}, expected uint8, int8, int16 or float32"
    elif not _is_row(output) or 0 in shape:
        problem = f"its output is {shape}, expected one row of scores ({_kind(shape)}?)"
    if problem:
        message = f"no image classifier: {problem}"
        raise ModelError(message)
    return output


def _kind(shape: list[int]) -> str:
    match shape:
        case [_, rows, columns, _] if rows > 1 and columns > 1:
            return "segmentation, or a picture again"
        case [_, _, 4 | 5 | 6 | 85] | [_, 4 | 5 | 6 | 84 | 85, _]:
            return "detection"
        case _:
            return "detection or pose"
