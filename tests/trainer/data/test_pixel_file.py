"""Pictures in a file that is used like an array."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.pixel_file import PixelFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = (7, 4, 5, 3)


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, pictures: NDArray[np.uint8]) -> PixelFile:
    made = PixelFile(tmp_path_factory.mktemp("pixels") / "pixels", SHAPE)
    for index, picture in enumerate(pictures):
        made[index] = picture
    return made


@given(st.lists(st.integers(0, SHAPE[0] - 1)) | st.integers(0, SHAPE[0] - 1))
def test_it_gives_what_an_array_gives(file: PixelFile, pictures: NDArray[np.uint8], indices: list[int] | int) -> None:
    wanted = np.array(indices, np.int64)
    assert np.array_equal(file[wanted], pictures[wanted])
    assert file.shape == pictures.shape


@pytest.mark.parametrize("index", [-1, 7, 2**40])
def test_there_is_nothing_beyond_its_end(file: PixelFile, index: int) -> None:
    with pytest.raises(IndexError):
        file[index]


def test_what_was_not_written_is_black(tmp_path: Path) -> None:
    assert not PixelFile(tmp_path / "pixels", SHAPE)[np.arange(7)].any()


@pytest.mark.parametrize("wrong", [np.zeros((5, 4, 3), np.uint8), np.zeros((4, 5, 3), np.float32)])
def test_pictures_of_another_kind_are_refused(tmp_path: Path, wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \(4, 5, 3\)"):
        PixelFile(tmp_path / "pixels", SHAPE)[0] = wrong


def test_room_is_taken_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"space|large") as refused:
        PixelFile(tmp_path / "pixels", (1 << 30, 1 << 10, 1 << 10, 3))
    assert refused.value.errno in (errno.ENOSPC, errno.EFBIG)
