"""Another graph that computes the same: of operators that a runtime's fast kernels (XNNPACK) take, in one piece.

XNNPACK has no kernel for a quantised HARD_SWISH nor for an older AVERAGE_POOL_2D, so a quantised MobileNetV3 falls into
twenty pieces; between them values go to and fro and slower kernels run on one thread. Which graph is faster depends on
the processor: on ARM those slower kernels are good (`timing` measures).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edgecam.model.refusals import IDENTIFIER

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What XNNPACK's quantised kernels take: a scale of an input (or of a product of both), divided by that of the output.
ADD_RATIOS: Final = 2.0**-10, 2.0**8
MUL_RATIOS: Final = 2.0**-16, 2.0**8
VERSIONS: Final = {"int8": 2, "uint8": 1}  # of ADD, MUL and MEAN, that take such values


def rewritten(content: bytes) -> bytes | None:
    """Return a .tflite file whose graph XNNPACK takes, or None where nothing is to be rewritten.

    Each quantised HARD_SWISH becomes ``x / 6 * relu6(x + 3)``, of an ADD and two MULs, each quantised AVERAGE_POOL_2D
    over a whole image a MEAN. The scales of all tensors that were there stay, so what is computed differs by rounding
    only.

    Args:
        content: a .tflite file that a runtime takes.

    Raises:
        ImportError: LiteRT, whose schema of such files is used, is not installed.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    if not any([_Rewriter(schema, model, graph).run() for graph in model.subgraphs]):  # noqa: C419  all of them
        return None
    builder = flatbuffers.Builder(len(content) + 65_536)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _Rewriter:
    """Rewrites one graph of a model in place."""

    def __init__(self, schema: Any, model: Any, graph: Any) -> None:
        self._schema = schema
        self._model = model
        self._graph = graph
        self._dtypes = {schema.TensorType.INT8: np.dtype(np.int8), schema.TensorType.UINT8: np.dtype(np.uint8)}

    def run(self) -> bool:
        """Return whether anything was rewritten."""
        replaced = {place: new for place, op in enumerate(self._graph.operators) if (new := self._replacement(op))}
        operators = self._graph.operators
        self._graph.operators = [new for place, op in enumerate(operators) for new in replaced.get(place, [op])]
        return bool(replaced)

    def _replacement(self, operator: Any) -> list[Any]:
        """The operators that take an operator's place; none: it stays."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind == self._schema.BuiltinOperator.HARD_SWISH:
            return self._hard_swish(operator)
        if kind == self._schema.BuiltinOperator.AVERAGE_POOL_2D:
            return self._average_pool(operator)
        return []

    def _hard_swish(self, operator: Any) -> list[Any]:
        source, result = self._tensors(operator)
        dtype = self._dtypes.get(source.type)
        if dtype is None or result.type != source.type or not (_is_scaled(source) and _is_scaled(result)):
            return []
        limits = np.iinfo(dtype)
        scale, zero = float(source.quantization.scale[0]), int(source.quantization.zeroPoint[0])
        highest = min(6.0, (limits.max - zero) * scale + 3.0)
        if highest <= 0:  # it is 0 for all that can come
            return []
        gate_scale = highest / (limits.max - limits.min)
        product = gate_scale * scale / 6
        if not (
            _within(scale / gate_scale, ADD_RATIOS)
            and _within(3 / limits.max / gate_scale, ADD_RATIOS)
            and _within(product / float(result.quantization.scale[0]), MUL_RATIOS)
        ):
            return []
        x, y = int(operator.inputs[0]), int(operator.outputs[0])
        gate = self._like(source, b"gate", gate_scale, int(limits.min))
        sixth = self._like(source, b"sixth", scale / 6, zero)
        schema = self._schema
        return [
            self._operator("ADD", [x, self._scalar(3.0, dtype)], gate, schema.ActivationFunctionType.RELU6),
            self._operator("MUL", [x, self._scalar(1 / 6, dtype)], sixth),
            self._operator("MUL", [sixth, gate], y),
        ]

    def _average_pool(self, operator: Any) -> list[Any]:
        source, result = self._tensors(operator)
        options = operator.builtinOptions
        if (
            source.type not in self._dtypes
            or [options.filterHeight, options.filterWidth] != list(source.shape[1:3])
            or list(result.shape[1:3]) != [1, 1]
            or options.fusedActivationFunction != self._schema.ActivationFunctionType.NONE
        ):
            return []
        axes = self._constant(b"height and width", np.array([1, 2], np.int32), self._schema.TensorType.INT32)
        return [self._operator("MEAN", [int(operator.inputs[0]), axes], int(operator.outputs[0]))]

    def _tensors(self, operator: Any) -> tuple[Any, Any]:
        return self._graph.tensors[operator.inputs[0]], self._graph.tensors[operator.outputs[0]]

    def _operator(self, name: str, inputs: list[int], output: int, activation: int = 0) -> Any:
        schema = self._schema
        options, kind = {
            "ADD": (schema.AddOptionsT, schema.BuiltinOptions.AddOptions),
            "MUL": (schema.MulOptionsT, schema.BuiltinOptions.MulOptions),
            "MEAN": (schema.ReducerOptionsT, schema.BuiltinOptions.ReducerOptions),
        }[name]
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(name, self._dtypes[self._graph.tensors[output].type])
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        operator.builtinOptionsType, operator.builtinOptions = kind, options()
        if name == "MEAN":
            operator.builtinOptions.keepDims = True
        else:
            operator.builtinOptions.fusedActivationFunction = activation
        return operator

    def _code(self, name: str, dtype: np.dtype[Any]) -> int:
        """The place of an operator in the model's table of those that it uses, where it is added if need be."""
        kind, version = getattr(self._schema.BuiltinOperator, name), VERSIONS[dtype.name]
        for place, code in enumerate(self._model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == kind and code.version >= version:
                return place
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = version
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def _like(self, tensor: Any, name: bytes, scale: float, zero: int) -> int:
        """A new tensor of another's shape and type."""
        made = self._schema.TensorT()
        made.shape, made.type, made.shapeSignature = tensor.shape, tensor.type, tensor.shapeSignature
        made.name = bytes(tensor.name or b"") + b"/" + name
        made.quantization = self._quantization(scale, zero)
        return self._add(made)

    def _scalar(self, value: float, dtype: np.dtype[Any]) -> int:
        """A constant that is exactly ``value``."""
        highest = np.iinfo(dtype).max
        kind = next(kind for kind, known in self._dtypes.items() if known == dtype)
        place = self._constant(f"{value:.3g}".encode(), np.array(highest, dtype), kind)
        self._graph.tensors[place].quantization = self._quantization(value / highest, 0)
        return place

    def _constant(self, name: bytes, value: NDArray[Any], kind: int) -> int:
        made, buffer = self._schema.TensorT(), self._schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        made.name, made.type, made.buffer = name, kind, len(self._model.buffers) - 1
        made.shape = np.array(value.shape, np.int32)
        return self._add(made)

    def _quantization(self, scale: float, zero: int) -> Any:
        made = self._schema.QuantizationParametersT()
        made.scale, made.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)
        return made

    def _add(self, tensor: Any) -> int:
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1


def _is_scaled(tensor: Any) -> bool:
    """Whether the whole tensor has one scale."""
    quantization = tensor.quantization
    return quantization is not None and quantization.scale is not None and len(quantization.scale) == 1


def _within(ratio: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= ratio < limits[1]
