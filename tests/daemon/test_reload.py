"""SIGHUP: other settings and another model, while frames go on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from tests import clips, tflite
from tests.broker import Mosquitto, Subscriber, events, free_port
from tests.settings import as_toml
from trainer.quantisation.metadata import with_own

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


def test_a_picture_fits_as_the_settings_say_then_as_the_model_does(
    running: Running, model: Path, tmp_path: Path
) -> None:
    wide = np.full((48, 192, 3), clips.BGR["blue"], np.uint8)
    wide[:, 64:128] = clips.BGR["red"]  # the middle of the model's shape
    source: dict[str, object] = {"source": str(clips.write_images(tmp_path / "wide.avi", [wide] * 30, (192, 48)))}
    running.reload(camera=source)
    assert running.happens("new")["label"] == "blue"
    running.reload(camera={**source, "fit": "crop"})
    assert running.happens("new")["label"] == "red"
    running.reload(camera={**source, "fit": "stretch"})
    assert running.happens("new")["label"] == "blue"
    model.write_bytes(with_own(model.read_bytes(), {"fit": "crop"}))
    running.reload(camera=source)
    assert running.happens("new")["label"] == "red"


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


def test_fewer_labels_end_the_open_event_by_its_own_name(running: Running, tmp_path: Path) -> None:
    """With pictures, whose labels were looked up in the next model too."""
    (tmp_path / "six").mkdir()
    labels = ("a", "b", "c", "d", "e", "the last of six")
    six = tflite.saved(tmp_path / "six", tflite.classifier("uint8", classes=6, swapped=True), labels)
    running.reload(privacy={"snapshots": True}, model={"path": str(six)})
    assert running.happens("end")["label"] == "red"
    assert running.happens("new")["label"] == "the last of six"
    assert running.subscriber.wait_for_topic("snapshot/event").json["label"] == "the last of six"
    running.reload(privacy={"snapshots": True})
    ended = running.happens("end")
    assert (ended["label"], ended["index"]) == ("the last of six", 5)
    assert running.happens("new")["label"] == "red"


class TestClocks:
    """Each source has a clock of its own, and that of a file at full speed is far ahead."""

    FULL_SPEED: ClassVar[dict[str, object]] = {"realtime": False, "loop": True}

    def test_a_source_whose_clock_is_behind_is_seen_at_once(self, running: Running, tmp_path: Path) -> None:
        running.reload(camera=self.FULL_SPEED)
        running.happens("end")
        begun = datetime.fromisoformat(str(running.happens("new")["frame_time"]))
        while running.stats()["frames"]["classified"] < 3000:  # more than a minute and a half of the clip's clock
            pass
        green = clips.write(tmp_path / "green.avi", [("green", 30)])
        running.reload(camera={"source": str(green)})
        assert running.happens("end")["label"] == "red"
        seen = running.happens("new")
        assert seen["label"] == "green"
        assert datetime.fromisoformat(str(seen["frame_time"])) - begun < timedelta(seconds=80)

    def test_a_file_that_is_opened_anew_after_a_pause_is_seen_at_once(self, running: Running) -> None:
        running.reload(camera=self.FULL_SPEED)
        running.happens("end")
        running.happens("new")
        while running.stats()["frames"]["classified"] < 3000:
            pass
        running.subscriber.publish("edgecam/porch/enabled/set", b"OFF")
        running.happens("end")
        running.subscriber.publish("edgecam/porch/enabled/set", b"ON")
        running.happens("new")


def test_another_source_is_read(running: Running, tmp_path: Path) -> None:
    green = clips.write(tmp_path / "green.avi", [("green", 30)])
    running.reload(camera={"source": str(green)})
    assert running.happens("end")["label"] == "red"
    assert running.happens("new")["label"] == "green"


def retained(port: int) -> dict[str, bytes]:
    """What a broker keeps for who comes later, less what is another camera's."""
    with Subscriber(port, topic="#") as late:
        late.catch_up()
    return {each.topic: each.payload for each in late.seen if each.retain}


