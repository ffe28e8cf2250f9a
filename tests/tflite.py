"""Builds small real .tflite models: classifiers that tell colours apart, and things that are no classifiers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgecam.model.labels.formats import parse
from edgecam.model.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Type = Literal["float32", "uint8", "int8"]
COLOURS = ("red", "green", "blue")

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "float16": schema.TensorType.FLOAT16,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
}
# A score's logit is STEEP times how much of its colour is in the mean pixel, less what is in there of the others.
STEEP = 6.0
INPUT_SCALE = 2 / 255
LOGIT_SCALE = 4 * STEEP / 255


@dataclass
class Graph:
    """A model under construction."""

    model: Any = field(default_factory=schema.ModelT)
    graph: Any = field(default_factory=schema.SubGraphT)

    def __post_init__(self) -> None:
        """Begin with the empty buffer that TFLite wants first."""
        self.model.version = 3
        self.model.subgraphs, self.model.operatorCodes, self.model.buffers = [self.graph], [], [schema.BufferT()]
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []

    def tensor(
        self, name: str, shape: Sequence[int], dtype: str, scale: float = 0, zero: int = 0, data: Any = None
    ) -> int:
        """Add a tensor; with data it is a constant."""
        tensor, buffer = schema.TensorT(), 0
        if data is not None:
            content = schema.BufferT()
            content.data = np.frombuffer(np.asarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(content)
            buffer = len(self.model.buffers) - 1
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), list(shape), TYPES[dtype], buffer
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero]
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, name: str, inputs: list[int], output: int, options: Any = None, *, version: int = 1) -> int:
        """Add an operator and return its output."""
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        self.model.operatorCodes.append(code)
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes) - 1, inputs, [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, kind), options
        self.graph.operators.append(operator)
        return output

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        """Return the file's bytes."""
        self.graph.inputs, self.graph.outputs = inputs, outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def weights_of(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    weights = np.full((count, 3), -STEEP / 2, np.float32)
    weights[np.arange(count), np.arange(count) % 3] = STEEP
    weights[3:] = 0
    return weights


def classifier(
    dtype: Type = "float32",
    *,
    size: tuple[int, int] = (32, 24),
    classes: int = 3,
    softmax: bool = True,
    swapped: bool = False,
) -> bytes:
    """A classifier of width and height ``size`` that takes pixels as -1..1: its first three classes are COLOURS.

    With ``swapped`` it takes each colour for another.
    """
    build = Graph()
    quantised = dtype != "float32"
    image, x = add_logits(build, dtype, size, weights_of(classes)[:: -1 if swapped else 1])
    if softmax:
        x = add_softmax(build, x, classes, quantised=quantised)
    if dtype == "uint8":
        out = (1 / 256, 0) if softmax else (LOGIT_SCALE, 128)
        x = build.operator("QUANTIZE", [x], build.tensor("out", [1, classes], dtype, *out))
    return build.finish([image], [x])


def add_logits(
    build: Graph, dtype: Type, size: tuple[int, int], weights: np.ndarray[Any, np.dtype[np.float32]]
) -> tuple[int, int]:
    """The image, and the product of its mean pixel with weights [classes, 3]: int8 where it is quantised."""
    inner = dtype if dtype == "float32" else "int8"
    (width, height), classes = size, len(weights)
    quantised = inner == "int8"
    scale, logit_scale = (INPUT_SCALE, LOGIT_SCALE) if quantised else (0, 0)
    image = build.tensor("image", [1, height, width, 3], dtype, scale, 128 if dtype == "uint8" else 0)
    x = image
    if dtype == "uint8":
        x = build.operator("QUANTIZE", [x], build.tensor("image_int8", [1, height, width, 3], inner, scale))
    axes = build.tensor("axes", [2], "int32", data=[1, 2])
    x = build.operator("MEAN", [x, axes], build.tensor("mean", [1, 3], inner, scale), schema.ReducerOptionsT())
    weight_scale = STEEP / 127 if quantised else 0
    weights = weights / (weight_scale or 1)
    dense = [
        build.tensor("weights", [classes, 3], inner, weight_scale, 0, np.rint(weights) if quantised else weights),
        build.tensor("bias", [classes], "int32" if quantised else inner, scale * weight_scale, 0, np.zeros(classes)),
    ]
    logits = build.tensor("logits", [1, classes], inner, logit_scale)
    return image, build.operator("FULLY_CONNECTED", [x, *dense], logits, schema.FullyConnectedOptionsT(), version=4)


def add_softmax(build: Graph, logits: int, classes: int, *, quantised: bool, beta: float = 1.0) -> int:
    options = schema.SoftmaxOptionsT()
    options.beta = beta
    dtype, scale = ("int8", 1 / 256) if quantised else ("float32", 0)
    return build.operator("SOFTMAX", [logits], build.tensor("scores", [1, classes], dtype, scale, -128), options)


def hard_swish(dtype: Type, shape: Sequence[int], source: tuple[float, int], result: tuple[float, int]) -> bytes:
    """A model of nothing but a HARD_SWISH, of scale and zero point of its input and output."""
    build = Graph()
    x, y = build.tensor("x", shape, dtype, *source), build.tensor("y", shape, dtype, *result)
    return build.finish([x], [build.operator("HARD_SWISH", [x], y)])


def average_pool(dtype: Type, size: int, window: int) -> bytes:
    """A model of nothing but an AVERAGE_POOL_2D, of square images."""
    build, options, rest = Graph(), schema.Pool2DOptionsT(), size - window + 1
    options.filterHeight = options.filterWidth = window
    options.strideH = options.strideW = 1
    options.padding = schema.Padding.VALID
    x = build.tensor("x", [1, size, size, 8], dtype, 0.1, 3)
    y = build.tensor("y", [1, rest, rest, 8], dtype, 0.1, 3)
    return build.finish([x], [build.operator("AVERAGE_POOL_2D", [x], y, options, version=2)])


def hard_classifier(size: int = 16) -> bytes:
    """An int8 classifier of COLOURS with a hard-swish in it, which XNNPACK does not take: it falls into pieces."""
    build = Graph()
    shape = [1, size, size, 3]
    image = build.tensor("image", shape, "int8", INPUT_SCALE)
    swished = build.operator("HARD_SWISH", [image], build.tensor("swished", shape, "int8", 1 / 255, -64))
    axes = build.tensor("axes", [2], "int32", data=[1, 2])
    mean = build.tensor("mean", [1, 3], "int8", 1 / 255, -64)
    build.operator("MEAN", [swished, axes], mean, schema.ReducerOptionsT())
    scale = STEEP / 127
    dense = [
        build.tensor("weights", [3, 3], "int8", scale, 0, np.rint(weights_of(3) / scale)),
        build.tensor("bias", [3], "int32", scale / 255, 0, np.zeros(3)),
    ]
    logits = build.tensor("logits", [1, 3], "int8", LOGIT_SCALE)
    build.operator("FULLY_CONNECTED", [mean, *dense], logits, schema.FullyConnectedOptionsT(), version=4)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return build.finish(
        [image], [build.operator("SOFTMAX", [logits], build.tensor("scores", [1, 3], "int8", 1 / 256, -128), options)]
    )


def reshaper(shape: Sequence[int], *, image: Sequence[int] = (1, 8, 8, 3)) -> bytes:
    """A model whose output is its input in another shape, such as a segmentation's or a pose's."""
    build = Graph()
    source = build.tensor("image", image, "float32")
    target = build.tensor("shape", [len(shape)], "int32", data=shape)
    result = build.tensor("result", shape, "float32")
    return build.finish([source], [build.operator("RESHAPE", [source, target], result, schema.ReshapeOptionsT())])


def detector() -> bytes:
    """A model of two outputs."""
    build = Graph()
    image = build.tensor("image", [1, 8, 8, 3], "float32")
    outputs = [
        build.operator("RELU", [image], build.tensor(name, [1, 8, 8, 3], "float32")) for name in ("boxes", "scores")
    ]
    return build.finish([image], outputs)


def saved(folder: Path, model: bytes, labels: Sequence[str] | None = COLOURS) -> Path:
    """Save a model with its labels in a file beside it."""
    path = folder / "model.tflite"
    path.write_bytes(model)
    if labels is not None:
        path.with_suffix(".txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    return path


def means(
    shape: Sequence[int],
    steps: Sequence[tuple[str, float | Sequence[float]]] = (),
    *,
    dtype: str = "float32",
    scale: float = 0,
    zero: int = 0,
    quantised_first: tuple[float, int] | None = None,
    signature: Sequence[int] = (),
    rank: int = 2,
) -> bytes:
    """A model whose outputs are the means of its picture's colours, behind first steps.

    Args:
        shape: of the input: [1, height, width, colours], [1, colours, height, width] with planes, [1, height, width].
        steps: operators with constants that come first, such as ("SUB", 127.5).
        dtype: of the input.
        scale: of the input, if it is quantised: it is dequantised first.
        zero: likewise.
        quantised_first: scale and zero to which a float input is quantised, as int8, and back.
        signature: the shape with -1 for what is left open.
        rank: of the output.
    """
    build = Graph()
    image = x = build.tensor("image", shape, dtype, scale, zero)
    if signature:
        build.graph.tensors[image].shapeSignature = list(signature)
    if dtype != "float32":
        name, options = ("DEQUANTIZE", None) if scale else ("CAST", schema.CastOptionsT())
        x = build.operator(name, [x], build.tensor("floats", shape, "float32"), options, version=3 if scale else 1)
    if quantised_first:
        x = build.operator("QUANTIZE", [x], build.tensor("quantised", shape, "int8", *quantised_first))
        x = build.operator("DEQUANTIZE", [x], build.tensor("floats", shape, "float32"), version=2)
    for name, value in steps:
        constant = build.tensor(f"{name}/constant", list(np.shape(value)), "float32", data=value)
        options = getattr(schema, f"{name.title()}OptionsT")()
        x = build.operator(name, [x, constant], build.tensor(name, shape, "float32"), options)
    has_planes = len(shape) == 4 and (signature or shape)[3] not in (1, 3)
    axes = [2, 3] if has_planes else [1, 2]
    count = 1 if len(shape) == 3 else shape[1] if has_planes else shape[3]
    place = build.tensor("axes", [2], "int32", data=axes)
    mean = build.tensor("mean", [1] if len(shape) == 3 else [1, count], "float32")
    x = build.operator("MEAN", [x, place], mean, schema.ReducerOptionsT())
    target = [1] * (rank - 1) + [count]
    wanted = build.tensor("shape", [rank], "int32", data=target)
    x = build.operator("RESHAPE", [x, wanted], build.tensor("scores", target, "float32"), schema.ReshapeOptionsT())
    return build.finish([image], [x])


def several(names: Sequence[str] = ("age", "gender"), counts: Sequence[int] = (3, 3)) -> bytes:
    """A model of several outputs, each the means of its picture's colours, the second in reverse, cut to its count."""
    build = Graph()
    image = build.tensor("image", [1, 12, 16, 3], "float32")
    axes = build.tensor("axes", [2], "int32", data=[1, 2])
    mean = build.operator("MEAN", [image, axes], build.tensor("mean", [1, 3], "float32"), schema.ReducerOptionsT())
    outputs = []
    for place, (name, count) in enumerate(zip(names, counts, strict=True)):
        weights = np.eye(3)[:: -1 if place % 2 else 1][:count]
        dense = [
            build.tensor(f"{name}/weights", [count, 3], "float32", data=weights),
            build.tensor(f"{name}/bias", [count], "float32", data=np.zeros(count)),
        ]
        scores = build.tensor(name, [1, count], "float32")
        outputs.append(build.operator("FULLY_CONNECTED", [mean, *dense], scores, schema.FullyConnectedOptionsT()))
    return build.finish([image], outputs)


def sigmoid(steepness: float = 8.0, *, ends: bool = True) -> bytes:
    """A model of one score: how much red there is, as a sigmoid, or its logit."""
    build = Graph()
    image = build.tensor("image", [1, 12, 16, 3], "float32")
    axes = build.tensor("axes", [2], "int32", data=[1, 2])
    mean = build.operator("MEAN", [image, axes], build.tensor("mean", [1, 3], "float32"), schema.ReducerOptionsT())
    dense = [
        build.tensor("weights", [1, 3], "float32", data=[[steepness, 0, 0]]),
        build.tensor("bias", [1], "float32", data=[-steepness / 2]),
    ]
    logit = build.tensor("logit", [1, 1], "float32")
    build.operator("FULLY_CONNECTED", [mean, *dense], logit, schema.FullyConnectedOptionsT())
    if not ends:
        return build.finish([image], [logit])
    return build.finish([image], [build.operator("LOGISTIC", [logit], build.tensor("score", [1, 1], "float32"))])


def labels_within(model: bytes) -> tuple[str, ...]:
    """The labels in the file that a model's metadata name."""
    told = read_metadata(model)
    return parse(told.files[told.labels], told.labels).labels if told.labels else ()


def custom_operator(name: str) -> bytes:
    """A model of nothing but an operator that is none of TFLite's."""
    build = Graph()
    image, result = build.tensor("image", [1, 8, 8, 3], "float32"), build.tensor("scores", [1, 3], "float32")
    build.operator("CUSTOM", [image], result)
    build.model.operatorCodes[0].customCode = name.encode()
    return build.finish([image], [result])


def newer_operator(version: int = 99) -> bytes:
    """A model of an operator in a version that is yet to come."""
    build = Graph()
    image, result = (build.tensor(name, [1, 8, 8, 3], "float32") for name in ("image", "result"))
    return build.finish([image], [build.operator("RELU", [image], result, version=version)])


def impossible_reshape() -> bytes:
    """A model of a RESHAPE of 192 numbers into 100, of a type that XNNPACK leaves to the runtime."""
    build = Graph()
    image, result = build.tensor("image", [1, 8, 8, 3], "int32"), build.tensor("result", [1, 100], "int32")
    target = build.tensor("shape", [2], "int32", data=[1, 100])
    return build.finish([image], [build.operator("RESHAPE", [image, target], result, schema.ReshapeOptionsT())])


def in_circles(*, at_the_end: bool) -> bytes:
    """A model whose operators take each other's results, behind its picture or before its scores."""
    build = Graph()
    shape = [1, 8, 8, 3]
    image, one = build.tensor("image", shape, "float32"), build.tensor("one", [], "float32", data=1.0)
    axes = build.tensor("axes", [2], "int32", data=[1, 2])
    if at_the_end:
        mean = build.tensor("mean", [1, 3], "float32")
        build.operator("MEAN", [image, axes], mean, schema.ReducerOptionsT())
        there, back = (build.tensor(name, [1, 3], "float32") for name in ("there", "back"))
        target = build.tensor("shape", [2], "int32", data=[1, 3])
        for source, result in ((mean, there), (there, back), (back, there)):
            build.operator("RESHAPE", [source, target], result, schema.ReshapeOptionsT())
        return build.finish([image], [back])
    there = build.operator("ADD", [image, one], build.tensor("there", shape, "float32"), schema.AddOptionsT())
    build.operator("ADD", [there, one], image, schema.AddOptionsT())
    mean = build.tensor("mean", [1, 3], "float32")
    return build.finish([image], [build.operator("MEAN", [there, axes], mean, schema.ReducerOptionsT())])


def dense(length: float, *, half: bool = False, size: tuple[int, int] = (16, 12), classes: int = 3) -> bytes:
    """A float model whose first layer has weights of so great a length an output, kept in half precision or not."""
    build = Graph()
    (width, height), count = size, size[0] * size[1] * 3
    image = build.tensor("image", [1, height, width, 3], "float32")
    weights = np.random.default_rng(0).normal(size=(classes, count))
    weights *= length / np.linalg.norm(weights, axis=1, keepdims=True)
    flat = build.tensor("flat", [1, count], "float32")
    target = build.tensor("shape", [2], "int32", data=[1, count])
    build.operator("RESHAPE", [image, target], flat, schema.ReshapeOptionsT())
    kept = build.tensor("weights", [classes, count], "float16" if half else "float32", data=weights)
    if half:
        kept = build.operator("DEQUANTIZE", [kept], build.tensor("whole", [classes, count], "float32"), version=3)
    bias = build.tensor("bias", [classes], "float32", data=np.zeros(classes))
    logits = build.tensor("logits", [1, classes], "float32")
    build.operator("FULLY_CONNECTED", [flat, kept, bias], logits, schema.FullyConnectedOptionsT())
    return build.finish([image], [add_softmax(build, logits, classes, quantised=False)])
