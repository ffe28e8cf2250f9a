"""SIGKILL at any moment."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import House

KILLS = 100  # in each of two runs, which share the work
RUNNING = 0.7  # of them when it sees something already, and the others at any moment of its start
LIVES_S = (0.0, 2.5)
BROKER_AWAY = 0.3  # of the kills


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_when_it_is_killed_again_and_again(house: House, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    for _ in range(KILLS):
        away = chance.random() < BROKER_AWAY
        if away:
            house.broker.stop()
        daemon = house.start()
        if chance.random() < RUNNING:
            daemon.wait_for_log("online")
        house.pass_time(daemon, chance.uniform(*LIVES_S))
        house.kill(daemon)
        if away:
            house.broker.start()
    ledger = house.settle()
    assert len(ledger.decided) > KILLS
    ledger.check()
