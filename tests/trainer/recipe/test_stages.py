"""What is learnt in which order, at which size and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from hypothesis import given
from hypothesis import strategies as some

from trainer.recipe.settings import Settings
from trainer.recipe.train import EPOCHS, SCRATCH_EPOCHS, small_size, stages


def settings(**chosen: Any) -> Settings:
    return Settings(data=Path(), output=Path(), **chosen)


def test_most_is_learnt_on_small_pictures_and_the_last_at_full_size() -> None:
    small, full = stages(settings(epochs=12), "block3", 1000)
    assert (small.name, small.size, small.epochs) == ("fine-tuning", 160, 10)
    assert (full.name, full.size, full.epochs) == ("fine-tuning at full size", 224, 2)
    assert (small.span[0], small.span[1], full.span[1]) == (0, full.span[0], 1)  # one rise and fall


def test_the_head_alone_learns_only_where_that_is_asked() -> None:
    head, *_ = stages(settings(epochs=12, head_epochs=3), "block3", 1000)
    assert (head.name, head.first_layer, head.epochs) == ("head", "pool", 3)
    assert [each.name for each in stages(settings(epochs=0, head_epochs=3), "block3", 1000)] == ["head"]
    assert stages(settings(epochs=0), "block3", 1000) == ()


def test_a_network_that_knows_nothing_learns_as_a_whole() -> None:
    (stage,) = stages(settings(weights="none"), "block3", 1000)
    assert (stage.first_layer, stage.normalises, stage.size) == (None, True, None)
    assert stages(settings(weights="none", epochs=0), "block3", 1000) == ()


@pytest.mark.parametrize(("weights", "bounds"), [("imagenet", EPOCHS), ("none", SCRATCH_EPOCHS)])
def test_many_pictures_need_fewer_rounds(weights: str, bounds: tuple[int, int]) -> None:
    rounds = [
        sum(each.epochs for each in stages(settings(weights=weights), "block3", shown)) for shown in (10, 1000, 10**6)
    ]
    assert rounds[0] == bounds[1] > rounds[1] > rounds[2] == bounds[0]


@given(some.integers(32, 1024), some.integers(0, 100), some.integers(0, 3))
def test_all_epochs_are_had_and_the_last_are_at_full_size(size: int, epochs: int, head: int) -> None:
    made = stages(settings(size=size, epochs=epochs, head_epochs=head), "block3", 1000)
    assert sum(each.epochs for each in made) == epochs + head
    assert all(each.epochs > 0 for each in made)
    if epochs:
        assert (made[-1].size, made[-1].span[1]) == (size, 1)
    assert 32 <= small_size(size) <= size
