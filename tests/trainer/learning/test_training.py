"""Teaching a network, on one that is small enough to learn in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from keras import layers

from tests.trainer import pictures
from trainer.errors import InputError
from trainer.learning.distribution import distribution
from trainer.learning.training import Dataset, Hyperparameters, Stage, Training, class_weights, predict

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.learning.distribution import Kind

SIZE = 32
WHOLE = Stage("training", None, 8, 0.01)
MANNER = Hyperparameters(batch=8)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Colours, 16 pictures each to learn from and 4 to validate with."""
    pixels = np.array([pictures.picture(colour, number, SIZE) for colour in pictures.CLASSES for number in range(20)])
    labels = np.repeat(np.arange(3), 20)
    validate = np.arange(60) % 20 >= 16
    return Dataset(pixels, labels, np.flatnonzero(~validate), np.flatnonzero(validate), class_weights(labels, 3))


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255, name="rescaling")(image)
    for number in range(2):
        x = layers.Conv2D(8, 3, 2, use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(name=f"normalise{number}")(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="scores")(x))


def trained(
    dataset: Dataset, *stages: Stage, hyperparameters: Hyperparameters = MANNER, kind: Kind = "none"
) -> tuple[Any, Training]:
    where = distribution(kind)
    with where.strategy.scope():
        model = network()
    training = Training(model, dataset, hyperparameters, where)
    training.run(stages)
    return model, training


@pytest.mark.parametrize("kind", ["none", "mirrored"])
def test_a_network_that_knows_nothing_learns(dataset: Dataset, kind: Kind) -> None:
    model, training = trained(dataset, WHOLE, kind=kind)
    assert training.epochs[-1].loss < training.epochs[0].loss
    scores = predict(model, dataset.pixels, dataset.validation)
    assert (scores.argmax(1) == dataset.labels[dataset.validation]).mean() >= 0.9


def test_the_same_seed_gives_the_same_training(dataset: Dataset) -> None:
    first, again = (trained(dataset, WHOLE)[1].epochs for _ in range(2))
    assert [each.loss for each in first] == pytest.approx([each.loss for each in again], rel=1e-4)


def test_what_is_before_the_first_layer_stays_as_it_was(dataset: Dataset) -> None:
    before = network()
    model, _ = trained(dataset, Stage("head", "pool", 2, 0.01))
    for name in ("conv0", "normalise0", "conv1", "normalise1"):
        pairs = zip(model.get_layer(name).get_weights(), before.get_layer(name).get_weights(), strict=True)
        assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)
    assert not np.array_equal(model.get_layer("scores").get_weights()[0], before.get_layer("scores").get_weights()[0])


def test_batch_normalisation_stays_as_it_was_where_layers_are_tuned(dataset: Dataset) -> None:
    before = network()
    model, _ = trained(dataset, Stage("fine-tuning", "conv1", 2, 0.01))
    assert not np.array_equal(model.get_layer("conv1").get_weights()[0], before.get_layer("conv1").get_weights()[0])
    pairs = zip(model.get_layer("normalise1").get_weights(), before.get_layer("normalise1").get_weights(), strict=True)
    assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_it_stops_when_nothing_better_comes(dataset: Dataset) -> None:
    _, training = trained(
        dataset, Stage("head", "pool", 50, 1e-12), hyperparameters=Hyperparameters(batch=8, patience=1)
    )
    assert len(training.epochs) < 50


def test_it_ends_with_the_best_weights(dataset: Dataset) -> None:
    model, training = trained(dataset, Stage("training", None, 6, 0.3))  # too fast: it goes up and down
    scores = predict(model, dataset.pixels, dataset.validation)
    likelihood = scores[np.arange(len(scores)), dataset.labels[dataset.validation]]
    loss = -np.log(np.clip(likelihood, 1e-7, 1)).mean()
    assert loss == pytest.approx(min(each.validation_loss for each in training.epochs), rel=1e-3)


def test_rare_classes_count_more() -> None:
    weights = class_weights(np.array([0] * 90 + [1] * 10), 2)
    assert weights[1] / weights[0] == pytest.approx(9)
    assert (weights * [90, 10]).sum() == pytest.approx(100)


class TestResume:
    """Going on with a training that was stopped."""

    def test_it_gives_what_an_unbroken_one_gives(self, dataset: Dataset, tmp_path: Path) -> None:
        stages = (Stage("head", "pool", 3, 0.01), Stage("fine-tuning", "conv1", 3, 0.01))

        class Stopped(Exception):  # noqa: N818
            pass

        class OneThatStops(Training):
            def _save(self, *arguments: Any) -> None:
                super()._save(*arguments)
                if len(self.epochs) == 4:
                    raise Stopped

        broken = OneThatStops(network(), dataset, MANNER, distribution("none"), tmp_path)
        broken.fingerprint = "mine"
        with pytest.raises(Stopped):
            broken.run(stages)
        model = network()
        resumed = Training(model, dataset, MANNER, distribution("none"), tmp_path)
        assert resumed.resume(tmp_path, "mine")
        resumed.run(stages)
        unbroken, whole = trained(dataset, *stages)
        assert [each.loss for each in resumed.epochs] == pytest.approx([each.loss for each in whole.epochs], rel=1e-4)
        pairs = zip(model.get_weights(), unbroken.get_weights(), strict=True)
        assert all(np.allclose(ours, theirs, atol=1e-4) for ours, theirs in pairs)

    def test_where_there_is_none_it_says_so(self, dataset: Dataset, tmp_path: Path) -> None:
        assert not Training(network(), dataset, MANNER, distribution("none")).resume(tmp_path, "mine")

    def test_another_training_is_refused(self, dataset: Dataset, tmp_path: Path) -> None:
        training = Training(network(), dataset, MANNER, distribution("none"), tmp_path)
        training.fingerprint = "mine"
        training.run([Stage("head", "pool", 1, 0.01)])
        with pytest.raises(InputError, match="of a training with other settings or photographs"):
            Training(network(), dataset, MANNER, distribution("none")).resume(tmp_path, "other")
