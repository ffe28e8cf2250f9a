"""Several views of one camera, from the settings to the broker."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import tomli_w

from edgecam.camera.frame_queue import Feed, FrameQueue, Look
from edgecam.camera.frames import CameraChange, Frame, Notice
from edgecam.config import Config, EventsSettings, ModelSettings, ViewSettings
from edgecam.daemon.inference import Inference, PipelinesChange
from edgecam.daemon.pipeline import changed_pipelines, make_pipelines, refuse
from edgecam.daemon.stats import Stats
from edgecam.errors import ModelError
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.notices import Happened, Switched
from tests import clips, tflite
from tests.broker import Subscriber, events
from tests.clips import BGR
from tests.command import edgecam
from tests.feeds import feed_of_camera
from tests.settings import as_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from edgecam.daemon.pipeline import Pipeline
    from tests.broker import Message, Mosquitto
    from tests.command import Daemon

LEFT, RIGHT = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 0.5, 1.0]
WAIT_S = 30.0


class Running:
    """A daemon whose camera sees red on the left, and green on the right, for ever."""

    def __init__(
        self, file: Path, settings: dict[str, Any], subscriber: Subscriber, start: Callable[..., Daemon]
    ) -> None:
        self.file = file
        self.settings = settings
        self.subscriber = subscriber
        self._start = start
        self._mark = 0

    def write(self, views: list[dict[str, Any]], **changes: dict[str, Any]) -> None:
        text = tomli_w.dumps({"views": views} if views else {})
        self.file.write_text(text + "\n" + as_toml(self.settings, changes))

    def start(self, views: list[dict[str, Any]], **changes: dict[str, Any]) -> Daemon:
        self.write(views, **changes)
        self._mark = len(self.subscriber.seen)
        self.daemon = self._start({}, "--config", str(self.file))
        return self.daemon

    def reload(self, views: list[dict[str, Any]], **changes: dict[str, Any]) -> None:
        self.write(views, **changes)
        self._mark = len(self.subscriber.seen)
        self.daemon.reload()

    def order(self, topic: str, payload: bytes) -> None:
        """Give an order; what is waited for from here on comes after it."""
        self.subscriber.catch_up()
        self._mark = len(self.subscriber.seen)
        self.subscriber.publish(f"edgecam/porch/{topic}", payload)

    def event(self, view: str, kind: str, label: str) -> dict[str, Any]:
        return dict(
            self._wait_for(
                lambda message: (
                    message.topic.endswith("/events")
                    and (message.json["view"], message.json["type"], message.json["label"]) == (view, kind, label)
                )
            ).json
        )

    def state(self, view: str, **wanted: object) -> dict[str, Any]:
        """Wait until the state of a view is as wanted."""
        topic = "/".join(part for part in ("edgecam/porch", view, "state") if part)
        return dict(
            self._wait_for(
                lambda message: (
                    message.topic == topic and bool(message.payload) and wanted.items() <= message.json.items()
                )
            ).json
        )

    def message(self, topic: str) -> Message:
        return self._wait_for(lambda message: message.topic == topic)

    def error(self, view: str) -> str:
        """Wait until a view is out, and return why."""
        topic = f"edgecam/porch/{view}/state"
        message = self._wait_for(lambda message: message.topic == topic and b'"error":"' in message.payload)
        assert message.json["label"] is None
        return str(message.json["error"])

    def wait_for(self, topic: str, payload: bytes) -> None:
        wanted = (f"edgecam/porch/{topic}", payload)
        self._wait_for(lambda message: (message.topic, message.payload) == wanted)

    def _wait_for(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for a message since the last order or change; of different topics any may come first."""
        for message in self.subscriber.seen[self._mark :]:
            if wanted(message):
                return message
        return self.subscriber.wait_for(wanted)


@pytest.fixture
def running(
    mosquitto: Mosquitto, start_daemon: Callable[..., Daemon], tmp_path: Path, colour_model: Path
) -> Iterator[Running]:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = BGR["red"], BGR["green"]
    clip = clips.write_images(tmp_path / "halves.avi", [image] * 30, (64, 48))
    settings: dict[str, Any] = {
        "camera": {"name": "porch", "source": str(clip), "loop": True, "realtime": True},
        "model": {"path": str(colour_model)},
        "mqtt": {"host": mosquitto.host, "port": mosquitto.port},
        "stats": {"interval": 1.0},
    }
    with Subscriber(mosquitto.port) as subscriber:
        yield Running(tmp_path / "config.toml", settings, subscriber, start_daemon)


