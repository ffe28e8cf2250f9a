"""What a training sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer import pictures
from trainer.errors import InputError
from trainer.recipe.pictures import read_pictures
from trainer.recipe.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_classes_that_are_all_nothing_in_particular_are_refused(tmp_path: Path) -> None:
    data = pictures.data_set(tmp_path / "data", 3, ["blue", "red"])
    (data / "blue").rename(data / "nothing")
    (data / "red").rename(data / "none")
    settings = Settings(data=data, output=tmp_path)
    with pytest.raises(InputError, match=r"all classes \(none, nothing\) are names of nothing in particular"):
        read_pictures(settings, (32, 32), tmp_path)


def test_a_split_of_something_else_is_told_before_photographs_are_read(tmp_path: Path) -> None:
    data = pictures.data_set(tmp_path / "data", 3)
    (tmp_path / "split.json").write_text("{}")
    with pytest.raises(InputError, match="is not one of the trainer's"):
        read_pictures(Settings(data=data, output=tmp_path), (32, 32), tmp_path)
    assert not (tmp_path / "pixels.npy").exists()


def test_the_report_tells_photographs_from_others(tmp_path: Path) -> None:
    data = pictures.data_set(tmp_path / "data", 5)
    settings = Settings(data=data, output=tmp_path)
    before = read_pictures(settings, (32, 32), tmp_path).summary.digest
    assert read_pictures(settings, (48, 48), tmp_path).summary.digest == before
    pictures.save(data / "red", "red", [100])
    assert read_pictures(settings, (32, 32), tmp_path).summary.digest != before
