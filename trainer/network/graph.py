"""Walks the graph of a Keras model by public means: what is called in it, on what, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras

if TYPE_CHECKING:
    from collections.abc import Callable


class Call(NamedTuple):
    """One call of a layer or operator; one that is shared has several.

    Attributes:
        operation: the layer or operator.
        inputs: the tensors that it is called on, in their order.
        output: what comes of it: a tensor, or what holds several.
    """

    operation: keras.Operation
    inputs: tuple[keras.KerasTensor, ...]
    output: Any


class Calls(NamedTuple):
    """All calls in a model, in their order, and the tensors that it takes and gives."""

    made: tuple[Call, ...]
    inputs: tuple[keras.KerasTensor, ...]
    outputs: tuple[keras.KerasTensor, ...]

    def maker(self, tensor: keras.KerasTensor) -> Call | None:
        """Which call a tensor comes of; None: it is an input."""
        return next(
            (call for call in self.made if any(each is tensor for each in keras.tree.flatten(call.output))), None
        )

    def users(self, output: Any) -> list[Call]:
        """Which calls take what has come of another."""
        tensors = {id(each) for each in keras.tree.flatten(output)}
        return [call for call in self.made if tensors & {id(each) for each in call.inputs}]

    def times(self, operation: keras.Operation) -> int:
        """How often a layer or operator is called."""
        return sum(call.operation is operation for call in self.made)


def calls(model: keras.Model) -> Calls:
    """Go through a functional model; its layers are those of the model itself."""
    made: list[Call] = []

    def call(operation: keras.Operation, *inputs: Any, **keywords: Any) -> Any:
        output = without_mask(operation, *inputs, **keywords)
        taken = [each for each in keras.tree.flatten((inputs, keywords)) if isinstance(each, keras.KerasTensor)]
        made.append(Call(operation, tuple(taken), output))
        return output

    walked = with_calls(model, call)
    return Calls(tuple(made), tuple(walked.inputs), tuple(walked.outputs))


def with_calls(model: keras.Model, call: Callable[..., Any]) -> keras.Model:
    """Build a functional model from the same layers, each called by ``call(operation, *inputs, **keywords)``."""
    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


def without_mask(operation: keras.Operation, *inputs: Any, **keywords: Any) -> Any:
    """Call a layer or operator without a mask, which images have none of."""
    return operation(*inputs, **{name: value for name, value in keywords.items() if name != "mask"})
