"""Small real classifiers of COLOURS that differ in what comes after their logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.tflite import COLOURS, LOGIT_SCALE, Graph, Type, add_logits, add_softmax, weights_of

SIZE = 16
COUNT = len(COLOURS)
UNIT = 1 / 256, -128  # scale and zero point of an int8 of 0..1


class _Ending:
    """A graph up to its logits, and what may be put behind them."""

    def __init__(self, dtype: Type, classes: int = COUNT, scaled: float = 1.0) -> None:
        self.build = Graph()
        self.dtype = dtype
        self.quantised = dtype != "float32"
        self.image, self.logits = add_logits(self.build, dtype, (SIZE, SIZE), scaled * weights_of(classes))

    def tensor(self, name: str, shape: list[int], quantised: tuple[float, int] = UNIT, data: Any = None) -> int:
        scale, zero = quantised if self.quantised else (0, 0)
        if data is not None and self.quantised:
            data = np.clip(np.rint(np.array(data) / scale + zero), -128, 127)
        return self.build.tensor(name, shape, self.dtype, scale, zero, data)

    def softmax(self, classes: int = COUNT, beta: float = 1.0) -> int:
        return add_softmax(self.build, self.logits, classes, quantised=self.quantised, beta=beta)

    def operator(self, name: str, inputs: list[int], options: Any = None, *, then: tuple[float, int] = UNIT) -> int:
        return self.build.operator(name, inputs, self.tensor(name.lower(), [1, COUNT], then), options, version=2)

    def moved(self, source: int) -> int:
        """Transposed, and back in shape."""
        turned = self.tensor("turned", [COUNT, 1])
        order = self.build.tensor("order", [2], "int32", data=[1, 0])
        self.build.operator("TRANSPOSE", [source, order], turned, schema.TransposeOptionsT(), version=2)
        return self.reshaped(turned, [1, COUNT])

    def reshaped(self, source: int, shape: list[int], quantised: tuple[float, int] = UNIT) -> int:
        target = self.build.tensor("shape", [len(shape)], "int32", data=shape)
        return self.build.operator(
            "RESHAPE", [source, target], self.tensor("reshaped", shape, quantised), schema.ReshapeOptionsT()
        )

    def dense(self, source: int, matrix: Any, *, classes: int, bias: float = 0.0) -> int:
        """A product with a matrix [COUNT, classes], of float32 alone."""
        inputs = [
            source,
            self.tensor("matrix", [COUNT, classes], data=matrix),
            self.tensor("bias", [COUNT], data=np.full(COUNT, bias)),
        ]
        return self.operator("FULLY_CONNECTED", inputs, schema.FullyConnectedOptionsT())

    def finish(self, result: int) -> bytes:
        return self.build.finish([self.image], [result])


def plain_softmax(dtype: Type) -> bytes:
    """SOFTMAX."""
    ending = _Ending(dtype)
    return ending.finish(ending.softmax())


def softmax_reshaped(dtype: Type) -> bytes:
    """SOFTMAX, RESHAPE."""
    ending = _Ending(dtype)
    return ending.finish(ending.reshaped(ending.softmax(), [1, 1, COUNT]))


def softmax_transposed(dtype: Type) -> bytes:
    """SOFTMAX, TRANSPOSE, RESHAPE."""
    ending = _Ending(dtype)
    return ending.finish(ending.moved(ending.softmax()))


def softmax_sliced(dtype: Type) -> bytes:
    """SOFTMAX of four, SLICE of three."""
    ending = _Ending(dtype, COUNT + 1)
    begin = ending.build.tensor("begin", [2], "int32", data=[0, 0])
    size = ending.build.tensor("size", [2], "int32", data=[1, COUNT])
    inputs = [ending.softmax(COUNT + 1), begin, size]
    return ending.finish(ending.operator("SLICE", inputs, schema.SliceOptionsT()))


def mean_of_two_softmaxes(dtype: Type) -> bytes:
    """Two SOFTMAX of the same logits, ADD, MUL by a half."""
    ending = _Ending(dtype)
    two = ending.operator("ADD", [ending.softmax(), ending.softmax()], schema.AddOptionsT(), then=(2 / 256, -128))
    half = ending.tensor("half", [1], data=[0.5])
    return ending.finish(ending.operator("MUL", [two, half], schema.MulOptionsT()))


def softmax_quantised(dtype: Type) -> bytes:
    """SOFTMAX, QUANTIZE to uint8."""
    ending = _Ending(dtype)
    out = ending.build.tensor("out", [1, COUNT], "uint8", 1 / 256)
    return ending.finish(ending.build.operator("QUANTIZE", [ending.softmax()], out, version=2))


def softmax_merged(dtype: Type) -> bytes:
    """SOFTMAX of four, FULLY_CONNECTED that adds the fourth's to the first's."""
    ending = _Ending(dtype, COUNT + 1)
    matrix = np.eye(COUNT, COUNT + 1)
    matrix[0, COUNT] = 1
    return ending.finish(ending.dense(ending.softmax(COUNT + 1), matrix, classes=COUNT + 1))


def one_hot(dtype: Type) -> bytes:
    """SOFTMAX so steep that one score is 1, ADD of zero, which tells nothing."""
    ending = _Ending(dtype)
    zero = ending.tensor("zero", [1], data=[0.0])
    return ending.finish(ending.operator("ADD", [ending.softmax(beta=10_000), zero], schema.AddOptionsT()))


def sigmoid(dtype: Type) -> bytes:
    """LOGISTIC."""
    ending = _Ending(dtype)
    return ending.finish(ending.operator("LOGISTIC", [ending.logits]))


def product_of_sigmoids(dtype: Type) -> bytes:
    """LOGISTIC, squared by MUL."""
    ending = _Ending(dtype)
    each = ending.operator("LOGISTIC", [ending.logits])
    return ending.finish(ending.operator("MUL", [each, each], schema.MulOptionsT()))


def plain_logits(dtype: Type) -> bytes:
    """Logits."""
    ending = _Ending(dtype)
    return ending.finish(ending.logits)


def logits_halved(dtype: Type) -> bytes:
    """Logits, MUL by a half."""
    ending = _Ending(dtype)
    half = ending.tensor("half", [1], data=[0.5])
    return ending.finish(ending.operator("MUL", [ending.logits, half], schema.MulOptionsT(), then=(LOGIT_SCALE, 0)))


def logits_of_0_to_1(dtype: Type) -> bytes:
    """Logits that are 0..1 for every image, though their sum varies; their bias comes as an ADD."""
    ending = _Ending(dtype, scaled=0.04)
    bias = ending.tensor("bias", [1], data=[0.4])
    return ending.finish(ending.operator("ADD", [ending.logits, bias], schema.AddOptionsT()))


def logs(dtype: Type) -> bytes:
    """The logarithm of logits, which is no number where they are below 0."""
    ending = _Ending(dtype)
    return ending.finish(ending.build.operator("LOG", [ending.logits], ending.tensor("logs", [1, COUNT])))
