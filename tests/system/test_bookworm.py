"""Debian 12: Python 3.11, numpy 1, an older systemd; a broker that fails, and an upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.machine import happens, see, take_away

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
    assert machine.exposure() <= 2.0


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


class TestBroker:
    """The broker stops and starts."""

    def test_events_wait_for_a_broker_that_is_away(self, machine: Machine) -> None:
        with machine.listen("broker") as subscriber:
            subscriber.wait_for_topic("stats")
            machine.guest.run("systemctl stop mosquitto")
            machine.show("red")
            machine.wait_for_status("sees red")
            machine.show("white")
            machine.wait_for_status("sees nothing it knows")
            machine.guest.run("systemctl start mosquitto")
            happens(subscriber, "new", "red")
            happens(subscriber, "end", "red")

    def test_the_password_is_a_credential_that_only_root_can_read(self, machine: Machine) -> None:
        guest = machine.guest
        guest.run("mosquitto_passwd -b -c /etc/mosquitto/passwords porch s3cret-word")
        guest.run("chown mosquitto /etc/mosquitto/passwords")
        guest.write(
            "/etc/mosquitto/conf.d/inside.conf",
            "per_listener_settings true\nlistener 1884 127.0.0.1\npassword_file /etc/mosquitto/passwords\n",
        )
        guest.write("/etc/mosquitto/conf.d/outside.conf", "listener 1883\nallow_anonymous true\n")
        guest.run("systemctl restart mosquitto")
        guest.run("install -m 600 /dev/null /etc/edgecam/mqtt-password")
        guest.write("/etc/edgecam/mqtt-password", "s3cret-word\n")
        try:
            with machine.logging("broker localhost:1884: connected"):
                machine.configure(mqtt={"port": 1884, "username": "porch"})
            assert "s3cret-word" not in guest.run(
                f"cat /proc/{machine.main_pid()}/environ; journalctl -u edgecam; ps ax"
            )
        finally:
            guest.run("rm /etc/mosquitto/conf.d/inside.conf /etc/edgecam/mqtt-password; systemctl restart mosquitto")
            machine.configure()


def test_installing_again_upgrades_and_keeps_the_settings(machine: Machine) -> None:
    guest = machine.guest
    before, settings = guest.run("readlink /opt/edgecam/current"), guest.run("cat /etc/edgecam/config.toml")
    guest.run("sed -i 's/^__version__ = .*/__version__ = \"0.1.1\"/' edgecam/edgecam/__init__.py")
    assert "edgecam: 0.1.1 runs" in guest.run("make -C edgecam install 2>&1")
    assert guest.run("cat /etc/edgecam/config.toml") == settings
    assert guest.run("ls -d /opt/edgecam/2*") == guest.run("readlink /opt/edgecam/current") != before
    with machine.listen() as subscriber:
        see(machine, subscriber, "red")


def test_uninstalling_leaves_the_configuration_only(machine: Machine) -> None:
    assert machine.uninstall() == "/etc/edgecam"
