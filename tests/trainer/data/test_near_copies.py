"""Near copies are found, and what only looks alike is not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("imagehash", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer import pictures
from trainer.data.looks import Look, look
from trainer.data.near_copies import NearCopies, near_copies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

CLIP = str(Path(__file__).parents[3] / "edgecam/assets/clip.mp4")


@pytest.fixture(scope="module")
def scenes() -> list[Picture]:
    """A frame of the shipped clip every 2.5 seconds."""
    return frames(2.5)


def frames(seconds: float) -> list[Picture]:
    """The shipped clip's frames, so far apart."""
    video = cv2.VideoCapture(CLIP)
    step, shown = round(seconds * video.get(cv2.CAP_PROP_FPS)), []
    for at in range(int(video.get(cv2.CAP_PROP_FRAME_COUNT))):
        _, frame = video.read()
        if at % step == 0:
            shown.append(np.asarray(cv2.cvtColor(cv2.resize(frame, (384, 216)), cv2.COLOR_BGR2RGB), np.uint8))
    return shown


def found(images: Sequence[Picture], labels: Sequence[int] = (), names: Sequence[str] = ()) -> NearCopies:
    count = len(images)
    of = np.array(labels or [0] * count, np.int64)
    return near_copies([look(image) for image in images], of, names or ["some"] * count)


def saved(quality: int) -> Callable[[Picture], Picture]:
    def again(image: Picture) -> Picture:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.array(Image.open(file))

    return again


def scaled(factor: float) -> Callable[[Picture], Picture]:
    return lambda image: np.array(Image.fromarray(image).resize([round(side * factor) for side in image.shape[1::-1]]))


def mirrored(image: Picture) -> Picture:
    return np.ascontiguousarray(image[:, ::-1])


@pytest.mark.parametrize(
    "change",
    [*map(saved, (30, 50, 75, 95)), *map(scaled, (0.25, 0.5, 0.8, 2)), mirrored],
    ids=["q30", "q50", "q75", "q95", "x0.25", "x0.5", "x0.8", "x2", "mirrored"],
)
def test_a_changed_copy_is_of_the_family_of_its_original(
    change: Callable[[Picture], Picture], scenes: list[Picture]
) -> None:
    alone = found(scenes).family
    family = found([*scenes, *map(change, scenes)]).family
    assert np.array_equal(family[: len(scenes)], alone)
    assert np.array_equal(family[len(scenes) :], alone)


def test_different_pictures_are_no_family() -> None:
    different = [pictures.picture(colour, number, 96) for colour in pictures.COLOURS for number in range(30)]
    assert len({*found(different).family.tolist()}) == len(different)


def test_most_neighbouring_frames_are_one_family_whatever_they_are_called() -> None:
    family = found(frames(0.1)).family
    assert (family[1:] == family[:-1]).mean() > 0.85


@pytest.mark.parametrize(("seconds", "share"), [(0.1, 0.99), (0.3, 0.8), (0.5, 0.73)])
def test_more_numbered_frames_are_one_family(seconds: float, share: float) -> None:
    shown = frames(seconds)
    alone = found(shown).family
    family = found(shown, names=[f"clip/frame_{at:05}.jpg" for at in range(len(shown))]).family
    assert (family[1:] == family[:-1]).mean() > max(share, (alone[1:] == alone[:-1]).mean())


def test_numbers_alone_make_no_family() -> None:
    different = [pictures.picture("red", number, 96) for number in range(60)]
    family = found(different, names=[f"IMG_{at:04}.JPG" for at in range(60)]).family
    assert len({*family.tolist()}) == 60


def test_plain_pictures_are_no_family() -> None:
    noise = np.random.default_rng(0)
    walls = [np.clip(noise.normal(level, 3, (100, 100, 3)), 0, 255).astype(np.uint8) for level in (0, 0, 90, 90, 200)]
    assert len({*found([*walls, np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 3), np.uint8)]).family.tolist()}) == 7


def test_like_shapes_of_other_colours_are_no_family() -> None:
    shape = pictures.picture("red", 1, 96)
    other = np.ascontiguousarray(shape[..., ::-1])
    assert len({*found([shape, other]).family.tolist()}) == 2


def test_the_same_picture_under_two_labels_is_known(scenes: list[Picture]) -> None:
    shown = [scenes[1], scenes[3], saved(60)(scenes[1])]
    assert found(shown, [0, 0, 1]).twins == {0: 2, 2: 0}


def test_a_state_that_shows_in_a_small_part_of_a_fixed_cameras_picture_is_not_the_same_picture(
    scenes: list[Picture],
) -> None:
    lamp = scenes[1].copy()
    lamp[100:110, 100:110] = 0
    result = found([scenes[1], lamp], [0, 1])
    assert result.twins == {}
    assert result.family[0] == result.family[1]


def test_all_the_same_under_two_labels_is_known_at_once(scenes: list[Picture]) -> None:
    many: list[Look] = [look(scenes[1])] * 1500
    result = near_copies(many, np.arange(1500) % 2, ["some"] * 1500)
    assert len(result.twins) == 1500
    assert {*result.family.tolist()} == {0}


def test_no_pictures_have_no_copies() -> None:
    assert near_copies([], np.empty(0, np.int64), []).twins == {}