class TestGoingElsewhere:
    """An event ends where it began, and nothing is left behind."""

    def test_another_name(self, mosquitto: Mosquitto, running: Running) -> None:
        running.stats()
        assert "homeassistant/device/edgecam_porch/config" in retained(mosquitto.port)
        with Subscriber(mosquitto.port) as subscriber:
            running.reload(camera={"name": "yard"})
            ended = subscriber.wait_for(lambda each: each.topic == "edgecam/porch/events").json
            begun = subscriber.wait_for(lambda each: each.topic == "edgecam/yard/events").json
        assert [(each["type"], each["camera"], each["label"]) for each in (ended, begun)] == [
            ("end", "porch", "red"),
            ("new", "yard", "red"),
        ]
        assert ended["id"] != begun["id"]
        running.subscriber.wait_for(lambda each: each.topic == "edgecam/yard/stats")
        left = retained(mosquitto.port)
        assert {topic for topic in left if "porch" in topic} == set()
        assert {topic.rpartition("yard/")[2] for topic in left if "/yard/" in topic} >= {
            "availability",
            "state",
            "stats",
        }
        assert "homeassistant/device/edgecam_yard/config" in left

    def test_another_base(self, mosquitto: Mosquitto, running: Running) -> None:
        with Subscriber(mosquitto.port, topic="#") as subscriber:
            running.reload(mqtt={"host": mosquitto.host, "port": mosquitto.port, "base": "home/cameras"})
            ended = subscriber.wait_for(lambda each: each.topic == "edgecam/porch/events").json
            subscriber.wait_for(lambda each: each.topic == "home/cameras/porch/events")
        assert ended["type"] == "end"
        assert not any(topic.startswith("edgecam/") for topic in retained(mosquitto.port))

    def test_another_broker(self, mosquitto: Mosquitto, running: Running, tmp_path: Path) -> None:
        with Mosquitto(tmp_path / "other") as broker, Subscriber(broker.port) as subscriber:
            running.reload(mqtt={"host": broker.host, "port": broker.port})
            assert running.happens("end")["label"] == "red"
            begun = subscriber.wait_for_event("new")
            assert begun["label"] == "red"
            running.subscriber.wait_for_topic("availability", b"")
        assert retained(mosquitto.port) == {}

    def test_another_broker_while_the_one_of_before_is_away(
        self, mosquitto: Mosquitto, running: Running, tmp_path: Path
    ) -> None:
        mosquitto.stop()
        running.daemon.wait_for_log("connection lost")
        with Mosquitto(tmp_path / "other") as broker, Subscriber(broker.port) as subscriber:
            running.reload(mqtt={"host": broker.host, "port": broker.port})
            assert subscriber.wait_for_event("end")["label"] == "red"
            assert subscriber.wait_for_event("new")["label"] == "red"


@pytest.mark.parametrize("_repeat", range(3))  # two signals at once: which thread gets them is the kernel's choice
def test_it_can_be_stopped_while_it_reloads(running: Running, model: Path, _repeat: int) -> None:
    model.write_bytes(tflite.classifier("float32"))
    running.reload()
    running.daemon.process.terminate()
    assert running.daemon.wait() == 0


def test_a_changed_interval_of_stats_does_not_wait_for_the_one_of_before(running: Running) -> None:
    running.reload(stats={"interval": 86_400.0})
    running.daemon.wait_for_log("reloaded: stats")
    running.reload(stats={"interval": 1.0})
    running.daemon.wait_for_log("reloaded: stats")
    running.stats()


class TestOrdersMeanwhile:
    """What is ordered while the settings are read."""

    def test_a_threshold_is_told_when_it_is_in_force(self, running: Running, model: Path) -> None:
        model.write_bytes(tflite.classifier("int8"))  # is never quite sure
        running.reload(events={"hysteresis": 0.0})
        running.subscriber.publish("edgecam/porch/threshold/set", b"1")
        running.subscriber.wait_for_topic("threshold/state", b"1.0")
        running.daemon.wait_for_log("reloaded: ")
        running.happens("end")
        running.subscriber.seen.clear()
        running.stats()
        running.stats()
        assert events(running.subscriber.seen) == []

    def test_a_threshold_that_is_ordered_while_paused_counts_afterwards(self, running: Running) -> None:
        running.subscriber.publish("edgecam/porch/enabled/set", b"OFF")
        running.happens("end")
        running.reload(events={"hysteresis": 0.0})
        running.daemon.wait_for_log("reloaded: events")
        running.subscriber.publish("edgecam/porch/threshold/set", b"1")
        running.subscriber.wait_for_topic("threshold/state", b"1.0")
        running.subscriber.publish("edgecam/porch/enabled/set", b"ON")
        running.subscriber.seen.clear()
        while not running.stats()["fps"]:
            pass
        running.stats()
        assert events(running.subscriber.seen) == []


def test_nothing_changed_is_told_so(running: Running) -> None:
    running.reload()
    running.daemon.wait_for_log("reloaded: nothing has changed")


def test_what_comes_after_the_end_of_a_file_is_for_the_next_start(
    start_daemon: Callable[..., Daemon], tmp_path: Path, model: Path, red_clip: Path
) -> None:
    """The broker is away, so that events of the file that has ended are waited for."""
    settings: Sections = {
        "camera": {"name": "porch", "source": str(red_clip)},
        "model": {"path": str(model)},
        "mqtt": {"host": "127.0.0.1", "port": free_port()},
    }
    file = tmp_path / "config.toml"
    file.write_text(as_toml(settings))
    daemon = start_daemon({}, "--config", str(file), "-v")
    daemon.wait_for_log("event end")
    file.write_text(as_toml(settings, {"camera": {"name": "yard"}}))
    daemon.reload()
    daemon.wait_for_log("not reloaded")
    daemon.terminate()  # nor are the events waited for any longer
    assert daemon.wait() == 0
    assert not list(tmp_path.rglob("*-yard*"))
