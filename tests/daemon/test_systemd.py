"""What systemd is told, on a socket as its own."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.daemon.systemd import BEATS, Heartbeat, Manager
from edgecam.logs import JournalFormatter
from tests.command import WAIT_S, as_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker import Mosquitto


class Listener:
    """Systemd's side of the socket."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(WAIT_S)

    def wait_for(self, assignment: str) -> list[str]:
        """Everything that is told up to an assignment."""
        told: list[str] = []
        while assignment not in told:
            told += self._socket.recv(4096).decode().splitlines()
        return told

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "notify")
    yield listener
    listener.close()


def run(listener: Listener, state: Path, settings: dict[str, object], **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "edgecam", "run", "--config", os.devnull, *as_options(settings)]
    more = {"NOTIFY_SOCKET": listener.address, "STATE_DIRECTORY": str(state), **environment}
    return subprocess.Popen(command, env={**os.environ, **more}, stderr=subprocess.DEVNULL)


def test_it_is_ready_when_the_first_frame_is_classified_and_then_beats(
    listener: Listener, tmp_path: Path, mosquitto: Mosquitto, colour_clip: Path, colour_model: Path
) -> None:
    settings = {
        "camera.source": colour_clip,
        "camera.loop": "true",
        "model.path": colour_model,
        "mqtt.port": mosquitto.port,
    }
    with run(listener, tmp_path, settings, WATCHDOG_USEC="400000") as daemon:
        told = listener.wait_for("READY=1")
        assert "WATCHDOG=1" not in told
        listener.wait_for("WATCHDOG=1")
        listener.wait_for("WATCHDOG=1")
        daemon.terminate()
        listener.wait_for("STOPPING=1")


def test_it_is_ready_when_the_camera_is_known_to_be_missing(
    listener: Listener, tmp_path: Path, mosquitto: Mosquitto, colour_model: Path
) -> None:
    settings = {"camera.source": "/dev/video987", "model.path": colour_model, "mqtt.port": mosquitto.port}
    with run(listener, tmp_path, settings, WATCHDOG_USEC="1000") as daemon:
        assert "STATUS=camera lost" in listener.wait_for("READY=1")
        listener.wait_for("WATCHDOG=1")
        daemon.terminate()


def test_a_manager_that_is_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    Manager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")


@pytest.mark.parametrize(("frame_s", "told"), [(0.1, []), (5.0, [f"WATCHDOG_USEC={BEATS * 5_000_000}"])])
def test_the_watchdog_bears_with_slow_frames(frame_s: float, told: list[str]) -> None:
    manager = Recorder(10.0)
    manager.expect(frame_s)
    assert manager.told == told


def test_without_a_watchdog_none_is_asked_for() -> None:
    manager = Recorder(0.0)
    manager.expect(100.0)
    assert manager.told == []


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert Manager({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_s == 0.0


class Recorder(Manager):
    """A manager that keeps what it is told."""

    def __init__(self, watchdog_s: float) -> None:
        super().__init__({})
        self.watchdog_s = watchdog_s
        self.told: list[str] = []

    def tell(self, *assignments: str) -> None:
        self.told += assignments


@given(
    st.floats(0.01, 100),
    st.lists(st.integers(0, 10_000_000_000), min_size=1, max_size=50).map(sorted),
)
def test_beats_come_in_time_but_never_without_progress(watchdog_s: float, times: list[int]) -> None:
    manager = Recorder(watchdog_s)
    heart = Heartbeat(manager)
    every_ns = watchdog_s * 1e9 / BEATS
    beaten_ns = []
    for now in times:
        before = len(manager.told)
        heart.beat(now)
        beaten_ns += [now] * manager.told[before:].count("WATCHDOG=1")
    assert manager.told[0] == "READY=1"
    assert manager.told.count("READY=1") == 1
    assert all(later - earlier >= every_ns - 1 for earlier, later in pairwise(beaten_ns))
    assert all(any(now - every_ns - 1 <= beat <= now for beat in beaten_ns) for now in times)


def test_a_reload_before_the_first_sign_of_the_camera_makes_us_not_ready() -> None:
    manager = Recorder(0.0)
    manager.reloading()
    manager.reloaded()
    assert manager.told == []
    Heartbeat(manager).beat(0)
    manager.reloading()
    manager.reloaded()
    assert [each.partition("=")[0] for each in manager.told] == ["READY", "RELOADING", "MONOTONIC_USEC", "READY"]


def test_each_line_of_the_journal_begins_with_its_level() -> None:
    record = logging.LogRecord("edgecam", logging.WARNING, "file", 1, "two\nlines", None, None)
    assert JournalFormatter("%(message)s").format(record) == "<4>two\n<4>lines"