BOTH = [{"name": "gate", "crop": LEFT}, {"name": "bin", "crop": RIGHT}]


class TestViews:
    """What those outside see."""

    def test_each_has_its_part_of_the_picture_its_events_and_its_figures(self, running: Running) -> None:
        running.start(BOTH)
        assert running.event("gate", "new", "red")["kind"] == "visit"
        running.event("bin", "new", "green")
        running.state("gate", label="red", error=None)
        running.state("bin", label="green")
        running.state("", label=None, event_id=None, camera="online")  # nobody's, but the camera is told there
        stats = running.subscriber.wait_for(
            lambda message: message.topic.endswith("/stats") and message.json["fps"] > 0
        ).json
        assert list(stats["views"]) == ["gate", "bin"]
        for key in ("captured", "dropped", "classified"):
            assert stats["frames"][key] == sum(view["frames"][key] for view in stats["views"].values())
        assert stats["views"]["bin"]["leading"]["label"] == "green"
        assert stats["model"] == stats["views"]["gate"]["model"]

    def test_a_camera_that_gets_a_second_view_keeps_its_first(self, running: Running) -> None:
        running.start([], camera={"crop": LEFT})
        first = running.subscriber.wait_for_event("new")
        assert "view" not in first
        assert "kind" not in first
        running.reload([{}, {"name": "bin"}], camera={"crop": LEFT})
        running.state("bin", label="red")
        running.state("", label="red", event_id=first["id"])  # it goes on
        running.order("bin/enabled/set", b"OFF")
        running.wait_for("bin/enabled/state", b"OFF")
        running.order("enabled/set", b"OFF")
        running.wait_for("enabled/state", b"OFF")

    def test_one_that_goes_is_ended_and_cleared(self, running: Running) -> None:
        daemon = running.start(BOTH)
        began = running.event("bin", "new", "green")
        running.reload(BOTH[:1])
        assert running.event("bin", "end", "green")["id"] == began["id"]
        for topic in ("state", "enabled/state", "threshold/state"):
            running.wait_for(f"bin/{topic}", b"")
        daemon.terminate()
        assert daemon.wait() == 0
        told = events(running.subscriber.until_offline())
        assert [event["type"] for event in told if event["view"] == "bin"].count("end") <= 1

    def test_each_shows_its_part_of_the_picture(self, running: Running) -> None:
        running.start(BOTH, privacy={"snapshots": True})
        running.state("gate", label="red")  # connected: of what was before there is no picture
        for state in (b"OFF", b"ON"):
            running.order("enabled/set", state)
            running.wait_for("enabled/state", state)
        shown = {}
        for view in ("gate", "bin"):
            topic = f"edgecam/porch/{view}/snapshot"
            shown[view] = cv2.imdecode(np.frombuffer(running.message(topic).payload, np.uint8), cv2.IMREAD_COLOR)
        for view, colour in (("gate", "red"), ("bin", "green")):
            assert shown[view].shape == (48, 32, 3)
            assert np.abs(shown[view].astype(int) - BGR[colour]).mean() < 30

    def test_the_frames_of_one_that_comes_back_still_add_up(self, running: Running) -> None:
        running.start(BOTH)
        running.event("bin", "new", "green")
        before = running.subscriber.wait_for(
            lambda message: message.topic.endswith("/stats") and message.json["views"]["bin"]["fps"] > 0
        ).json
        running.reload(BOTH[:1])
        running.event("bin", "end", "green")
        running.reload(BOTH)
        running.event("bin", "new", "green")
        running.daemon.terminate()
        running.daemon.wait()
        running.subscriber.until_offline()
        told = [message.json for message in running.subscriber.seen if message.topic.endswith("/stats")][-1]
        frames = told["views"]["bin"]["frames"]
        assert frames["captured"] > before["views"]["bin"]["frames"]["captured"]
        assert frames["captured"] == frames["dropped"] + frames["classified"]
        assert told["frames"]["classified"] == sum(view["frames"]["classified"] for view in told["views"].values())

    def test_a_view_that_looks_now_and_then_does_not_count_as_a_lost_camera(self, running: Running) -> None:
        running.start([{"name": "gate", "crop": LEFT, "every": 3600.0, "events": {"hold": 0.0}}])
        running.event("gate", "new", "red")
        figures = [running.subscriber.wait_for(lambda message: message.topic.endswith("/stats")).json for _ in range(3)]
        assert figures[-1]["views"]["gate"]["frames"]["captured"] == 1
        running.daemon.terminate()
        assert running.daemon.wait() == 0


