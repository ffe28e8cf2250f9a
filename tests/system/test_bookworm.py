"""Debian 12: Python 3.11, numpy 1, an older systemd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.machine import see, take_away

if TYPE_CHECKING:
    from tests.system.machine import Machine

SUITE = "bookworm"
PROCESSORS = 1
pytestmark = pytest.mark.timeout(1200)


def test_it_runs_on_the_systems_python_and_keeps_its_numpy(machine: Machine) -> None:
    program = "import numpy, sys; print(numpy.__version__, sys.version)"
    ours, theirs = (
        machine.guest.run(f"{python} -c '{program}'") for python in ("/opt/edgecam/current/bin/python", "python3")
    )
    assert ours == theirs
    assert ours.startswith("1.")


def test_it_is_exposed_as_little_as_systemd_can_tell(machine: Machine) -> None:
    last = machine.guest.run("systemd-analyze security edgecam --no-pager | tail -1")
    assert float(last.partition("edgecam.service: ")[2].split()[0]) <= 2.0, last


def test_a_camera_makes_events(machine: Machine) -> None:
    with machine.listen() as subscriber:
        machine.plug_camera_in()
        see(machine, subscriber, "red")
        take_away(machine, subscriber, "red")


def test_it_is_started_anew_when_it_is_killed(machine: Machine) -> None:
    with machine.listen() as subscriber:
        subscriber.wait_for_topic("stats")
        machine.guest.run("systemctl kill --signal KILL edgecam")
        subscriber.wait_for_topic("availability", b"offline")
        subscriber.wait_for_topic("availability", b"online")


def test_uninstalling_leaves_the_configuration_only(machine: Machine) -> None:
    machine.guest.run("make -C edgecam uninstall")
    left = "find / -xdev -path /root -prune -o -path /var/log -prune -o -iname '*edgecam*' -print"
    assert machine.guest.run(left) == "/etc/edgecam"
