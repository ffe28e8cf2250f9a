"""Which classes mirroring confuses."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.shared import shared
from tests.trainer.calibration.features import Backbone, arrow, mirrored
from tests.trainer.pictures import CLASSES, picture
from trainer.calibration.confusable import mirror_confuses
from trainer.data.photograph_files import read_photograph

EACH = 15


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone()


def test_arrows_to_the_left_and_to_the_right_are_confused(backbone: Backbone) -> None:
    images = [picture("red", number) for number in range(EACH)]
    images += [arrow(direction, number) for direction in (-1, 1) for number in range(EACH)]
    labels = np.repeat([0, 1, 2], EACH)
    plain, turned = backbone.features(images), backbone.features(mirrored(images))
    assert mirror_confuses(plain, turned, labels, 3) == ((1, 2),)


def test_colours_are_not_confused(backbone: Backbone) -> None:
    images = [picture(colour, number) for colour in CLASSES for number in range(EACH)]
    labels = np.repeat(np.arange(len(CLASSES)), EACH)
    assert mirror_confuses(backbone.features(images), backbone.features(mirrored(images)), labels, len(CLASSES)) == ()


def test_clothes_are_not_confused(backbone: Backbone) -> None:
    folders = sorted(shared("data/clothing/train").iterdir())
    files = [(file, label) for label, folder in enumerate(folders) for file in sorted(folder.iterdir())[:10]]
    images = [read_photograph(file)[0] for file, _ in files]
    labels = np.array([label for _, label in files])
    assert mirror_confuses(backbone.features(images), backbone.features(mirrored(images)), labels, len(folders)) == ()


@pytest.mark.parametrize("seed", range(10))
def test_where_mirroring_changes_nothing_nothing_is_named(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), 20)
    hard = rng.normal(0, 1, (80, 16)).astype(np.float32)  # even where a classifier can only guess
    other = rng.normal(0, 1, (80, 16)).astype(np.float32)
    assert mirror_confuses(hard, other, labels, 4) == ()


def test_of_few_pictures_nothing_is_said() -> None:
    features = np.eye(8, dtype=np.float32)
    assert mirror_confuses(features, features[::-1], np.repeat([0, 1], 4), 2) == ()
    assert mirror_confuses(features[:0], features[:0], np.zeros(0, np.int64), 2) == ()


def test_classes_without_enough_pictures_are_left_out() -> None:
    labels = np.array([0] * 20 + [1] * 20 + [2] * 3)
    features = (np.where(labels == 0, -1.0, 1.0)[:, np.newaxis] * np.ones(4)).astype(np.float32)
    assert mirror_confuses(features, -features, labels, 4) == ((0, 1),)