class TestOrders:
    """Each view has its own."""

    def test_it_looks_while_it_and_the_camera_are_on(self, running: Running) -> None:
        running.start(BOTH)
        running.event("gate", "new", "red")
        running.event("bin", "new", "green")
        running.order("gate/enabled/set", b"OFF")
        running.event("gate", "end", "red")
        running.wait_for("gate/enabled/state", b"OFF")
        running.order("enabled/set", b"OFF")
        running.event("bin", "end", "green")
        running.wait_for("enabled/state", b"OFF")
        running.order("gate/enabled/set", b"ON")
        running.wait_for("gate/enabled/state", b"ON")
        running.order("enabled/set", b"ON")
        running.event("gate", "new", "red")
        running.event("bin", "new", "green")

    def test_they_outlive_a_restart(self, running: Running) -> None:
        daemon = running.start(BOTH)
        running.event("gate", "new", "red")
        running.order("gate/enabled/set", b"OFF")
        running.order("bin/threshold/set", b"0.3")
        running.wait_for("gate/enabled/state", b"OFF")
        running.wait_for("bin/threshold/state", b"0.3")
        daemon.terminate()
        daemon.wait()
        running.subscriber.until_offline()
        running.start(BOTH)
        running.wait_for("gate/enabled/state", b"OFF")
        running.wait_for("bin/threshold/state", b"0.3")
        running.event("bin", "new", "green")

    def test_the_cameras_threshold_is_for_those_that_have_no_order_of_their_own(self, running: Running) -> None:
        running.start(BOTH, events={"hysteresis": 0.0})
        running.event("gate", "new", "red")
        running.event("bin", "new", "green")
        running.order("gate/threshold/set", b"0.5")
        running.wait_for("gate/threshold/state", b"0.5")
        running.order("threshold/set", b"1.0")
        running.wait_for("bin/threshold/state", b"1.0")
        running.event("bin", "end", "green")
        running.order("gate/threshold/set", b"null")
        running.wait_for("gate/threshold/state", b"1.0")
        running.event("gate", "end", "red")


