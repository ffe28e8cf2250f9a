"""The daemon finds out how its model runs fastest, while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from tests import tflite
from tests.broker import Mosquitto, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon

MEASURED = "an inference when it was measured"


@pytest.fixture
def options(mosquitto: Mosquitto, red_clip: Path, tmp_path: Path) -> dict[str, object]:
    return {
        "mqtt.port": mosquitto.port,
        "camera.source": red_clip,
        "camera.loop": "true",
        "camera.realtime": "true",
        "stats.interval": 1,
        "model.path": tflite.saved(tmp_path, tflite.hard_classifier()),
        "model.runtime": "auto",
        "model.graph": "auto",
        "model.threads": "auto",
    }


def test_the_first_start_measures_and_later_ones_know(
    options: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    first = start_daemon(options)
    assert "rewritten graph" in first.wait_for_log(MEASURED)
    assert any("original graph, 1 thread" in line and MEASURED not in line for line in first.log)
    first.terminate()
    first.wait()
    assert MEASURED in start_daemon(options).wait_for_log("model ")


def test_frames_and_an_open_event_go_on_while_the_way_is_changed(
    mosquitto: Mosquitto, options: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon(options)
        daemon.wait_for_log(MEASURED)
        subscriber.wait_for_topic("stats")
        stats = subscriber.wait_for_topic("stats").json
        daemon.terminate()
        messages = subscriber.until_offline()
    kinds = [message.json["type"] for message in messages if message.topic.endswith("/events")]
    assert kinds == ["new", "end"]
    assert stats["fps"] > 0


def test_a_reload_that_comes_meanwhile_waits_for_it(
    options: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    daemon = start_daemon(options)
    daemon.wait_for_log("first frame")
    daemon.reload()
    daemon.wait_for_log("reloaded: ")
    assert any(MEASURED in line for line in daemon.log)


def test_a_stop_does_not_wait_for_it(options: dict[str, object], start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon(options)
    daemon.wait_for_log("first frame")
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    daemon.terminate()
    assert daemon.wait() == 0
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_a_stop_that_stops_the_trial_too_is_no_trouble(
    options: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    """As systemd does it: all processes of the service are told."""
    daemon = start_daemon(options)
    daemon.wait_for_log("first frame")
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    daemon.terminate()
    for child in children:
        child.terminate()
    assert daemon.wait() == 0
    assert not any("WARNING" in line and "model" in line for line in daemon.log)
