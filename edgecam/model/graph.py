"""Another graph that computes the same, bit for bit: of operators that a runtime's fast kernels (XNNPACK) take.

XNNPACK has no kernel for a quantised HARD_SWISH nor for an older AVERAGE_POOL_2D, so a quantised MobileNetV3 falls into
twenty pieces; between them values go to and fro and slower kernels run on one thread. Which graph is faster depends on
the processor: on ARM those slower kernels are good (`timing` measures).

One number in 256 that rounds to the other side is enough for another label on every tenth photograph: a quantised
network makes much of little. So an operator is rewritten only where all that it can get gives what it gave before.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgecam.model import runtimes
from edgecam.model.graph_editor import Editor, is_scaled, quantisation
from edgecam.model.hard_swish import Moves, hard_swish, moves

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MEAN_VERSIONS: Final = {"int8": 2, "uint8": 1}  # that take such values
# Pixels of a pool: of more the MEAN's float32 might not tell half a step from what is next to it.
MOST_PIXELS: Final = 4095
SHAPE: Final = (1, 16, 16, 1)  # of all 256 levels


def rewritten(content: bytes) -> bytes | None:
    """Return a .tflite file whose graph XNNPACK takes in fewer pieces, or None where nothing is to be rewritten.

    Each quantised HARD_SWISH becomes a float one between a DEQUANTIZE and a QUANTIZE, where that gives the same for all
    256 levels; each quantised AVERAGE_POOL_2D over a whole image of an odd number of pixels a MEAN. (Of an even number
    the mean may lie half-way between two levels, which the two round to different sides.)

    Args:
        content: a .tflite file that a runtime takes.

    Raises:
        ImportError: LiteRT, whose schema of such files is used and whose kernels are asked, is not installed.
        ModelError: LiteRT does not run the file.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    if not any([_Rewriter(Editor(schema, model, graph)).run() for graph in model.subgraphs]):  # noqa: C419  all of them
        return None
    return Editor(schema, model, model.subgraphs[0]).packed()


class _Rewriter:
    """Rewrites one graph of a model in place."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._schema = editor.schema
        kinds = editor.schema.TensorType
        self._dtypes = {kinds.INT8: np.dtype(np.int8), kinds.UINT8: np.dtype(np.uint8)}

    def run(self) -> bool:
        """Return whether anything was rewritten."""
        graph = self._editor.graph
        replaced = {place: new for place, op in enumerate(graph.operators) if (new := self._replacement(op))}
        graph.operators = [new for place, op in enumerate(graph.operators) for new in replaced.get(place, [op])]
        return bool(replaced)

    def _replacement(self, operator: Any) -> list[Any]:
        """The operators that take an operator's place; none: it stays."""
        source, result = self._editor.tensors(operator)
        if (
            source.type not in self._dtypes
            or result.type != source.type
            or not (is_scaled(source) and is_scaled(result))
        ):
            return []
        kind = self._editor.kind(operator)
        if kind == self._schema.BuiltinOperator.HARD_SWISH:
            return self._hard_swish(operator, source, result)
        if kind == self._schema.BuiltinOperator.AVERAGE_POOL_2D:
            return self._average_pool(operator, source, result)
        return []

    def _hard_swish(self, operator: Any, source: Any, result: Any) -> list[Any]:
        limits = np.iinfo(self._dtypes[source.type])
        levels = np.arange(limits.min, limits.max + 1).astype(limits.dtype)
        (scale, zero), (step, shift) = quantisation(source), quantisation(result)

        def probe(operators: Callable[[Editor, int, int], list[Any]]) -> NDArray[np.float64]:
            """What operators make of all levels."""
            editor = Editor.blank(self._schema)
            x, y = editor.quantised_tensor(source, SHAPE), editor.quantised_tensor(result, SHAPE)
            editor.graph.inputs, editor.graph.outputs = [x], [y]
            editor.graph.operators = operators(editor, x, y)
            return _run(editor.packed(), levels)

        wanted = probe(lambda editor, x, y: [editor.operator("HARD_SWISH", [x], y)])
        values = (levels.astype(np.float32) - zero) * np.float32(scale)
        exact = hard_swish(values.astype(float)) / step + shift
        found = moves(exact, wanted, limits.min, limits.max)
        if found is None:
            return []
        in_float = partial(_in_float, moves=found, values=values, steps=(scale, step))
        if not np.array_equal(probe(in_float), wanted):
            return []
        return in_float(self._editor, int(operator.inputs[0]), int(operator.outputs[0]))

    def _average_pool(self, operator: Any, source: Any, result: Any) -> list[Any]:
        options = operator.builtinOptions
        pixels = options.filterHeight * options.filterWidth
        if (
            [options.filterHeight, options.filterWidth] != list(source.shape[1:3])
            or list(result.shape[1:3]) != [1, 1]
            or options.fusedActivationFunction != self._schema.ActivationFunctionType.NONE
            or quantisation(source) != quantisation(result)
            or pixels % 2 == 0
            or pixels > MOST_PIXELS
        ):
            return []
        axes = self._editor.constant(b"height and width", np.array([1, 2], np.int32))
        means = self._schema.ReducerOptionsT()
        means.keepDims = True
        version = MEAN_VERSIONS[self._dtypes[source.type].name]
        return [
            self._editor.operator("MEAN", [int(operator.inputs[0]), axes], int(operator.outputs[0]), version, means)
        ]


