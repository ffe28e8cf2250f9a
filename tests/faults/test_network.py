"""Connections that break in all ways, and brokers that come and go."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edgecam.mqtt.negotiation import OFTEN
from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.conftest import House

FAULTS = 40
RESTARTS = 100


@pytest.fixture
def network(house: House) -> Iterator[Proxy]:
    """What lies between the daemon and its broker."""
    with Proxy(house.broker.port) as network:
        house.settings["mqtt.port"] = network.port
        yield network


@pytest.mark.timeout(600)
def test_nothing_is_lost_on_a_network_that_fails_in_all_ways(house: House, network: Proxy) -> None:
    chance = random.Random(3)  # noqa: S311
    faults = [network.cut, network.half_close, network.swallow, network.refuse, network.slow_down]
    daemon = house.start()
    for _ in range(FAULTS):
        chance.choice(faults)()
        house.pass_time(daemon, chance.uniform(0.1, 3))
        network.heal()
        house.pass_time(daemon, chance.uniform(0.1, 3))
    house.stop(daemon)
    house.settle().check()


@pytest.mark.timeout(600)
def test_nothing_is_lost_with_a_broker_that_restarts_a_hundred_times(house: House) -> None:
    daemon = house.start()
    for _ in range(RESTARTS):
        house.broker.stop()
        house.broker.start()
        house.pass_time(daemon, 0.3)
    house.stop(daemon)
    house.settle().check()


def test_a_half_open_connection_is_noticed_and_made_anew(house: House, network: Proxy) -> None:
    daemon = house.start()
    daemon.wait_for_log("connected")
    network.swallow()
    daemon.wait_for_log("connection lost")
    network.heal()
    daemon.wait_for_log("connected")
    house.stop(daemon)
    house.settle().check()


@pytest.mark.timeout(240)
def test_nothing_is_lost_while_another_client_takes_the_session_over_again_and_again(house: House) -> None:
    daemon = house.start()
    daemon.wait_for_log("connected")
    other = paho.Client(CallbackAPIVersion.VERSION2, "edgecam-porch")
    other.reconnect_delay_set(1, 1)
    other.connect(house.broker.host, house.broker.port)
    other.loop_start()
    line = daemon.wait_for_log("drops us again and again")
    other.disconnect()
    other.loop_stop()
    house.pass_time(daemon, 5)
    house.stop(daemon)
    assert "set camera.name in one of them (here the client is edgecam-porch)" in line
    assert sum("connection lost" in each for each in daemon.log) < OFTEN
    house.settle().check()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can exchange /etc/hosts for one process")
def test_a_name_that_is_not_known_at_boot_is_found_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = house.state.with_name("hosts")
    hosts.write_text("127.0.0.1 localhost\n")
    house.settings["mqtt.host"] = "broker.invalid"
    program = house.state.with_name("python-with-hosts")
    program.write_text(
        f'#!/bin/sh\nexec unshare --mount sh -c \'mount --bind "$0" /etc/hosts; exec "$@"\' {hosts} '
        f'{sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr("tests.command.PYTHON", str(program))
    daemon = house.start()
    daemon.wait_for_log("broker broker.invalid")
    hosts.write_text("127.0.0.1 localhost broker.invalid\n")
    daemon.wait_for_log("connected")
    house.stop(daemon)
    house.settle().check()
