"""From a Keras model to a .tflite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from edgecam.model import graph, runtimes, timing
from trainer.network.backbones import backbones
from trainer.network.classifier import classifier, flattened
from trainer.quantisation.conversion import convert, convert_but
from trainer.quantisation.layer_errors import layer_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 16


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = x = keras.Input((SIZE, SIZE, 3))
    for number in range(4):
        x = layers.Conv2D(8, 3, activation="relu", padding="same", name=f"conv{number}")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 1, (20, SIZE, SIZE, 3)).astype(np.float32)


def run(tflite: bytes, image: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    """Scores of 0..1, and the types of all tensors with weights."""
    interpreter = Interpreter(model_content=tflite)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if source["dtype"] == np.uint8:
        scale, zero = source["quantization"]
        image = np.clip(np.rint(image / scale + zero), 0, 255).astype(np.uint8)
    interpreter.set_tensor(source["index"], image[np.newaxis])
    interpreter.invoke()
    scores = interpreter.get_tensor(result["index"])[0]
    scores = scores / 256 if result["dtype"] == np.uint8 else scores
    return scores, [
        np.dtype(each["dtype"]).name for each in interpreter.get_tensor_details() if len(each["shape"]) == 4
    ]


@pytest.mark.parametrize(("to", "tolerance"), [("float32", 1e-5), ("float16", 1e-2), ("int8", 0.05)])
def test_every_format_answers_as_keras_does(
    model: keras.Model, images: NDArray[np.float32], to: Any, tolerance: float
) -> None:
    scores, _ = run(convert(model, to, images), images[0])
    assert scores == pytest.approx(np.asarray(model(images[:1]))[0], abs=tolerance)


def test_float16_takes_half_the_space(model: keras.Model) -> None:
    assert len(convert(model, "float16")) < 0.75 * len(convert(model, "float32"))


def test_int8_is_int8_all_through(model: keras.Model, images: NDArray[np.float32]) -> None:
    assert "float32" not in run(convert(model, "int8", images), images[0])[1]


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_a_model_of_half_precision_is_converted(precision: str) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.GlobalAveragePooling2D(dtype=precision)(layers.Conv2D(4, 3, dtype=precision)(image))
    half = keras.Model(image, layers.Dense(3, activation="softmax", dtype=precision)(x))
    shown = np.random.default_rng(0).uniform(0, 1, (1, SIZE, SIZE, 3)).astype(np.float32)
    scores, _ = run(convert(flattened(half), "float32"), shown[0])
    assert scores == pytest.approx(np.asarray(half(shown))[0].astype(np.float32), abs=0.01)


def test_int8_wants_images(model: keras.Model) -> None:
    with pytest.raises(ValueError, match="int8 needs calibration images"):
        convert(model, "int8")


def test_layers_can_be_left_in_float(model: keras.Model, images: NDArray[np.float32]) -> None:
    worst = [layer_errors(model, images)[0].name]
    scores, types = run(convert_but(model, images, worst), images[0])
    assert "float32" in types
    assert scores == pytest.approx(np.asarray(model(images[:1]))[0], abs=0.05)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mobilenet_v3_large"])
def test_a_mobilenet_v3_of_the_tutorials_recipe_is_rewritten_into_one_piece(name: str) -> None:
    keras.utils.set_random_seed(0)
    backbone, size = backbones()[name], 64
    network = classifier(backbone.build(size), backbone, 3, 0.0)
    noise = np.random.default_rng(0).uniform(0, 255, (20, size, size, 3)).astype(np.float32)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.1  # values as a trained network has them, not the vanishing ones of random weights
    network(noise, training=True)
    content = convert(network, "int8", noise)
    other = graph.rewritten(content)
    assert other
    assert [runtimes.pieces(runtimes.interpreter("litert", each, 1)) > 1 for each in (content, other)] == [True, False]
    assert timing.disagreement(content, other) is None


@pytest.mark.parametrize("lowest", [-400.0, -2.0])
def test_what_a_hard_swish_takes_for_zero_costs_no_levels(images: NDArray[np.float32], lowest: float) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    wide = layers.Conv2D(2, 1, strides=SIZE)  # of one place: a mean over many would hide how it rounds
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layers.Activation("hard_silu")(wide(image))))
    wide.set_weights([np.array([[[[lowest, 0], [0, 20], [0, 0]]]], np.float32), np.array([0, -3], np.float32)])
    exact = np.stack([run(convert(model, "float32"), image)[0] for image in images])
    tflite = convert(model, "int8", images)
    interpreter = Interpreter(model_content=tflite)
    scale, zero = interpreter.get_output_details()[0]["quantization"]
    levels = np.stack([run(tflite, image)[0] for image in images]) * 256
    assert np.abs((levels - zero) * scale - exact)[:, 1].max() < 0.1  # a step of a range from -400 is 1.6
