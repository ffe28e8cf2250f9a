"""Things pasted on grounds, and crops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.negatives.scenes import crop, made_ground, scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = st.integers(0, 2**32 - 1)


def _thing(height: int, width: int) -> NDArray[np.uint8]:
    thing = np.zeros((height, width, 4), np.uint8)
    thing[height // 4 : height - height // 4, width // 4 : width - width // 4] = (255, 0, 0, 255)
    return thing


@given(SEEDS, st.integers(1, 300), st.integers(1, 300), st.integers(1, 3))
def test_the_same_seed_gives_the_same_scene_and_another_than_its_ground(
    seed: int, height: int, width: int, count: int
) -> None:
    def made() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        rng = np.random.default_rng(seed)
        ground = made_ground(64, rng)
        return ground, scene([_thing(height, width)] * count, ground, rng)

    ground, picture = made()
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, made()[1])
    assert (picture != ground).any()


def test_a_thing_is_seen() -> None:
    ground = np.full((64, 64, 3), 128, np.uint8)
    for seed in range(50):
        picture = scene([_thing(100, 100)], ground, np.random.default_rng(seed)).astype(int)
        red = picture[..., 0] - picture[..., 1] > 60
        assert 0.01 < red.mean() < 1


def test_a_thing_of_which_nothing_is_opaque_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing of the thing is opaque"):
        scene([np.zeros((5, 5, 4), np.uint8)], np.zeros((8, 8, 3), np.uint8), np.random.default_rng(0))


@given(SEEDS, st.integers(1, 90), st.integers(1, 90))
def test_a_crop_is_a_part_of_the_photograph(seed: int, height: int, width: int) -> None:
    photograph = np.full((height, width, 3), 200, np.uint8)
    part = crop(photograph, 32, np.random.default_rng(seed))
    assert part.shape == (32, 32, 3)
    assert (part == 200).all()
