"""A small model of each kind that makers give, the files that come with it, and the maker's own way to its scores."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tests import tflite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Prepare = Callable[[NDArray[np.float32]], NDArray[Any]]

SHAPE = (1, 12, 16, 3)
SIZE = (16, 12)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CAFFE = np.array([103.939, 116.779, 123.68])
LINES = "red\ngreen\nblue\n"


@dataclass(frozen=True)
class Made:
    """A model as its maker gives it.

    Attributes:
        content: of the .tflite file.
        prepare: the maker's own way from a picture, float32 [height, width, 3] of RGB in 0..255, to the input.
        name: of the file.
        beside: files that come with it, by name.
        scores: the maker's own way from what comes out to scores.
    """

    content: bytes
    prepare: Prepare
    name: str = "model.tflite"
    beside: Mapping[str, str] = field(default_factory=lambda: {"labels.txt": LINES})
    scores: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda numbers: numbers

    def save(self, folder: Path) -> Path:
        """Write all of it into a folder, and return the model's path."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.beside.items():
            (folder / name).write_text(text)
        (folder / self.name).write_bytes(self.content)
        return folder / self.name

    def expected(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The scores that the maker's own script gives for a picture, uint8 [height, width, 3] of RGB."""
        interpreter = Interpreter(model_content=self.content)
        interpreter.allocate_tensors()
        source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        prepared = self.prepare(picture.astype(np.float32)).astype(source["dtype"])
        interpreter.set_tensor(source["index"], prepared.reshape(source["shape"]))
        interpreter.invoke()
        return self.scores(interpreter.get_tensor(result["index"]).reshape(-1))


def softmax(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of logits."""
    powers = np.exp(numbers - numbers.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _with_file(content: bytes, name: str, text: str) -> bytes:
    archive = io.BytesIO(content)
    with zipfile.ZipFile(archive, "a") as files:
        files.writestr(name, text)
    return archive.getvalue()


INT8 = tflite.means(SHAPE, dtype="int8", scale=1 / 255, zero=-128)
MAKERS: dict[str, Made] = {
    "teachable-machine": Made(
        tflite.means(SHAPE),
        lambda rgb: rgb / 127.5 - 1,
        name="model_unquant.tflite",
        beside={"labels.txt": "0 red\n1 green\n2 blue\n"},
        scores=softmax,
    ),
    "keras-rescaling": Made(tflite.means(SHAPE, [("MUL", 1 / 255), ("ADD", 0.0)]), lambda rgb: rgb),
    "keras-255": Made(tflite.means(SHAPE), lambda rgb: rgb / 255),
    "keras-preprocess": Made(tflite.means(SHAPE), lambda rgb: rgb / 127.5 - 1, scores=softmax),
    "keras-caffe": Made(tflite.means(SHAPE), lambda rgb: rgb[..., ::-1] - CAFFE, scores=softmax),
    "keras-densenet": Made(tflite.means(SHAPE), lambda rgb: (rgb / 255 - MEAN) / STD, scores=softmax),
    "keras-sigmoid": Made(
        tflite.sigmoid(),
        lambda rgb: rgb / 255,
        beside={"labels.txt": "other\nred\n"},
        scores=lambda score: np.array([1 - score[0], score[0]]),
    ),
    "edge-impulse": Made(INT8, lambda rgb: rgb - 128, name="model_int8.tflite"),
    "custom-vision": Made(tflite.means(SHAPE, [("MUL", 1 / 255)]), lambda rgb: rgb[..., ::-1]),
    "automl": Made(tflite.means(SHAPE, dtype="uint8"), lambda rgb: rgb, beside={"dict.txt": LINES}, scores=softmax),
    "yolo": Made(
        _with_file(tflite.means(SHAPE), "metadata.json", '{"names": {"0": "red", "1": "green", "2": "blue"}}'),
        lambda rgb: rgb / 255,
        name="yolo11n-cls_float32.tflite",
        beside={},
    ),
    "pytorch": Made(
        tflite.means((1, 3, 12, 16)),
        lambda rgb: ((rgb / 255 - MEAN) / STD).transpose(2, 0, 1),
        scores=softmax,
    ),
    "lobe": Made(
        tflite.means(SHAPE),
        lambda rgb: rgb / 255,
        beside={"signature.json": '{"classes": {"Label": ["red", "green", "blue"]}}'},
    ),
}
