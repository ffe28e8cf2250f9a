"""What a training has learnt so far, on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from trainer.errors import InputError
from trainer.learning import checkpoint
from trainer.learning.learning_curve import Epoch

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = Epoch("head", 1.0, 0.5, 1.1, 0.4, 3.0)
PROGRESS = checkpoint.Progress("mine", "head", (EPOCH, EPOCH))


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    model = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(4.0)]
    checkpoint.save(tmp_path, PROGRESS, model=model, best=model[:1])
    loaded = checkpoint.load(tmp_path, "mine")
    assert loaded
    progress, groups = loaded
    assert progress == PROGRESS
    assert [array.tolist() for array in groups["model"]] == [[[0, 1, 2], [3, 4, 5]], 4]
    assert len(groups["best"]) == 1


def test_arrays_keep_their_order(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, PROGRESS, model=[np.array(number) for number in range(300)])
    loaded = checkpoint.load(tmp_path, "mine")
    assert loaded
    assert [int(array) for array in loaded[1]["model"]] == list(range(300))


def test_where_nothing_was_saved_there_is_nothing(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path, "mine") is None


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, PROGRESS)
    with pytest.raises(InputError, match="of a training with other settings or photographs; train without --resume"):
        checkpoint.load(tmp_path, "other")


@pytest.mark.parametrize("kept", [0, 10, 200])
def test_a_broken_one_is_refused(tmp_path: Path, kept: int) -> None:
    checkpoint.save(tmp_path, PROGRESS, model=[np.zeros(100)])
    path = tmp_path / checkpoint.FILE
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"checkpoint\.npz: broken .*; delete it and train without --resume"):
        checkpoint.load(tmp_path, "mine")


def test_half_a_file_never_takes_the_place_of_a_whole_one(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, PROGRESS)
    (tmp_path / f"{checkpoint.FILE}.part").write_bytes(b"cut off")
    assert checkpoint.load(tmp_path, "mine")
