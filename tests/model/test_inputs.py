"""Pictures in every shape of tensor, and what is no picture."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.camera.frames import Layout
from edgecam.errors import ModelError
from edgecam.model.classifier import Classifier
from edgecam.model.inputs import concrete_shape, image_input
from tests import tflite
from tests.shared import shared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RGB = np.array([200, 100, 20])
RUNTIMES = ["litert", *(["tflite-runtime"] if find_spec("tflite_runtime") else [])]
LABELS = ("red", "green", "blue")


def load(folder: Path, content: bytes, labels: Sequence[str] = LABELS, **settings: object) -> Classifier:
    path = tflite.saved(folder, content, labels)
    return Classifier(config.ModelSettings(path=str(path), scores="probabilities", **settings))  # type: ignore[arg-type]


def picture(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Of one colour, RGB, as OpenCV has it."""
    return np.full((size[1], size[0], 3), RGB[::-1], np.uint8)


SHAPES = {
    "pixels": ((1, 12, 16, 3), ()),
    "planes": ((1, 3, 12, 16), ()),
    "pixels of any batch": ((1, 12, 16, 3), (-1, 12, 16, 3)),
    "planes of any batch": ((1, 3, 12, 16), (-1, 3, 12, 16)),
}
TYPES = {"float32": (0.0, 0), "uint8": (1 / 255, 0), "int8": (1 / 255, -128), "int16": (1 / 32767, 0)}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype", TYPES)
def test_colours_come_in_their_order_in_every_shape(
    tmp_path: Path, runtime: str, kind: str, channels: str, dtype: str
) -> None:
    (shape, signature), (scale, zero) = SHAPES[kind], TYPES[dtype]
    content = tflite.means(shape, dtype=dtype, scale=scale, zero=zero, signature=signature)
    model = load(tmp_path, content, runtime=runtime, channels=channels, pixels="0..1")
    expected = RGB if channels == "rgb" else RGB[::-1]
    assert model.size == (16, 12)
    assert model.scores(picture((16, 12))) == pytest.approx(expected / 255, abs=0.003)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize(("dtype", "pixels"), [*((dtype, "0..1") for dtype in TYPES), ("float32", "imagenet")])
def test_every_layout_shows_the_model_the_same(tmp_path: Path, kind: str, dtype: str, pixels: str) -> None:
    (shape, signature), (scale, zero) = SHAPES[kind], TYPES[dtype]
    content = tflite.means(shape, dtype=dtype, scale=scale, zero=zero, signature=signature)
    image = picture((16, 12))
    for channels in ("rgb", "bgr"):
        model = load(tmp_path, content, channels=channels, pixels=pixels)
        as_i420 = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
        assert model.scores(as_i420, Layout.I420) == pytest.approx(model.scores(image), abs=0.03)


@pytest.mark.parametrize("shape", [(1, 12, 16), (1, 12, 16, 1), (1, 1, 12, 16)])
@pytest.mark.parametrize("dtype", TYPES)
def test_a_grey_picture_needs_no_channels(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    scale, zero = TYPES[dtype]
    model = load(tmp_path, tflite.means(shape, dtype=dtype, scale=scale, zero=zero), ["bright"], pixels="0..1")
    assert model.size == (16, 12)
    grey = RGB @ [0.299, 0.587, 0.114] / 255
    assert model.scores(picture((16, 12))) == pytest.approx([grey], abs=0.01)
    as_i420 = cv2.cvtColor(picture((16, 12)), cv2.COLOR_BGR2YUV_I420)
    assert model.scores(as_i420, Layout.I420) == pytest.approx([grey], abs=0.06)  # its brightness has 219 steps


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("shape", "signature"),
    [
        ((1, 1, 1, 3), (1, -1, -1, 3)),
        ((1, 1, 1, 3), (-1, -1, -1, 3)),
        ((1, 1, 1, 3), ()),
        ((1, 3, 1, 1), (1, 3, -1, -1)),
    ],
)
def test_a_model_of_any_size_gets_the_size_that_is_set(
    tmp_path: Path, runtime: str, shape: tuple[int, ...], signature: tuple[int, ...]
) -> None:
    content = tflite.means(shape, signature=signature)
    assert load(tmp_path, content, runtime=runtime).size == (224, 224)
    model = load(tmp_path, content, runtime=runtime, size=(48, 32))
    assert model.size == (48, 32)
    assert model.scores(picture((48, 32))) == pytest.approx(RGB / 255, abs=0.003)


@pytest.mark.parametrize(("signature", "is_open"), [((-1, 12, 16, 3), False), ((1, -1, -1, 3), True), ((), False)])
def test_it_is_known_whether_the_size_is_open(tmp_path: Path, signature: tuple[int, ...], *, is_open: bool) -> None:
    shape = (1, 1, 1, 3) if is_open else (1, 12, 16, 3)
    assert load(tmp_path, tflite.means(shape, signature=signature)).input.is_open is is_open


