"""What tells a training from others."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.learning.hyperparameters import Hyperparameters
from trainer.recipe.settings import Settings


def test_whether_photographs_are_mirrored_is_told_as_it_was_chosen() -> None:
    settings = [Settings(data=Path(), output=Path(), mirror=each) for each in ("auto", "always", "never")]
    assert [each.told()["mirror"] for each in settings] == ["auto", "always", "never"]


def test_all_of_the_hyperparameters_are_told() -> None:
    told = Settings(data=Path(), output=Path(), hyperparameters=Hyperparameters(batch=7)).told()
    assert told["batch"] == 7
    assert {*told} > {*Hyperparameters.__struct_fields__}
