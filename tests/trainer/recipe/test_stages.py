"""Which stages a training has."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.recipe.settings import Settings
from trainer.recipe.train import stages


def told(**chosen: object) -> list[tuple[str, int, int | None]]:
    settings = Settings(data=Path(), output=Path(), **chosen)  # type: ignore[arg-type]
    return [(each.name, each.epochs, each.size) for each in stages(settings, 1000)]


def test_most_is_learnt_on_smaller_pictures() -> None:
    assert told(epochs=10) == [("fine-tuning", 8, 160), ("fine-tuning at full size", 2, 224)]


def test_where_there_is_no_smaller_size_there_is_one_stage() -> None:
    assert told(epochs=10, size=96) == [("fine-tuning", 10, 96)]


def test_a_single_epoch_is_at_full_size() -> None:
    assert told(epochs=1) == [("fine-tuning at full size", 1, 224)]


@pytest.mark.parametrize("weights", ["imagenet", "none"])
def test_no_epochs_are_none(weights: str) -> None:
    assert sum(epochs for _, epochs, _ in told(epochs=0, weights=weights)) == 0
