"""Photographs as a camera takes them on a bad day."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer.pictures import picture
from trainer.calibration.robustness import CONDITIONS, JPEG_QUALITY, NOISE, under

GREY = np.full((96, 128, 3), 128, np.uint8)
EDGE = np.hstack([np.zeros((128, 64, 3), np.uint8), np.full((128, 64, 3), 255, np.uint8)])


def test_there_are_the_five_of_the_report() -> None:
    assert list(CONDITIONS) == ["darkness", "noise", "blur", "motion blur", "JPEG"]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("shape", [(64, 64), (17, 240), (1, 1), (224, 200)])
def test_each_gives_another_image_of_the_same_kind_and_leaves_its_own(condition: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    before = image.copy()
    bad = under(condition, image, 0, 0)
    assert bad.dtype == np.uint8
    assert bad.shape == image.shape
    assert np.array_equal(image, before)
    assert bad.flags.c_contiguous


@pytest.mark.parametrize("condition", CONDITIONS)
def test_seed_and_place_decide(condition: str) -> None:
    image = picture("red", 0)
    assert np.array_equal(under(condition, image, 1, 2), under(condition, image, 1, 2))
    if condition in ("darkness", "noise", "motion blur"):
        assert not np.array_equal(under(condition, image, 1, 2), under(condition, image, 1, 3))
        assert not np.array_equal(under(condition, image, 1, 2), under(condition, image, 2, 2))


def test_darkness_takes_away_light_not_colour() -> None:
    bad = under("darkness", np.full((64, 64, 3), (200, 128, 60), np.uint8), 0, 0)
    # A quarter of the light of 200, 128 and 60 of 255, by hand through the curve of sRGB.
    assert np.abs(bad.mean((0, 1)) - (106.1, 65.7, 27.5)).max() < 1.5


def test_noise_is_of_its_strength() -> None:
    bad = under("noise", GREY, 0, 0).astype(float)
    assert abs(bad.mean() - 128) < 2
    assert NOISE < bad.std() < 1.6 * NOISE


@pytest.mark.parametrize("condition", ["blur", "motion blur"])
@pytest.mark.parametrize("scale", [2, 3])
def test_blur_grows_with_the_picture(condition: str, scale: int) -> None:
    large = np.asarray(cv2.resize(EDGE, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST), np.uint8)
    small, big = (under(condition, image, 0, 0).astype(float) for image in (EDGE, large))
    shrunk = cv2.resize(big, (EDGE.shape[1], EDGE.shape[0]), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - small).mean() < 1.5
    assert np.abs(small - EDGE).mean() > 0.5


def test_motion_blurs_along_its_line_only() -> None:
    spread = []
    point = np.zeros((101, 101, 3), np.uint8)
    point[50, 50] = 255
    for index in range(8):
        rows, columns = np.nonzero(under("motion blur", point, 0, index)[..., 0])
        across = np.linalg.svd(np.stack([rows, columns], 1) - 50.0, compute_uv=False)
        spread.append(across[1] / across[0])
    assert max(spread) < 0.6


@pytest.mark.parametrize("condition", ["blur", "motion blur", "JPEG"])
def test_brightness_stays(condition: str) -> None:
    assert np.abs(under(condition, GREY, 0, 0).astype(int) - 128).max() <= 1


def test_jpeg_is_what_a_jpeg_of_that_quality_is() -> None:
    image = picture("blue", 1)
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert np.array_equal(under("JPEG", image, 0, 0), cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