def _in_float(
    editor: Editor, x: int, y: int, moves: Moves, values: NDArray[np.float32], steps: tuple[float, float]
) -> list[Any]:
    """Operators from a quantised tensor to another: a hard-swish in float32, and what moves it.

    A nudge of ``n`` at a level is ``relu(n - 2 n d^2)``, with ``d`` how many levels away from it a value is.

    Args:
        editor: of the graph.
        x: place of the tensor that comes in.
        y: of the one that goes out.
        moves: in steps of y.
        values: float32 [256], what the levels of x stand for.
        steps: between two levels of x, and of y.
    """
    like, schema, made = editor.graph.tensors[x], editor.schema, []

    def then(name: str, inputs: list[int], options: Any = None, version: int = 1) -> int:
        place = editor.float_tensor(like, name.lower().encode())
        made.append(editor.operator(name, inputs, place, version, options))
        return place

    def number(value: float) -> int:
        return editor.constant(b"number", np.array(value, np.float32))

    value = then("DEQUANTIZE", [x], version=2)
    result = then("HARD_SWISH", [value])
    if moves.offset:
        result = then("ADD", [result, number(moves.offset * steps[1])], schema.AddOptionsT())
    for level, steps_up in moves.nudges.items():
        far = then("SQUARED_DIFFERENCE", [value, number(values[level])], schema.SquaredDifferenceOptionsT())
        nudge, clipped = abs(steps_up) * steps[1], schema.AddOptionsT()
        clipped.fusedActivationFunction = schema.ActivationFunctionType.RELU
        fall = then("MUL", [far, number(-2 * nudge / steps[0] ** 2)], schema.MulOptionsT())
        peak = then("ADD", [fall, number(nudge)], clipped)
        if steps_up > 0:
            result = then("ADD", [result, peak], schema.AddOptionsT())
        else:
            result = then("SUB", [result, peak], schema.SubOptionsT())
    return [*made, editor.operator("QUANTIZE", [result], y)]


def _run(content: bytes, levels: NDArray[Any]) -> NDArray[np.float64]:
    loaded = runtimes.interpreter("litert", content, 1)
    loaded.tensor(loaded.get_input_details()[0]["index"])()[:] = levels.reshape(SHAPE)
    loaded.invoke()
    return loaded.tensor(loaded.get_output_details()[0]["index"])().astype(float).reshape(-1)