class TestFaults:
    """A view whose model is refused or fails is out, alone."""

    MISSING = {"name": "bin", "crop": RIGHT, "model": {"path": "/missing.tflite"}}  # noqa: RUF012

    def test_at_the_start_and_at_a_reload_too(self, running: Running) -> None:
        running.start([BOTH[0], self.MISSING])
        running.event("gate", "new", "red")
        assert "no such file" in running.error("bin")
        running.daemon.wait_for_log("views.bin.model: model.path: /missing.tflite: no such file or directory")
        running.reload(BOTH)
        running.event("bin", "new", "green")
        running.state("bin", label="green", error=None)
        running.reload([BOTH[0], self.MISSING])
        running.event("bin", "end", "green")
        assert "no such file" in running.error("bin")
        running.order("gate/enabled/set", b"OFF")
        running.event("gate", "end", "red")  # it has gone on

    def test_a_label_for_home_assistant_that_no_view_sees_is_told(self, running: Running) -> None:
        shown = {"labels": ["red", "gren"]}
        daemon = running.start(BOTH, homeassistant=shown)
        daemon.wait_for_log("homeassistant.labels: no view sees a label 'gren'; did you mean 'green'?")
        assert not any("label 'red'" in line for line in daemon.log)

    def test_where_no_view_is_left_it_is_told_of_all_at_once(self, running: Running) -> None:
        running.write([{**self.MISSING, "name": name} for name in ("gate", "bin")])
        ended = edgecam("run", "--config", str(running.file))
        assert ended.returncode == 3
        assert [line.split(": ")[1] for line in ended.stderr.splitlines() if "missing" in line] == [
            "views.gate.model",
            "views.bin.model",
        ]

    def test_check_tells_of_each(self, running: Running) -> None:
        running.write([BOTH[0], self.MISSING])
        ended = edgecam("check", "--config", str(running.file))
        assert ended.returncode == 1
        assert "ok       model gate" in ended.stdout
        assert "failure  model bin" in ended.stdout

    def test_one_that_fails_on_a_live_frame_leaves_the_others(self, colour_model: Path) -> None:
        settings = Config(
            model=ModelSettings(path=str(colour_model), runtime="litert", graph="original", threads=1),
            events=EventsSettings(hold=0, smoothing=0, groups={}),
            views=tuple(
                ViewSettings(
                    name=name,
                    model=ModelSettings(path=str(colour_model), runtime="litert", graph="original", threads=1),
                    events=EventsSettings(hold=0, smoothing=0, groups={}),
                )
                for name in ("gate", "bin")
            ),
        )
        pipelines = make_pipelines(settings)
        source = feed_of_camera().source
        feed = Feed(source, tuple(Look(pipeline.view, name) for name, pipeline in pipelines.by_view.items()))
        frames = FrameQueue(2, feed)
        red = np.full((*pipelines.first.model.size[::-1], 3), BGR["red"], np.uint8)
        frames.tell(CameraChange(online=True, at_ns=0))
        handed: list[Notice] = []
        failed: list[Pipeline] = []

        def go_on(pipeline: Pipeline, _error: Exception) -> None:
            failed.append(pipeline)
            frames.put(Frame(red, 2, 2, view="bin"), feed)
            frames.put(Frame(red, 2, 2, view="gate"), feed)
            frames.close()

        first = PipelinesChange(pipelines.by_view, {})
        handed_to = (handed.append, lambda _: None, lambda: 60.0, go_on)
        worker = Inference(frames, Clock(), first, Stats(frames), *handed_to)
        frames.put(Frame(red, 1, 1, view="gate"), feed)
        frames.put(Frame(red[:3], 1, 1, view="bin"), feed)
        worker.run()
        assert [pipeline.origin.view for pipeline in failed] == ["bin"]
        told = [(step.origin.view, step.payload.type) for step in handed if isinstance(step, Happened)]
        assert told == [("gate", "new"), ("gate", "end")]  # the end of all
        counts = frames.counts_of("bin")
        assert (counts.captured, counts.dropped) == (2, 2)

    def test_the_cameras_switch_ends_what_all_of_them_see_at_once(self, colour_model: Path) -> None:
        model = ModelSettings(path=str(colour_model), runtime="litert", graph="original", threads=1)
        events = EventsSettings(hold=0, smoothing=0, groups={})
        views = tuple(ViewSettings(name=name, model=model, events=events) for name in ("gate", "bin"))
        pipelines = make_pipelines(Config(views=views))
        feed = Feed(feed_of_camera().source, tuple(Look(each.view, name) for name, each in pipelines.by_view.items()))
        frames = FrameQueue(2, feed)
        red = np.full((*pipelines.first.model.size[::-1], 3), BGR["red"], np.uint8)
        frames.tell(CameraChange(online=True, at_ns=0))
        for name in pipelines.by_view:
            frames.put(Frame(red, 1, 1, view=name), feed)
        frames.tell(Switched(enabled=False, threshold=0.6))
        frames.close()
        handed: list[Notice] = []
        first = PipelinesChange(pipelines.by_view, {})
        Inference(frames, Clock(), first, Stats(frames), handed.append, lambda _: None, lambda: 60.0).run()
        told = [step.payload.type if isinstance(step, Happened) else type(step).__name__ for step in handed]
        assert told == ["CameraChange", "new", "new", "end", "end", "Switched"]


