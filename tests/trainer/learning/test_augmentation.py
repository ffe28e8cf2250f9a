"""Other views of a photograph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.trainer.pictures import picture
from trainer.learning.augmentation import WEAR, augment
from trainer.learning.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from collections.abc import Callable

USUAL = Hyperparameters()


def test_a_view_is_an_image_of_the_same_kind() -> None:
    view = augment(picture("red", 0), np.random.default_rng(0), 48, USUAL)
    assert view.dtype == np.uint8
    assert view.shape == (48, 48, 3)


def test_the_seed_decides_the_view() -> None:
    image = picture("red", 0)
    first, again, other = (augment(image, np.random.default_rng(seed), 64, USUAL) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_colours_stay_what_they_are(colour: str) -> None:
    image = picture(colour, 0)
    strongest = ["red", "green", "blue"].index(colour)
    for seed in range(30):  # most of them: some are dark, or covered in the middle
        view = augment(image, np.random.default_rng(seed), 64, USUAL).astype(int)
        middle = view[16:48, 16:48].mean((0, 1))
        assert middle.argmax() == strongest


def test_without_augmentation_and_mirror_a_photograph_stays_as_it_is() -> None:
    image = picture("red", 0)
    unchanged = Hyperparameters(augment=0, mirror=False)
    for seed in range(5):
        assert np.array_equal(augment(image, np.random.default_rng(seed), 64, unchanged), image)


def test_what_must_not_be_mirrored_is_not() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :20] = 255
    for mirror, sides in ((False, {"left"}), (True, {"left", "right"})):
        chosen = Hyperparameters(augment=0, mirror=mirror)
        views = [augment(image, np.random.default_rng(seed), 64, chosen).mean((0, 2)) for seed in range(20)]
        assert {"left" if view[0] > view[-1] else "right" for view in views} == sides


@pytest.mark.parametrize("wear", WEAR, ids=lambda each: each.__name__)
def test_wear_keeps_the_kind_of_an_image_and_changes_it(wear: Callable[..., Any]) -> None:
    image = picture("green", 1, 200)
    worn = wear(image, np.random.default_rng(3))
    assert (worn.shape, worn.dtype) == (image.shape, np.uint8)
    assert not np.array_equal(worn, image)
