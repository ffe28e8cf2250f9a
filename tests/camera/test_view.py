"""What the model sees of a camera's image."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.fit import BARS, Fit, between_bars, greatest_middle
from edgecam.camera.frames import Frame
from edgecam.camera.view import View, Wanted, wanted_of, whole_of
from edgecam.config import CameraSettings
from edgecam.config.sections import WHOLE


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
    st.tuples(st.integers(2, 40), st.integers(2, 40)),
    st.sampled_from([0, 90, 180, 270]),
    st.tuples(st.floats(0, 0.99), st.floats(0, 0.99), st.floats(0.01, 1), st.floats(0.01, 1)),
    st.sampled_from(get_args(Fit)),
)
def test_any_image_comes_out_at_the_models_size(
    height: int,
    width: int,
    size: tuple[int, int],
    rotation: int,
    crop: tuple[float, float, float, float],
    fit: Fit,
) -> None:
    x, y, part_width, part_height = crop
    part = (x, y, min(part_width, 1 - x), min(part_height, 1 - y))
    view = View(CameraSettings(rotation=rotation, crop=part), size, fit=fit)  # type: ignore[arg-type]
    assert view.of(np.zeros((height, width, 3), np.uint8)).shape == (size[1], size[0], 3)


Pixels = st.integers(2, 5000)
Sizes = st.tuples(Pixels, Pixels)


class TestGreatestMiddle:
    """What ``crop`` leaves of a picture."""

    @given(Sizes, Sizes)
    def test_it_has_the_shape_within_a_pixel_and_is_as_large_as_can_be(
        self, size: tuple[int, int], shape: tuple[int, int]
    ) -> None:
        _, _, width, height = greatest_middle(size, shape)
        assert 1 <= width <= size[0]
        assert 1 <= height <= size[1]
        assert width == size[0] or height == size[1]
        assert abs(width - height * shape[0] / shape[1]) <= 1 or abs(height - width * shape[1] / shape[0]) <= 1

    @given(Sizes, Sizes)
    def test_it_lies_in_the_middle(self, size: tuple[int, int], shape: tuple[int, int]) -> None:
        x, y, width, height = greatest_middle(size, shape)
        assert size[0] - width - 2 * x in {0, 1}
        assert size[1] - height - 2 * y in {0, 1}

    @given(Sizes, st.integers(1, 50))
    def test_all_is_left_of_what_has_the_shape(self, shape: tuple[int, int], times: int) -> None:
        size = shape[0] * times, shape[1] * times
        assert greatest_middle(size, shape) == (0, 0, *size)


class TestBetweenBars:
    """Where ``letterbox`` puts a picture."""

    @given(Sizes, Sizes)
    def test_it_keeps_its_shape_within_a_pixel_and_is_as_large_as_can_be(
        self, size: tuple[int, int], canvas: tuple[int, int]
    ) -> None:
        _, _, width, height = between_bars(size, canvas)
        assert width == canvas[0] or height == canvas[1]
        assert abs(width - height * size[0] / size[1]) <= 1 or abs(height - width * size[1] / size[0]) <= 1

    @given(Sizes, Sizes)
    def test_the_bars_are_even(self, size: tuple[int, int], canvas: tuple[int, int]) -> None:
        x, y, width, height = between_bars(size, canvas)
        assert canvas[0] - width - 2 * x in {0, 1}
        assert canvas[1] - height - 2 * y in {0, 1}

    @given(Sizes, Sizes)
    def test_a_camera_that_has_scaled_it_so_leaves_nothing_to_scale(
        self, size: tuple[int, int], canvas: tuple[int, int]
    ) -> None:
        placed = between_bars(size, canvas)
        assert between_bars(placed[2:], canvas) == placed


@given(
    st.tuples(st.integers(2, 300), st.integers(2, 300)),
    st.tuples(st.integers(2, 64), st.integers(2, 64)),
    st.sampled_from([0, 90, 180, 270]),
    st.sampled_from(["crop", "letterbox"]),
)
def test_a_turned_picture_fits_as_the_upright_one_does(
    size: tuple[int, int], model: tuple[int, int], rotation: int, fit: Fit
) -> None:
    """Within the pixel that an odd rest is off the middle."""
    width, height = size
    ramp = np.mgrid[:height, :width].sum(0) * (120 / (width + height)) + 60
    upright = np.repeat(ramp[..., None].astype(np.uint8), 3, 2)
    turns = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
    taken = cv2.rotate(upright, turns[rotation]) if rotation else upright
    expected = View(CameraSettings(), model, fit=fit).of(upright)
    got = View(CameraSettings(rotation=rotation), model, fit=fit).of(taken)  # type: ignore[arg-type]
    step = 60 / min(size) + 2  # from one pixel to the next, and rounding
    assert np.abs(got.astype(int) - expected).max() <= 2 * step


@given(st.tuples(st.integers(2, 300), st.integers(2, 300)), st.tuples(st.integers(2, 64), st.integers(2, 64)))
def test_a_letterbox_is_grey_beside_the_picture_and_nowhere_else(size: tuple[int, int], model: tuple[int, int]) -> None:
    shown = View(CameraSettings(), model, fit="letterbox").of(np.full((size[1], size[0], 3), 255, np.uint8))
    x, y, width, height = between_bars(size, model)
    expected = np.full((model[1], model[0], 3), BARS, np.uint8)
    expected[y : y + height, x : x + width] = 255
    assert (shown == expected).all()


def test_of_a_wide_picture_the_square_middle_is_seen_and_undistorted() -> None:
    image = np.zeros((120, 200, 3), np.uint8)
    image[:, 40:160] = 255
    assert View(CameraSettings(), (24, 24), fit="crop").of(image).min() == 255
    assert View(CameraSettings(), (24, 24)).of(image).min() == 0


def test_the_middle_is_that_of_the_cameras_crop() -> None:
    image = np.zeros((100, 400, 3), np.uint8)
    image[:, 250:350] = 255
    assert View(CameraSettings(crop=(0.5, 0, 0.5, 1)), (20, 20), fit="crop").of(image).min() == 255


@st.composite
def crops(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x, y = (draw(st.integers(0, 15)) for _ in range(2))
    return x / 16, y / 16, draw(st.integers(1, 16 - x)) / 16, draw(st.integers(1, 16 - y)) / 16


@given(
    rotation=st.sampled_from([0, 90, 180, 270]),
    outer=crops(),
    inner=crops(),
    cropped=st.booleans(),
    turned=st.booleans(),
)
def test_a_part_of_the_upright_picture_is_the_same_whatever_the_camera_has_done(
    *,
    rotation: int,
    outer: tuple[float, float, float, float],
    inner: tuple[float, float, float, float],
    cropped: bool,
    turned: bool,
) -> None:
    camera = CameraSettings(rotation=rotation, crop=outer)  # type: ignore[arg-type]
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    whole = View(camera, (8, 8)).picture(Frame(noise, 0, 0))  # what the camera's crop leaves, upright
    expected = View(CameraSettings(crop=inner), (8, 8)).picture(Frame(whole, 0, 0))
    image = noise
    if cropped:
        image = View(CameraSettings(crop=outer), (8, 8)).picture(Frame(noise, 0, 0))
    if turned:
        image = View(CameraSettings(rotation=rotation), (8, 8)).picture(Frame(image, 0, 0))  # type: ignore[arg-type]
    shown = View(camera, (8, 8), crop=inner).picture(Frame(image, 0, 0, cropped=cropped, turned=turned))
    assert shown.shape == expected.shape
    assert (shown == expected).all()


@given(
    rotation=st.sampled_from([0, 90, 180, 270]),
    camera_crop=crops(),
    parts=st.lists(st.tuples(crops(), st.sampled_from([(8, 8), (24, 12)]), st.sampled_from(get_args(Fit))), min_size=1),
    size=st.sampled_from([(64, 48), (640, 480)]),
)
def test_of_what_is_wanted_no_view_need_be_enlarged_unless_the_picture_is_too_small(
    *,
    rotation: int,
    camera_crop: tuple[float, float, float, float],
    parts: list[tuple[tuple[float, float, float, float], tuple[int, int], Fit]],
    size: tuple[int, int],
) -> None:
    camera = CameraSettings(width=size[0], height=size[1], rotation=rotation, crop=camera_crop)  # type: ignore[arg-type]
    views = [View(camera, model, crop=crop, fit=fit) for crop, model, fit in parts]
    wanted = wanted_of(views)
    if len(views) == 1 and views[0].crop == WHOLE:
        return
    whole = whole_of(camera).size
    assert wanted.size[0] <= whole[0]
    assert wanted.size[1] <= whole[1]
    for view in views:
        part = wanted.size[0] * view.crop[2], wanted.size[1] * view.crop[3]
        is_enough = part[0] >= view.size[0] - 1 and part[1] >= view.size[1] - 1
        fits = part[0] >= view.size[0] - 1 or part[1] >= view.size[1] - 1  # between bars one side is enough
        assert is_enough or wanted.size == whole or (view.fit == "letterbox" and fits)


def test_several_views_get_a_picture_no_larger_than_they_need() -> None:
    camera = CameraSettings(width=1280, height=960)
    left, right = (View(camera, (160, 120), crop=(x, 0.0, 0.5, 0.5)) for x in (0.0, 0.5))
    assert wanted_of([left, right]) == Wanted((320, 240), least=(320, 240))
    assert wanted_of([View(camera, (160, 120))]) == Wanted((160, 120), least=(160, 120))


def test_people_get_the_part_of_the_view_at_its_full_size() -> None:
    image = np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    view = View(CameraSettings(width=64, height=48), (8, 8), crop=(0.5, 0.0, 0.5, 1.0), keeps=True)
    shown = view.of_frame(Frame(image, 0, 0), "gate")
    assert shown.view == "gate"
    assert shown.original
    assert (view.picture(shown.original) == image[:, 32:]).all()
