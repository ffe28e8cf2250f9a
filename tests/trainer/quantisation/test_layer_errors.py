"""Which layers suffer from int8."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras

from tests.trainer.networks import SIZE, colours
from trainer.quantisation.layer_errors import LayerError, layer_errors


@pytest.fixture(scope="module")
def errors() -> list[LayerError]:
    """Of a network whose room1 holds a huge number beside the colours."""
    images = np.random.default_rng(0).uniform(0, 255, (20, SIZE, SIZE, 3)).astype(np.float32)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    return layer_errors(keras.Model(image, colours(x, (1.0, 1000.0, 1.0))), images)


def test_the_layer_that_loses_most_comes_first(errors: list[LayerError]) -> None:
    assert "room1" in errors[0].name
    assert errors[0].lost > 0.5
    assert [each.lost for each in errors] == sorted((each.lost for each in errors), reverse=True)


def test_those_that_lose_little_are_near_0(errors: list[LayerError]) -> None:
    assert max(each.lost for each in errors if "out2" in each.name) < 0.01


def test_a_layer_knows_who_takes_its_output(errors: list[LayerError]) -> None:
    assert len(errors[0].users) == 1
    assert "out1" in errors[0].users[0]
