"""What is done about a loss of accuracy, on real networks that int8 harms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from keras import layers

from tests.trainer import pictures
from tests.trainer.command import trainer
from tests.trainer.networks import SIZE, classifier, colours
from trainer.data.sample import evenly

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
UNHARMED, HARMED = (1.0,), (1.0, 1000.0, 1.0, 1.0, 1.0)


def attempts(output: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((output / "report.json").read_bytes())["attempts"]
    return found


def test_a_network_that_int8_does_not_harm_needs_no_remedy(data: Path, tmp_path: Path) -> None:
    classifier(UNHARMED).save(tmp_path / "model.keras")
    ended = trainer("convert", tmp_path / "model.keras", data, "--output", tmp_path / "out")
    assert ended.code == 0, ended.stderr
    assert [each["kept"] for each in attempts(tmp_path / "out")] == [True]


def test_one_that_it_harms_is_mended(data: Path, tmp_path: Path) -> None:
    classifier(HARMED).save(tmp_path / "model.keras")
    ended = trainer("convert", tmp_path / "model.keras", data, "--output", tmp_path / "out")
    assert ended.code == 0, ended.stderr
    tried = attempts(tmp_path / "out")
    assert [each["kept"] for each in tried] == [False] * (len(tried) - 1) + [True]
    assert len(tried) > 1
    assert [each["chosen"] for each in tried] == [each["kept"] for each in tried]
    assert f"int8, {tried[0]['remedy']}: accuracy on validation" in ended.stderr
    assert "too much; the next remedy is tried" in ended.stderr


def test_where_nothing_helps_it_says_so_and_leaves_the_best(data: Path, tmp_path: Path) -> None:
    classifier((1000.0,) * 8).save(tmp_path / "model.keras")
    ended = trainer("convert", tmp_path / "model.keras", data, "--output", tmp_path / "out")
    assert ended.code == 1, ended.stderr
    line = ended.stderr.splitlines()[-1]
    assert "int8 loses" in line
    assert "nothing that was tried helps; this is the best of" in line
    tried = attempts(tmp_path / "out")
    assert not any(each["kept"] for each in tried)
    assert [each["accuracy"] for each in tried if each["chosen"]] == [max(each["accuracy"] for each in tried)]
    assert (tmp_path / "out" / "model.tflite").exists()


@pytest.mark.parametrize("shape", ["nested", "normalised", "underscored"])
def test_networks_of_other_makers_are_converted_and_mended(data: Path, tmp_path: Path, shape: str) -> None:
    image = keras.Input((SIZE, SIZE, 3), name="_image" if shape == "underscored" else "image")
    x = layers.Rescaling(1 / 255)(image)
    match shape:
        case "nested":  # as users of keras.applications build it
            inner = keras.Input((SIZE, SIZE, 3))
            scores = keras.Model(inner, colours(inner, HARMED), name="backbone")(x)
        case "normalised":  # BatchNormalization with no convolution before it
            scores = colours(layers.BatchNormalization()(x), HARMED)
        case _:  # names that TensorFlow does not take
            first = layers.Conv2D(3, 1, use_bias=False, name="_first")
            scores = colours(first(x), HARMED)
            first.set_weights([np.eye(3, dtype=np.float32).reshape(1, 1, 3, 3)])
    keras.Model(image, scores).save(tmp_path / "model.keras")
    ended = trainer("convert", tmp_path / "model.keras", data, "--output", tmp_path / "out")
    assert ended.code == 0, ended.stderr
    assert attempts(tmp_path / "out")[-1]["kept"]


def test_calibration_images_are_drawn_evenly() -> None:
    labels = np.array([0] * 500 + [1] * 50 + [2] * 10)
    drawn = evenly(labels, np.arange(560), 150, seed=0)
    assert len(set(drawn.tolist())) == 150
    assert np.bincount(labels[drawn]).tolist() == [90, 50, 10]


def test_pictures_of_the_tests_are_told_by_their_colours() -> None:
    model = classifier(UNHARMED)
    images = np.array([pictures.picture(colour, 0, SIZE) for colour in pictures.CLASSES], np.float32)
    assert np.asarray(model(images)).argmax(1).tolist() == [0, 1, 2]
