"""Teaching a network, on one that is small enough to learn in a second."""

from __future__ import annotations

import csv
import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from keras import layers

from tests.trainer import pictures
from trainer.errors import DivergenceError, InputError
from trainer.learning.dataset import MOST_WEIGHT, Dataset, class_weights
from trainer.learning.distribution import distribution
from trainer.learning.hyperparameters import Hyperparameters
from trainer.learning.logs import logs
from trainer.learning.training import Stage, Training, inference, predict

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.learning.distribution import Kind

SIZE = 32
WHOLE = Stage("training", None, 8, normalises=True)
FAST = Hyperparameters(
    batch=8, learning_rate=0.01, head_rate=0.01, rate_decay=1.0, average=0.5, augment=0.5, mixup=0.0, dropout=0.0
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Colours, 16 pictures each to learn from and 4 to validate with."""
    pixels = np.array([pictures.picture(colour, number, SIZE) for colour in pictures.CLASSES for number in range(20)])
    labels = np.repeat(np.arange(3), 20)
    validate = np.arange(60) % 20 >= 16
    nobody = np.empty(0, np.int64)
    weights = class_weights(np.bincount(labels))
    return Dataset(pixels, labels, np.flatnonzero(~validate), np.flatnonzero(validate), weights, nobody, nobody)


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
    dataset: Dataset, *stages: Stage, hyperparameters: Hyperparameters = FAST, kind: Kind = "none"
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
    before, after = (training.epochs[place].loss or 0 for place in (1, -1))
    assert after < before
    scores = predict(inference(model), dataset.pixels, dataset.validation)
    assert (scores.argmax(1) == dataset.labels[dataset.validation]).mean() >= 0.9


def test_the_same_seed_gives_the_same_training(dataset: Dataset) -> None:
    first, again = (trained(dataset, WHOLE)[1].epochs for _ in range(2))
    assert [each.validation_loss for each in first] == pytest.approx([each.validation_loss for each in again], rel=1e-4)


def test_what_is_before_the_first_layer_stays_as_it_was(dataset: Dataset) -> None:
    before = network()
    model, _ = trained(dataset, Stage("head", "pool", 2))
    for name in ("conv0", "normalise0", "conv1", "normalise1"):
        pairs = zip(model.get_layer(name).get_weights(), before.get_layer(name).get_weights(), strict=True)
        assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)
    assert not np.array_equal(model.get_layer("scores").get_weights()[0], before.get_layer("scores").get_weights()[0])


def test_batch_normalisation_stays_as_it_was_where_layers_are_tuned(dataset: Dataset) -> None:
    before = network()
    model, _ = trained(dataset, Stage("fine-tuning", "conv1", 2))
    assert not np.array_equal(model.get_layer("conv1").get_weights()[0], before.get_layer("conv1").get_weights()[0])
    pairs = zip(model.get_layer("normalise1").get_weights(), before.get_layer("normalise1").get_weights(), strict=True)
    assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_it_stops_when_nothing_better_comes(dataset: Dataset) -> None:
    _, training = trained(
        dataset, Stage("head", "pool", 50), hyperparameters=Hyperparameters(batch=8, patience=1, head_rate=1e-12)
    )
    assert len(training.epochs) < 50


def test_it_ends_with_the_best_weights(dataset: Dataset) -> None:
    too_fast = msgspec.structs.replace(FAST, learning_rate=0.3, head_rate=0.3)  # it goes up and down
    model, training = trained(dataset, Stage("training", None, 6, normalises=True), hyperparameters=too_fast)
    scores = predict(inference(model), dataset.pixels, dataset.validation)
    likelihood = scores[np.arange(len(scores)), dataset.labels[dataset.validation]]
    loss = -np.log(np.clip(likelihood, 1e-7, 1)).mean()
    assert loss == pytest.approx(min(each.validation_loss for each in training.epochs), rel=1e-3)


def test_what_is_learnt_is_never_worse_than_what_was_there(dataset: Dataset) -> None:
    model, _ = trained(dataset, WHOLE)
    good = [each.copy() for each in model.get_weights()]
    spoilt = msgspec.structs.replace(FAST, learning_rate=1.0, head_rate=1.0)
    training = Training(model, dataset, spoilt, distribution("none"))
    training.run([Stage("fine-tuning", None, 2)])
    assert training.epochs[0].validation_loss < min(each.validation_loss for each in training.epochs[1:])
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(model.get_weights(), good, strict=True))


def test_a_loss_that_is_no_number_is_told(dataset: Dataset) -> None:
    model = network()
    kernel, bias = model.get_layer("scores").get_weights()
    model.get_layer("scores").set_weights([np.full_like(kernel, np.nan), bias])
    with pytest.raises(DivergenceError, match="training 1/8: the loss is no number any more: choose a lower --learn"):
        Training(model, dataset, FAST, distribution("none")).run([WHOLE])


def test_large_pictures_are_learnt_in_parts_to_the_same_end(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, chosen = Stage("fine-tuning", "conv1", 2), msgspec.structs.replace(FAST, average=0.0)
    whole, _ = trained(dataset, stage, hyperparameters=chosen)
    monkeypatch.setattr("trainer.learning.training.STEP_PIXELS", 2 * SIZE**2)
    in_parts, _ = trained(dataset, stage, hyperparameters=chosen)
    pairs = zip(whole.get_weights(), in_parts.get_weights(), strict=True)
    assert all(np.allclose(ours, theirs, atol=0.01) for ours, theirs in pairs)


def test_pictures_may_be_learnt_at_a_smaller_size(dataset: Dataset) -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, 2, activation="relu")(layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D(name="pool")(x)))
    training = Training(model, dataset, FAST, distribution("none"))
    training.run([Stage("small", None, 4, 16, (0.0, 0.5)), Stage("whole", None, 4, SIZE, (0.5, 1.0))])
    assert [each.stage for each in training.epochs] == ["before", *["small"] * 4, *["whole"] * 4]
    assert training.epochs[-1].validation_accuracy >= 0.8


def test_the_curves_are_there_for_other_tools(dataset: Dataset, tmp_path: Path) -> None:
    training = Training(network(), dataset, FAST, distribution("none"), told=logs(tmp_path))
    training.run([Stage("training", None, 2, normalises=True)])
    with (tmp_path / "training.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(
        [each.validation_loss for each in training.epochs[1:]], rel=1e-5
    )
    assert list(tmp_path.rglob("events.out.tfevents.*"))


class TestWhatAnEpochShows:
    """Photographs, and some of the generic pictures."""

    def test_rare_classes_count_more(self) -> None:
        weights = class_weights(np.array([90, 30]))
        assert weights[1] / weights[0] == pytest.approx(3)
        assert (weights * [90, 30]).sum() == pytest.approx(120)

    def test_the_rarest_does_not_count_for_all(self) -> None:
        weights = class_weights(np.array([1000, 1000, 10]))
        assert weights[2] / weights[0] < 10

    @pytest.mark.parametrize("counts", [[1000, 10], [1000, 1000, 10], [1000, 30, 10, 0], [600, 400, 5, 4, 3, 2, 1]])
    def test_no_picture_counts_more_than_is_said(self, counts: list[int]) -> None:
        weights = class_weights(np.array(counts))
        assert weights.max() <= MOST_WEIGHT
        assert (weights * counts).sum() == pytest.approx(sum(counts))

    def test_each_epoch_draws_of_the_background(self, dataset: Dataset) -> None:
        background = np.arange(1000, 2000)
        more = dataclasses.replace(dataset, background=background)
        first, second = (more.epoch(np.random.default_rng(seed)) for seed in (0, 1))
        assert len(first) == more.shown == 48 + 64
        assert set(first) & set(background) != set(second) & set(background)
        assert {*dataset.train.tolist()} < set(first.tolist())


class TestResume:
    """Going on with a training that was stopped."""

    def test_it_gives_what_an_unbroken_one_gives(self, dataset: Dataset, tmp_path: Path) -> None:
        stages = (Stage("head", "pool", 3), Stage("fine-tuning", "conv1", 3))

        class Stopped(Exception):  # noqa: N818
            pass

        class OneThatStops(Training):
            def _save(self, *arguments: Any) -> None:
                super()._save(*arguments)
                if len(self.epochs) == 5:
                    raise Stopped

        broken = OneThatStops(network(), dataset, FAST, distribution("none"), tmp_path)
        broken.fingerprint = "mine"
        with pytest.raises(Stopped):
            broken.run(stages)
        model = network()
        resumed = Training(model, dataset, FAST, distribution("none"), tmp_path)
        assert resumed.resume(tmp_path, "mine")
        resumed.run(stages)
        unbroken, whole = trained(dataset, *stages)
        assert [each.validation_loss for each in resumed.epochs] == pytest.approx(
            [each.validation_loss for each in whole.epochs], rel=1e-4
        )
        pairs = zip(model.get_weights(), unbroken.get_weights(), strict=True)
        assert all(np.allclose(ours, theirs, atol=1e-4) for ours, theirs in pairs)

    def test_where_there_is_none_it_says_so(self, dataset: Dataset, tmp_path: Path) -> None:
        assert not Training(network(), dataset, FAST, distribution("none")).resume(tmp_path, "mine")

    def test_another_training_is_refused(self, dataset: Dataset, tmp_path: Path) -> None:
        training = Training(network(), dataset, FAST, distribution("none"), tmp_path)
        training.fingerprint = "mine"
        training.run([Stage("head", "pool", 1)])
        with pytest.raises(InputError, match="of a training with other settings or photographs"):
            Training(network(), dataset, FAST, distribution("none")).resume(tmp_path, "other")
