"""SIGHUP: other settings and another model, while frames go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import clips, tflite
from tests.broker import Mosquitto, Subscriber, events
from tests.settings import as_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.command import Daemon
    from tests.settings import Sections


class Running:
    """A daemon that sees red for ever, its settings file and its subscriber."""

    def __init__(self, daemon: Daemon, subscriber: Subscriber, file: Path, settings: Sections) -> None:
        self.daemon = daemon
        self.subscriber = subscriber
        self._file = file
        self._settings = settings

    def write(self, **changes: dict[str, object]) -> None:
        self._file.write_text(as_toml(self._settings, changes))

    def reload(self, **changes: dict[str, object]) -> None:
        self.write(**changes)
        self.daemon.reload()

    def happens(self, kind: str) -> dict[str, object]:
        return self.subscriber.wait_for_event(kind)

    def stats(self) -> dict[str, dict[str, int]]:
        return dict(self.subscriber.wait_for_topic("stats").json)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tflite.saved(tmp_path, tflite.classifier("uint8"))


@pytest.fixture
def running(
    mosquitto: Mosquitto, start_daemon: Callable[..., Daemon], tmp_path: Path, model: Path, red_clip: Path
) -> Iterator[Running]:
    settings: Sections = {
        "camera": {"name": "porch", "source": str(red_clip), "loop": True, "realtime": True},
        "model": {"path": str(model)},
        "mqtt": {"host": mosquitto.host, "port": mosquitto.port},
        "stats": {"interval": 1.0},
    }
    file = tmp_path / "config.toml"
    file.write_text(as_toml(settings))
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon({}, "--config", str(file))
        running = Running(daemon, subscriber, file, settings)
        running.happens("new")
        yield running


def test_another_threshold_ends_what_no_longer_counts(running: Running) -> None:
    running.reload(events={"thresholds": {"red": 1.0}})
    running.daemon.wait_for_log("reloaded: events")
    assert running.happens("end")["label"] == "red"


def test_a_changed_model_file_goes_on_with_the_open_event(running: Running, model: Path) -> None:
    before = events(running.subscriber.seen)[-1]
    model.write_bytes(tflite.classifier("float32"))
    running.reload()
    running.daemon.wait_for_log("reloaded: the model's file")
    running.reload(events={"thresholds": {"red": 1.0}})
    after = running.happens("end")
    assert after["id"] == before["id"]
    assert after["model"] != before["model"]


def test_a_model_of_another_size_is_shown_what_it_wants(running: Running, model: Path) -> None:
    model.write_bytes(tflite.classifier("uint8", size=(24, 40)))
    running.reload()
    running.daemon.wait_for_log("reloaded: the model's file")
    before = running.stats()["frames"]["classified"]
    assert running.stats()["frames"]["classified"] > before


def test_other_labels_begin_other_events(running: Running, model: Path) -> None:
    model.with_suffix(".txt").write_text("crimson\ngreen\nblue\n")
    running.reload()
    assert running.happens("end")["label"] == "red"
    assert running.happens("new")["label"] == "crimson"


def test_no_frame_is_lost(running: Running, model: Path) -> None:
    model.write_bytes(tflite.classifier("int8"))
    running.reload(events={"hold": 0.0})
    running.daemon.wait_for_log("reloaded: events, the model's file")
    frames = running.stats()["frames"]
    assert frames["captured"] - frames["classified"] <= 2 + frames["dropped"]
    assert frames["dropped"] < 30


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"events": {"threshold": 7.0}}, "events.threshold: expected float <= 1.0, got 7.0"),
        ({"model": {"path": "/nowhere.tflite"}}, "model.path: /nowhere.tflite: no such file or directory"),
        ({"camera": {"source": "nowhere.mp4"}}, "camera.source: nowhere.mp4: no such file"),
        ({"mqtt": {"tls": True, "ca_file": "no.pem"}}, "mqtt.ca_file: no.pem: no such file or directory"),
    ],
)
def test_what_is_wrong_is_refused_and_named_and_all_goes_on(
    running: Running, changes: dict[str, dict[str, object]], line: str
) -> None:
    running.reload(**changes)
    assert line in running.daemon.wait_for_log("reload refused: ")
    before = running.stats()["frames"]["classified"]
    assert running.stats()["frames"]["classified"] > before
    assert [event["type"] for event in events(running.subscriber.seen)] == ["new"]


def test_a_broken_model_is_refused_before_it_is_taken(running: Running, model: Path) -> None:
    model.write_bytes(tflite.classifier()[:700])
    running.reload()
    assert str(model) in running.daemon.wait_for_log("reload refused: ")
    assert running.stats()["frames"]["classified"] > 0


def test_another_source_is_read(running: Running, tmp_path: Path) -> None:
    green = clips.write(tmp_path / "green.avi", [("green", 30)])
    running.reload(camera={"source": str(green)})
    assert running.happens("end")["label"] == "red"
    assert running.happens("new")["label"] == "green"


def test_another_broker_gets_what_comes(running: Running, tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "other") as broker, Subscriber(broker.port) as subscriber:
        running.reload(mqtt={"host": broker.host, "port": broker.port})
        running.subscriber.wait_for_topic("availability", b"offline")
        subscriber.wait_for_topic("availability", b"online")
        assert subscriber.wait_for_topic("state").json["label"] == "red"


def test_another_name_moves_the_topics(running: Running) -> None:
    running.reload(camera={"name": "yard"})
    running.subscriber.wait_for(lambda each: (each.topic, each.payload) == ("edgecam/porch/availability", b"offline"))
    running.subscriber.wait_for(lambda each: (each.topic, each.payload) == ("edgecam/yard/availability", b"online"))


@pytest.mark.parametrize("_repeat", range(3))  # two signals at once: which thread gets them is the kernel's choice
def test_it_can_be_stopped_while_it_reloads(running: Running, model: Path, _repeat: int) -> None:
    model.write_bytes(tflite.classifier("float32"))
    running.reload()
    running.daemon.process.terminate()
    assert running.daemon.wait() == 0


def test_nothing_changed_is_told_so(running: Running) -> None:
    running.reload()
    running.daemon.wait_for_log("reloaded: nothing has changed")
