"""A little of ``make fuzz`` at every commit: the same damaged inputs each time."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import forked, targets
from tests.fuzz.mutations import mutated

COUNT = 20


@pytest.mark.parametrize("name", targets.seeds())
def test_damaged_inputs_are_taken_or_refused_in_words(name: str) -> None:
    target, seeds = targets.seeds()[name]
    chance = random.Random(7)  # noqa: S311
    outcomes = {forked.outcome(target, mutated(seeds, chance)) for _ in range(COUNT)}
    assert outcomes <= forked.FINE


@pytest.mark.parametrize("name", targets.seeds())
def test_good_inputs_are_taken(name: str) -> None:
    target, seeds = targets.seeds()[name]
    assert "taken" in {forked.outcome(target, seed) for seed in seeds}
