"""Adds tensors and operators to a graph of a .tflite file, without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgecam.model.refusals import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SCHEMA_VERSION = 3  # of all .tflite files


class Editor:
    """Changes one graph of a model in place.

    Attributes:
        schema: LiteRT's module of classes for what is in such a file.
        model: the whole of it, a ``schema.ModelT``.
        graph: one of its graphs, a ``schema.SubGraphT``.
    """

    def __init__(self, schema: Any, model: Any, graph: Any) -> None:
        self.schema = schema
        self.model = model
        self.graph = graph

    @classmethod
    def blank(cls, schema: Any) -> Editor:
        """Begin a model of one graph with nothing in it."""
        model, graph = schema.ModelT(), schema.SubGraphT()
        model.version = SCHEMA_VERSION
        model.subgraphs, model.operatorCodes, model.buffers = [graph], [], [schema.BufferT()]
        graph.tensors, graph.operators = [], []
        return cls(schema, model, graph)

    def packed(self) -> bytes:
        """Return the file."""
        import flatbuffers

        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    def kind(self, operator: Any) -> int:
        """Which ``BuiltinOperator`` an operator is."""
        return _kind(self.model.operatorCodes[operator.opcodeIndex])

    def tensors(self, operator: Any) -> tuple[Any, Any]:
        """An operator's first input and its output."""
        return self.graph.tensors[operator.inputs[0]], self.graph.tensors[operator.outputs[0]]

    def float_tensor(self, shaped: Any, name: bytes) -> int:
        """Add a float32 tensor of another's shape and return its place."""
        made = self.schema.TensorT()
        made.shape, made.shapeSignature, made.type = shaped.shape, shaped.shapeSignature, self.schema.TensorType.FLOAT32
        made.name = bytes(shaped.name or b"") + b"/" + name
        return self._add(made)

    def quantised_tensor(self, like: Any, shape: Sequence[int]) -> int:
        """Add a tensor of another's type, scale and zero point and return its place."""
        made = self.schema.TensorT()
        made.shape, made.type, made.quantization = np.array(shape, np.int32), like.type, like.quantization
        return self._add(made)

    def constant(self, name: bytes, value: NDArray[np.int32 | np.float32]) -> int:
        """Add a constant and return its place."""
        made, buffer = self.schema.TensorT(), self.schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        made.name, made.buffer = name, len(self.model.buffers) - 1
        made.type = getattr(self.schema.TensorType, value.dtype.name.upper())
        made.shape = np.array(value.shape, np.int32)
        return self._add(made)

    def operator(self, name: str, inputs: Sequence[int], output: int, version: int = 1, options: Any = None) -> Any:
        """Return a new operator, which is in no graph yet; ``version`` is the least that takes such values."""
        made = self.schema.OperatorT()
        made.opcodeIndex = self._code(getattr(self.schema.BuiltinOperator, name), version)
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        if options is not None:
            made.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            made.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
        return made

    def _code(self, kind: int, version: int) -> int:
        """The place of an operator in the model's table of those that it uses, where it is added if need be."""
        for place, code in enumerate(self.model.operatorCodes):
            if _kind(code) == kind and code.version >= version:
                return place
        code = self.schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def _add(self, tensor: Any) -> int:
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1


def _kind(code: Any) -> int:
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def is_scaled(tensor: Any) -> bool:
    """Whether the whole tensor has one scale, which can be."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
        return False
    return bool(np.isfinite(quantization.scale[0]) and quantization.scale[0] > 0)


def quantisation(tensor: Any) -> tuple[float, int]:
    """Scale and zero point of a tensor that has one of each."""
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