class TestModels:
    """What two views have in common is loaded once."""

    @staticmethod
    def settings(path: Path, **other: object) -> Config:
        model = ModelSettings(path=str(path), runtime="litert", graph="original", threads=1)
        views = (ViewSettings(name="a", model=model), ViewSettings(name="b", model=model, **other))  # type: ignore[arg-type]
        return Config(model=model, views=views)

    def test_one_model_is_loaded_once(self, colour_model: Path) -> None:
        settings = self.settings(colour_model, crop=(0.0, 0.0, 0.5, 0.5))
        first, second = make_pipelines(settings).by_view.values()
        assert first.model is second.model
        assert first.tracker is not second.tracker

    def test_a_reload_keeps_what_has_not_changed(self, colour_model: Path) -> None:
        before = self.settings(colour_model)
        pipelines = make_pipelines(before)
        after = self.settings(colour_model, crop=(0.0, 0.0, 0.5, 0.5))
        changed = changed_pipelines(pipelines, before, after)
        assert changed.by_view["a"] is pipelines.by_view["a"]
        assert changed.by_view["b"].tracker is pipelines.by_view["b"].tracker
        assert changed.by_view["b"].view is not pipelines.by_view["b"].view

    def test_one_that_is_wanted_must_not_be_refused(self, colour_model: Path, tmp_path: Path) -> None:
        before = self.settings(colour_model)
        pipelines = make_pipelines(before)
        missing = ModelSettings(path=str(tmp_path / "missing.tflite"))
        after = (
            self.settings(colour_model, model=missing)
            if False
            else Config(model=before.model, views=(before.views[0], ViewSettings(name="b", model=missing)))
        )
        assert [*changed_pipelines(pipelines, before, after).out] == ["b"]
        with pytest.raises(ModelError, match=r"missing\.tflite"):
            changed_pipelines(pipelines, before, after, wanted=["b"])

    def test_one_that_failed_stays_out_until_a_reload(self, colour_model: Path) -> None:
        same = self.settings(colour_model)
        failed = RuntimeError("a node failed")
        pipelines = make_pipelines(same).without("b", failed)
        assert changed_pipelines(pipelines, same, same, stays_out=True).out == {"b": failed}
        assert [*changed_pipelines(pipelines, same, same).by_view] == ["a", "b"]

    def test_all_that_are_refused_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError) as caught:
            refuse(make_pipelines(self.settings(tmp_path / "missing.tflite")))
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["views.a.model", "views.b.model"]


class TestStates:
    """What holds until another does, through all that may happen."""

    ASKED = {"name": "gate", "crop": LEFT, "events": {"kind": "state"}}  # noqa: RUF012

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_it_goes_on_under_its_id_after_a_restart(self, running: Running, number: int) -> None:
        daemon = running.start([self.ASKED])
        began = running.event("gate", "new", "red")
        assert began["kind"] == "state"
        running.state("gate", label="red", certain=True)
        daemon.process.send_signal(number)
        daemon.process.wait(WAIT_S)
        running.start([self.ASKED])
        running.state("gate", label="red", certain=True, event_id=began["id"], since=began["start_time"])
        running.daemon.terminate()
        running.daemon.wait()
        told = [event["type"] for event in events(running.subscriber.until_offline())]
        assert "end" not in told

    def test_another_model_ends_it_when_it_was_last_certain(self, running: Running, tmp_path: Path) -> None:
        running.start([self.ASKED])
        began = running.event("gate", "new", "red")
        other = tmp_path / "other"
        other.mkdir()
        model = tflite.saved(other, tflite.classifier("uint8"), ("crimson", "green", "blue"))
        running.reload([{**self.ASKED, "model": {"path": str(model)}}])
        ended = running.event("gate", "end", "red")
        assert ended["id"] == began["id"]
        assert began["frame_time"] <= ended["end_time"]
        assert running.event("gate", "new", "crimson")["start_time"] >= ended["end_time"]

    def test_it_is_uncertain_while_the_view_is_paused(self, running: Running) -> None:
        running.start([self.ASKED])
        began = running.event("gate", "new", "red")
        running.order("gate/enabled/set", b"OFF")
        running.state("gate", label="red", certain=False, event_id=began["id"])
        running.order("gate/enabled/set", b"ON")
        running.state("gate", label="red", certain=True, event_id=began["id"])
