"""What the model sees of a camera's image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.view import View
from edgecam.config import CameraSettings


def halves(height: int = 40, width: int = 60) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Black on the left, white on the right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


def quarters(view: View) -> list[list[bool]]:
    """Which corners of the view are white."""
    image = view.of(halves())
    return [[bool(image[y, x, 0] > 127) for x in (1, -2)] for y in (1, -2)]


@pytest.mark.parametrize(
    ("rotation", "white"),
    [
        (0, [[False, True], [False, True]]),
        (90, [[False, False], [True, True]]),
        (180, [[True, False], [True, False]]),
        (270, [[True, True], [False, False]]),
    ],
)
def test_images_are_turned_clockwise(rotation: int, white: list[list[bool]]) -> None:
    assert quarters(View(CameraSettings(rotation=rotation), (20, 20))) == white  # type: ignore[arg-type]


def test_a_crop_is_of_the_image_as_the_camera_gives_it() -> None:
    assert View(CameraSettings(crop=(0.5, 0, 0.5, 1)), (8, 8)).of(halves()).min() == 255


def test_fine_patterns_do_not_alias() -> None:
    stripes = np.zeros((448, 448, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(View(CameraSettings(), (112, 112)).of(stripes)) <= 2


@given(
    st.integers(1, 700),
    st.integers(1, 700),
    st.sampled_from([0, 90, 180, 270]),
    st.tuples(st.floats(0, 0.99), st.floats(0, 0.99), st.floats(0.01, 1), st.floats(0.01, 1)),
)
def test_any_image_comes_out_at_the_models_size(
    height: int, width: int, rotation: int, crop: tuple[float, float, float, float]
) -> None:
    x, y, part_width, part_height = crop
    part = (x, y, min(part_width, 1 - x), min(part_height, 1 - y))
    view = View(CameraSettings(rotation=rotation, crop=part), (32, 24))  # type: ignore[arg-type]
    assert view.of(np.zeros((height, width, 3), np.uint8)).shape == (24, 32, 3)
