"""A classifier's last layer: its logits, and a temperature worked into it, so that every runtime gives fair scores.

Guo et al. 2017, arXiv:1706.04599: scores are softmax(logits / temperature); which of them is the greatest stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from trainer.network.classifier import flattened
from trainer.network.graph import Calls, calls, with_calls, without_mask

if TYPE_CHECKING:
    from trainer.network.graph import Call

WEIGHTED = (layers.Dense, layers.Conv2D)
# What moves numbers, or hands them on.
MOVES = (layers.Flatten, layers.Reshape, layers.Dropout, layers.Identity)
# What a factor may be taken through as well.
HOMOGENEOUS = (*MOVES, layers.GlobalAveragePooling2D, layers.AveragePooling2D)


class _End(NamedTuple):
    """How a classifier ends.

    Attributes:
        weighted: the layer whose weighted sums are the logits.
        activation: what makes scores of them; it may be the same layer; None: the scores are the logits.
    """

    weighted: keras.Layer
    activation: keras.Operation | None


def with_temperature(model: keras.Model, temperature: float) -> keras.Model | None:
    """Copy a classifier into one of plain layers whose logits are those of ``model``, divided by a temperature.

    Args:
        model: ends in a Dense or Conv2D and a softmax, or the sigmoid of a single score, or neither (its scores are
            logits then); the softmax may be a layer, an operator or the last layer's activation, and averages,
            Flatten and the like may lie between.
        temperature: above 0; above 1 the scores are less sure.

    Returns:
        The copy, which takes and gives what ``model`` does; None: the model ends in another way.
    """
    copy = _copied(model)
    end = _end(copy)
    if copy is None or end is None:
        return None
    end.weighted.set_weights([weight / temperature for weight in end.weighted.get_weights()])  # kernel, and bias
    return copy


def logits_of(model: keras.Model) -> keras.Model | None:
    """Copy a classifier into one of plain layers that gives its logits.

    Returns:
        A model of what ``model`` takes to float [batch, classes], or [batch, 1] where that gives the sigmoid of a
        single score: of the logit z the two classes' are 0 and z. None: the model ends in another way.
    """
    copy = _copied(model)
    end = _end(copy)
    if copy is None or end is None or end.activation is None:
        return copy if end else None
    if end.activation is end.weighted:
        end.weighted.activation = keras.activations.linear
        return copy

    def call(operation: keras.Operation, *inputs: Any, **keywords: Any) -> Any:
        return inputs[0] if operation is end.activation else without_mask(operation, *inputs, **keywords)

    return with_calls(copy, call)


def _copied(model: keras.Model) -> keras.Model | None:
    try:
        return flattened(model)
    except (ValueError, AttributeError):  # no graph of layers
        return None


def _end(model: keras.Model | None) -> _End | None:
    """Go back from the scores to the weights; None: there are others than `with_temperature` knows."""
    if model is None or len(model.outputs) != 1:
        return None
    made = calls(model)
    last = _before(made, made.outputs[0], MOVES)
    activation = _activation(last, is_single=model.output_shape[-1] == 1) if last else None
    if last is None or (activation is not None and isinstance(last.operation, WEIGHTED)):
        weighted = last
    else:
        weighted = _before(made, last.inputs[0] if activation is not None else made.outputs[0], HOMOGENEOUS)
    if weighted is None or not isinstance(weighted.operation, WEIGHTED) or made.times(weighted.operation) > 1:
        return None
    if weighted.operation is not activation and not _is_linear(weighted.operation):
        return None
    return _End(weighted.operation, activation)


def _before(made: Calls, tensor: keras.KerasTensor, passing: tuple[type, ...]) -> Call | None:
    """The last call before a tensor that is none of ``passing``."""
    call = made.maker(tensor)
    while call is not None and (
        isinstance(call.operation, passing)
        or (isinstance(call.operation, layers.Activation) and _is_linear(call.operation))
    ):
        call = made.maker(call.inputs[0])
    return call


def _activation(call: Call, *, is_single: bool) -> keras.Operation | None:
    """What makes scores in a call, if it does: a softmax over the classes, or the sigmoid of a single score."""
    operation, wanted = call.operation, "sigmoid" if is_single else "softmax"
    function = getattr(operation, "activation", None)
    if callable(function):
        return operation if getattr(function, "__name__", "") == wanted else None
    # A layer Softmax, and what keras.ops.softmax and keras.ops.sigmoid leave in a graph.
    axis = getattr(operation, "axis", -1)
    is_last = axis in (-1, len(call.output.shape) - 1)
    return operation if type(operation).__name__.lower() == wanted and is_last else None


def _is_linear(layer: keras.Layer) -> bool:
    return layer.activation is keras.activations.linear
