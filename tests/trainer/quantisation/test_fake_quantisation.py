"""The copy of a network that rounds as an int8 model will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from ai_edge_litert.interpreter import Interpreter

from tests.trainer import pictures
from trainer.network.backbones import NAMES, backbones
from trainer.network.classifier import classifier, without_rescaling
from trainer.network.weights import load_weights
from trainer.quantisation.conversion import convert
from trainer.quantisation.fake_quantisation import fold, forward, ranges, rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.network.classifier import Normalised

SIZE = 64


def a_network(name: str) -> Normalised:
    """A classifier whose BatchNormalization is not that of a new one."""
    backbone = backbones()[name]
    keras.utils.set_random_seed(0)
    model = classifier(backbone.build(SIZE), backbone, 3, dropout=0.0)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([weight * rng.uniform(0.8, 1.2, weight.shape) for weight in layer.get_weights()])
    return without_rescaling(model)


@pytest.fixture(scope="module")
def trained() -> Normalised:
    """A network whose numbers are those of a real one."""
    backbone = backbones()["efficientnet_lite0"]
    features = backbone.build(SIZE)
    load_weights(features, backbone, "imagenet")
    keras.utils.set_random_seed(0)
    return without_rescaling(classifier(features, backbone, 3, dropout=0.0))


def images(network: Normalised, count: int = 12) -> NDArray[Any]:
    pixels = [pictures.picture(pictures.CLASSES[number % 3], number) for number in range(count)]
    return ((np.array(pixels) - network.mean) / network.std).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_folding_changes_nothing(name: str) -> None:
    network = a_network(name)
    folded = fold(network.network)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)
    assert np.allclose(folded(images(network)), network.network(images(network)), atol=1e-4)


def test_clipped_ranges_lie_within_whole_ones() -> None:
    network = a_network("mobilenet_v3_small")
    folded = fold(network.network)
    whole, clipped = (ranges(folded, images(network), clipped=each) for each in (False, True))
    assert whole.keys() == clipped.keys()
    for name, full in whole.items():
        assert min(full.low, 0) <= clipped[name].low <= 0 <= clipped[name].high <= max(full.high, 1e-6)
    assert whole != clipped


def test_rounding_changes_scores_a_little(trained: Normalised) -> None:
    folded = fold(trained.network)
    rounded = rounding(folded, ranges(folded, images(trained), clipped=False))
    difference = np.abs(np.asarray(rounded(images(trained))) - np.asarray(folded(images(trained))))
    assert 0 < difference.max() < 0.1


def test_the_training_answer_rounds_kernels_too(trained: Normalised) -> None:
    folded = fold(trained.network)
    answer = forward(rounding(folded, {}), trained.mean, trained.std)
    pixels = images(trained) * trained.std + trained.mean
    difference = np.abs(np.asarray(answer(pixels, training=False)) - np.asarray(folded(images(trained))))
    assert 0 < difference.max() < 0.1


def test_it_answers_as_the_int8_model_does(trained: Normalised) -> None:
    folded = fold(trained.network)
    rounded = rounding(folded, ranges(folded, images(trained), clipped=False))
    answer = forward(rounded, trained.mean, trained.std)
    interpreter = Interpreter(model_content=convert(rounded, "int8", images(trained)))
    interpreter.allocate_tensors()
    pixels = images(trained) * trained.std + trained.mean
    for image in pixels:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.rint(image).astype(np.uint8)[np.newaxis])
        interpreter.invoke()
        theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0] / 256
        ours = np.asarray(answer(image[np.newaxis], training=False))[0]
        assert np.abs(ours - theirs).max() < 0.06
