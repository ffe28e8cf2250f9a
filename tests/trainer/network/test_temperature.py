"""A temperature in the last layer, and the logits before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from hypothesis import given
from hypothesis import strategies as some
from keras import layers

from trainer.network.backbones import backbones
from trainer.network.classifier import classifier
from trainer.network.temperature import logits_of, with_temperature

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZE, CLASSES = 8, 4


def features(image: Any) -> Any:
    return layers.Conv2D(6, 3, activation="relu", name="_seen")(image)


def pooled(image: Any) -> Any:
    return layers.GlobalAveragePooling2D()(features(image))


def of_pooled(*end: keras.Layer) -> keras.Model:
    """A model of these layers after a convolution and a pooling."""
    image = keras.Input((SIZE, SIZE, 3))
    x = pooled(image)
    for layer in end:
        x = layer(x)
    return keras.Model(image, x)


def convolutional() -> keras.Model:
    """As keras.applications ends MobileNetV3."""
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(CLASSES, 1)(layers.GlobalAveragePooling2D(keepdims=True)(features(image)))
    return keras.Model(image, layers.Activation("softmax")(layers.Flatten()(x)))


def averaged() -> keras.Model:
    """As SqueezeNet ends."""
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(CLASSES, 1)(features(image)))
    return keras.Model(image, layers.Softmax()(x))


def nested() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, of_pooled(layers.Dense(CLASSES, activation="softmax"))(image))


def operator() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, keras.ops.softmax(layers.Dense(CLASSES)(pooled(image))))


SOFTMAX: dict[str, Callable[[], keras.Model]] = {
    "activation": lambda: of_pooled(layers.Dense(CLASSES, activation="softmax")),
    "layer Softmax": lambda: of_pooled(layers.Dense(CLASSES), layers.Softmax()),
    "layer Activation": lambda: of_pooled(layers.Dense(CLASSES, use_bias=False), layers.Activation("softmax")),
    "Sequential": lambda: keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), layers.Flatten(), layers.Dense(CLASSES, activation="softmax")]
    ),
    "nested": nested,
    "convolution": convolutional,
    "average of a convolution": averaged,
    "operator": operator,
    "half precision": lambda: of_pooled(layers.Dense(CLASSES, activation="softmax", dtype="mixed_float16")),
}


def images(count: int = 5) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-1, 1, (count, SIZE, SIZE, 3)).astype(np.float32)


def answer(model: keras.Model | None) -> NDArray[np.float64]:
    assert model is not None
    return np.asarray(model(images(), training=False)).astype(np.float64)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers: NDArray[np.float64] = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


@pytest.mark.parametrize("kind", SOFTMAX)
@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_scores_are_those_of_the_logits_divided(kind: str, temperature: float) -> None:
    model = SOFTMAX[kind]()
    before, tolerance = answer(model), 3e-3 if kind == "half precision" else 1e-6
    logits = answer(logits_of(model))
    assert softmax(logits) == pytest.approx(before, abs=tolerance)
    assert answer(with_temperature(model, temperature)) == pytest.approx(softmax(logits / temperature), abs=tolerance)
    assert answer(model) == pytest.approx(before, abs=0)  # its own weights stay


def test_the_sigmoid_of_one_score() -> None:
    for model in (
        of_pooled(layers.Dense(1, activation="sigmoid")),
        of_pooled(layers.Dense(1), layers.Activation("sigmoid")),
    ):
        logits = answer(logits_of(model))
        assert logits.shape == (5, 1)
        assert 1 / (1 + np.exp(-logits / 3)) == pytest.approx(answer(with_temperature(model, 3)), abs=1e-6)


def test_scores_that_are_logits_are_divided() -> None:
    model = of_pooled(layers.Dense(CLASSES))
    assert answer(logits_of(model)) == pytest.approx(answer(model), abs=1e-6)
    assert answer(with_temperature(model, 2)) == pytest.approx(answer(model) / 2, abs=1e-6)


class Doubled(keras.Model):  # type: ignore[misc]  # Keras has no types
    """A model written in Python."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = layers.Dense(CLASSES, activation="softmax")

    def call(self, inputs: Any) -> Any:
        """Answer."""
        return self.scores(layers.Flatten()(inputs))


def in_python() -> keras.Model:
    model = Doubled()
    model(images(1))
    return model


def shared() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 3))
    scores = layers.Dense(6)
    return keras.Model(image, layers.Softmax()(scores(scores(pooled(image)))))


@pytest.mark.parametrize(
    "make",
    [
        in_python,
        shared,
        lambda: of_pooled(layers.Dense(CLASSES, activation="sigmoid")),  # each class by itself
        lambda: of_pooled(layers.Dense(CLASSES), layers.BatchNormalization(), layers.Softmax()),
        lambda: of_pooled(layers.Dense(CLASSES, activation="relu"), layers.Softmax()),
        lambda: of_pooled(layers.Dense(CLASSES, activation="softmax"), layers.Rescaling(0.5)),
        lambda: of_pooled(layers.Softmax()),
    ],
)
def test_another_end_is_left_as_it_is(make: Any) -> None:
    assert with_temperature(make(), 2.0) is None
    assert logits_of(make()) is None


@pytest.fixture(scope="module")
def ours() -> keras.Model:
    backbone = backbones()["mobilenet_v3_small"]
    return classifier(backbone.build(32), backbone, 3, dropout=0.3)


def test_our_own_classifier_keeps_its_layers(ours: keras.Model) -> None:
    made = with_temperature(ours, 1.5)
    assert made is not None
    assert [layer.name for layer in made.layers[1:]] == [layer.name for layer in ours.layers[1:]]
    assert made.name == ours.name
    for before, after in zip(ours.weights[:-2], made.weights[:-2], strict=True):
        assert np.array_equal(before, after)


def test_a_temperature_survives_saving(ours: keras.Model, tmp_path: Any) -> None:
    made = with_temperature(ours, 1.5)
    assert made is not None
    made.save(tmp_path / "model.keras")
    image = np.zeros((1, 32, 32, 3), np.float32)
    assert np.array_equal(keras.models.load_model(tmp_path / "model.keras")(image), made(image))


@given(some.floats(0.05, 20))
def test_the_greatest_score_stays(temperature: float) -> None:
    model = MODEL
    assert np.array_equal(answer(with_temperature(model, temperature)).argmax(1), answer(model).argmax(1))


MODEL = SOFTMAX["activation"]()
