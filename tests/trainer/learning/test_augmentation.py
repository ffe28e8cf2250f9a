"""Other views of a photograph."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainer.pictures import picture
from trainer.learning.augmentation import augment


def test_a_view_is_an_image_of_the_same_kind() -> None:
    view = augment(picture("red", 0), np.random.default_rng(0))
    assert view.dtype == np.uint8
    assert view.shape == (64, 64, 3)


def test_the_seed_decides_the_view() -> None:
    image = picture("red", 0)
    first, again, other = (augment(image, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_colours_stay_what_they_are(colour: str) -> None:
    image = picture(colour, 0)
    strongest = ["red", "green", "blue"].index(colour)
    for seed in range(30):
        view = augment(image, np.random.default_rng(seed)).astype(int)
        middle = view[16:48, 16:48].mean((0, 1))
        assert middle.argmax() == strongest
