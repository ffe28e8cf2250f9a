"""``edgecam forget``: a camera that is gone leaves no trace at the broker."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.broker import Mosquitto, Subscriber, free_port
from tests.command import edgecam

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon

TOLD = "edgecam/porch/availability"
ANNOUNCED = "homeassistant/device/edgecam_porch/config"


def forget(name: str, port: int, *options: object) -> subprocess.CompletedProcess[str]:
    return edgecam("forget", name, "--config", os.devnull, "--broker", f"127.0.0.1:{port}", *options)


def kept(port: int) -> dict[str, bytes]:
    """What a broker keeps: whoever subscribes is sent it before a message of his own."""
    with Subscriber(port, topic="#") as subscriber:
        subscriber.publish("edgecam/marker", b"?")
        subscriber.wait_for(lambda message: message.topic == "edgecam/marker")
        return {message.topic: message.payload for message in subscriber.seen if message.retain}


def keep(port: int, messages: dict[str, str]) -> None:
    for topic, payload in messages.items():
        subprocess.run(["mosquitto_pub", "-p", str(port), "-q", "1", "-r", "-t", topic, "-m", payload], check=True)


def test_a_camera_that_was_there_leaves_nothing(
    mosquitto: Mosquitto, porch: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon({**porch, "stats.interval": 1})
        subscriber.wait_for_event("new")
        subscriber.wait_for_topic("stats")
    keep(mosquitto.port, {"edgecam/garden/availability": "offline", "edgecam/porch/model/set": "{}"})
    daemon.terminate()
    assert daemon.wait() == 0
    before = kept(mosquitto.port)
    assert {ANNOUNCED, "edgecam/porch/state", "edgecam/porch/stats", "edgecam/porch/availability"} < set(before)
    ended = forget("porch", mosquitto.port)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("porch: cleared availability, enabled/state, model/set, state, stats")
    assert ended.stdout.endswith("; Home Assistant's device\n")
    assert kept(mosquitto.port) == {"edgecam/garden/availability": b"offline"}


def test_its_views_are_forgotten_with_it(mosquitto: Mosquitto) -> None:
    keep(mosquitto.port, {f"edgecam/porch/{name}": "x" for name in ("state", "gate/state", "gate/enabled/state")})
    ended = forget("porch", mosquitto.port)
    assert (ended.returncode, ended.stdout) == (0, "porch: cleared gate/enabled/state, gate/state, state\n")
    assert kept(mosquitto.port) == {}


def test_one_that_is_online_is_left_alone_unless_it_is_meant(
    mosquitto: Mosquitto, porch: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        start_daemon(porch)
        subscriber.wait_for_event("new")
    ended = forget("porch", mosquitto.port)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "edgecam: porch is online, and would come back; stop it first, or if it is gone for good, add --force\n"
    )
    assert kept(mosquitto.port)["edgecam/porch/availability"] == b"online"


def test_one_of_which_the_broker_missed_the_end_can_be_forgotten(mosquitto: Mosquitto) -> None:
    keep(mosquitto.port, {"edgecam/porch/availability": "online"})
    assert forget("porch", mosquitto.port).returncode == 1
    ended = forget("porch", mosquitto.port, "--force")
    assert (ended.returncode, ended.stdout) == (0, "porch: cleared availability\n")
    assert kept(mosquitto.port) == {}


def test_a_device_that_only_home_assistant_shows_can_be_forgotten(mosquitto: Mosquitto) -> None:
    keep(mosquitto.port, {ANNOUNCED: "{}"})
    ended = forget("porch", mosquitto.port)
    assert (ended.returncode, ended.stdout) == (0, "porch: cleared no topic; Home Assistant's device\n")
    assert kept(mosquitto.port) == {}


def test_a_name_that_is_none_of_those_there_is_told_in_one_line(mosquitto: Mosquitto) -> None:
    where = f"edgecam: broker 127.0.0.1:{mosquitto.port} knows of no camera proch below edgecam/"
    ended = forget("proch", mosquitto.port)
    assert (ended.returncode, ended.stderr) == (1, f"{where}; it knows of no camera at all\n")
    keep(mosquitto.port, {"edgecam/porch/availability": "offline", "edgecam/garden/availability": "online"})
    ended = forget("proch", mosquitto.port)
    assert (ended.returncode, ended.stderr) == (1, f"{where}; there are: garden, porch\n")


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a\nb"])
def test_a_name_that_no_camera_can_have_clears_nothing(mosquitto: Mosquitto, name: str) -> None:
    keep(mosquitto.port, {"edgecam/porch/availability": "offline"})
    ended = forget(name, mosquitto.port)
    assert ended.returncode == 2
    assert ended.stderr == f"edgecam: {name!r}: expected the name of a camera, without / + #\n"
    assert kept(mosquitto.port) == {"edgecam/porch/availability": b"offline"}


def test_other_base_topics_and_prefixes_are_those_of_the_settings(mosquitto: Mosquitto) -> None:
    keep(
        mosquitto.port,
        {"home/edgecam/porch/availability": "offline", "edgecam/porch/availability": "offline"},
    )
    ended = forget("porch", mosquitto.port, "--set", "mqtt.base=home/edgecam")
    assert (ended.returncode, ended.stdout) == (0, "porch: cleared availability\n")
    assert kept(mosquitto.port) == {"edgecam/porch/availability": b"offline"}


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("user viewer\ntopic read #\n", "does not let us read and write below edgecam/porch/"),
        (
            "user viewer\ntopic read #\ntopic write edgecam/porch/forget\n",
            "does not let us clear edgecam/porch/availability",
        ),
    ],
)
def test_a_broker_that_does_not_let_us_is_told(tmp_path: Path, rules: str, problem: str) -> None:
    (tmp_path / "acl").write_text(f"{rules}user owner\ntopic readwrite #\n")
    (tmp_path / "users").touch(mode=0o600)
    for user in ("viewer", "owner"):
        subprocess.run(["mosquitto_passwd", "-b", tmp_path / "users", user, "secret"], check=True)
    (tmp_path / "password").write_text("secret")
    settings = ("allow_anonymous false", f"password_file {tmp_path}/users", f"acl_file {tmp_path}/acl")
    with Mosquitto(tmp_path / "closed", settings) as broker:
        with Subscriber(broker.port, password=("owner", "secret")) as owner:
            subprocess.run(
                [*f"mosquitto_pub -p {broker.port} -u owner -P secret -r -m offline -t".split(), TOLD],
                check=True,
            )
            owner.wait_for_topic("availability")
        login = ("--set", "mqtt.username=viewer", "--set", f"mqtt.password_file={tmp_path}/password")
        ended = forget("porch", broker.port, *login)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"edgecam: broker 127.0.0.1:{broker.port} {problem}")
    assert ended.stderr.count("\n") == 1


def test_a_broker_that_is_not_there_is_told_in_one_line() -> None:
    port = free_port()
    ended = forget("porch", port)
    problem = "cannot be reached: connection refused; name another with --broker HOST:PORT"
    assert (ended.returncode, ended.stderr) == (1, f"edgecam: broker 127.0.0.1:{port} {problem}\n")