def test_whole_numbers_of_32_bits_are_bytes(tmp_path: Path) -> None:
    model = load(tmp_path, tflite.means((1, 12, 16, 3), [("DIV", 255.0)], dtype="int32"))
    assert (model.pixels.name, model.pixels.source) == ("0..255", "graph")
    assert model.scores(picture((16, 12))) == pytest.approx(RGB / 255, abs=0.003)


def test_a_row_of_28_times_28_is_a_digit(tmp_path: Path) -> None:
    model = load(tmp_path, tflite.reshaper((1, 784), image=(1, 784)), [str(place) for place in range(784)])
    assert model.size == (28, 28)
    image = np.zeros((28, 28, 3), np.uint8)
    image[2, 3] = 255
    assert model.scores(image)[2 * 28 + 3] == pytest.approx(1)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_scores_come_in_every_shape(tmp_path: Path, rank: int) -> None:
    model = load(tmp_path, tflite.means((1, 12, 16, 3), rank=rank))
    assert model.scores(picture((16, 12))) == pytest.approx(RGB / 255, abs=0.003)


REFUSED = {
    (1, 49, 10, 1): "[1, 49, 10, 1]: the spectrogram of a sound",
    (1, 49, 40): "[1, 49, 40]: the spectrogram of a sound",
    (1, 40, 49, 1): "[1, 40, 49, 1]: the spectrogram of a sound",
    (1, 44, 13, 1): "[1, 44, 13, 1]: the spectrogram of a sound",
    (1, 128, 3): "[1, 128, 3]: no picture is so narrow (sound or measurements?)",
    (1, 128, 3, 1): "[1, 128, 3, 1]: no picture is so narrow (sound or measurements?)",
    (1, 900, 64, 1): "[1, 900, 64, 1]: no picture is so narrow (sound or measurements?)",
    (1, 16): "[1, 16]: a row of numbers (sound, text or measurements?)",
    (16000,): "[16000]: a row of numbers (sound, text or measurements?)",
    (1, 8, 8, 4): "[1, 8, 8, 4]: 4 channels, expected 1 or 3",
    (8, 32, 32, 3): "[8, 32, 32, 3]: 8 pictures at once; convert it for one",
    (1, 16, 32, 32, 3): "[1, 16, 32, 32, 3]: a video, or several pictures",
    (1, 1, 9000, 3): "[1, 1, 9000, 3]: ",
}


@pytest.mark.parametrize("shape", REFUSED)
def test_what_is_no_picture_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError) as caught:
        load(tmp_path, tflite.reshaper((1, math.prod(shape)), image=shape))
    assert f"no image classifier: its input is {REFUSED[shape]}" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    shape=st.lists(st.integers(0, 6000) | st.sampled_from([1, 1, 3, 28, 224]), max_size=6),
    signature=st.lists(st.integers(-1, 300), max_size=6),
)
def test_any_shape_is_a_picture_or_refused_in_one_line(shape: list[int], signature: list[int]) -> None:
    details: dict[str, Any] = {"index": 0, "dtype": np.uint8, "quantization": (0.0, 0), "shape": np.array(shape, int)}
    concrete = concrete_shape({**details, "shape_signature": np.array(signature, int)}, (64, 48))
    if concrete is not None:
        assert all(length >= 0 for length in concrete[1:])
        details["shape"] = np.array(concrete, int)
    try:
        found = image_input([details])
    except ModelError as error:
        assert "\n" not in str(error)
    else:
        width, height = found.size
        assert width * height * found.channels == math.prod(int(length) for length in details["shape"])


def test_a_model_of_two_pictures_is_refused() -> None:
    details = {"index": 0, "dtype": np.uint8, "quantization": (0.0, 0), "shape": np.array([1, 32, 32, 3])}
    with pytest.raises(ModelError, match=r"2 inputs \[1, 32, 32, 3\], \[1, 32, 32, 3\], expected one picture"):
        image_input([details, details])


@pytest.mark.parametrize("name", ["mnist", "keras_lstm_mnist_ptq", "trained_lstm", "trained_lstm_int8"])
def test_digits_of_strangers_are_read(name: str) -> None:
    folder = shared("models/field/no_channel_28x28")
    model = Classifier(config.ModelSettings(path=str(folder / f"{name}.tflite"), labels=str(folder / "labels.txt")))
    for digit in (0, 7):
        assert int(model.scores(cv2.imread(str(folder / f"{digit}.png"))).argmax()) == digit


def test_a_strangers_model_of_sound_is_refused() -> None:
    with pytest.raises(ModelError, match=r"\[1, 49, 10, 1\]: the spectrogram of a sound"):
        Classifier(config.ModelSettings(path=str(shared("models/field/not_an_image/kws_ref_model_float32.tflite"))))
