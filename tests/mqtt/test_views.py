"""What a broker is told of several views, and what becomes of one that goes."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from edgecam.camera.frames import CameraChange
from edgecam.config import Config, ViewSettings
from edgecam.kept import announced_file, outbox_file
from edgecam.mqtt.announced import Announced
from edgecam.mqtt.commands import Enable, SetThreshold
from edgecam.mqtt.notices import Certainty, Happened, Origin, Switched, ViewFacts, ViewsChange
from edgecam.mqtt.outbox_file import OutboxFile
from edgecam.rollout.record import ModelState
from tests.broker import Message, Mosquitto, Subscriber, free_port
from tests.mqtt.running import Running, running, settings_of
from tests.mqtt.test_publisher import event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from edgecam.mqtt.payloads import EventPayload

GATE = ViewFacts("gate", "state", ("open", "closed"))
BOWL = ViewFacts("bowl", "visit", ("cat",))
DEVICE = "homeassistant/device/edgecam_porch/config"
KEY = "A" * 43 + "="
ORIGIN = Origin("edgecam/porch", "porch", "gate", is_told=True)


def several(port: int, *names: str, name: str = "porch", **sections: Any) -> Config:
    views = tuple(ViewSettings(name=each) for each in names)
    return replace(settings_of(port, name), views=views, **sections)


def step(made: Running, view: ViewFacts, kind: str, label: str, event_id: str, camera: str = "porch") -> Happened:
    happened = event(made.clock, kind)
    payload = replace(happened.payload, id=event_id, label=label, view=view.name, kind=view.kind, camera=camera)
    return Happened(Origin(f"edgecam/{camera}", camera, view.name, is_told=True), payload, happened.stepped_ns)


def kept(port: int, topic: str = "edgecam/#") -> dict[str, bytes]:
    """What a broker keeps, by topic."""
    with Subscriber(port, topic=topic) as subscriber:
        subscriber.catch_up()
        return {each.topic.removeprefix("edgecam/porch/"): each.payload for each in subscriber.seen if each.retain}


def events_of(subscriber: Subscriber) -> list[tuple[str, str, str]]:
    """The events that were told; one may come twice over two connections."""
    told = [each.json for each in subscriber.seen if each.topic.endswith("/events")]
    return list(dict.fromkeys((each["type"], each["id"], each["label"]) for each in told))


def latest(subscriber: Subscriber, name: str, wanted: Callable[[Message], bool]) -> Message:
    """Wait until the last message on a topic of the camera is one that is wanted."""
    topic = f"edgecam/porch/{name}"
    before = [each for each in subscriber.seen if each.topic == topic]
    if before and wanted(before[-1]):
        return before[-1]
    return subscriber.wait_for(lambda each: each.topic == topic and wanted(each))


def state_of(subscriber: Subscriber, view: str, **wanted: object) -> dict[str, Any]:
    """Wait until the state of a view has some values."""

    def fits(message: Message) -> bool:
        return bool(message.payload) and all(message.json[key] == value for key, value in wanted.items())

    return dict(latest(subscriber, f"{view}/state" if view else "state", fits).json)


def has_ended(subscriber: Subscriber, event_id: str) -> None:
    """Wait until the end of an event was told: what is kept may come before it where much is on the way."""

    def is_end(message: Message) -> bool:
        return message.topic.endswith("/events") and (message.json["type"], message.json["id"]) == ("end", event_id)

    if not any(is_end(each) for each in subscriber.seen):
        subscriber.wait_for(is_end)


def is_told(subscriber: Subscriber, name: str, payload: bytes) -> None:
    """Wait until that is the last on a topic of the camera."""
    latest(subscriber, name, lambda each: each.payload == payload)


def are_dropped(announced: Subscriber, *gone: str) -> None:
    """Wait until Home Assistant is told to drop some components."""
    announced.wait_for(lambda each: all(len(each.json["components"].get(key, ())) == 1 for key in gone))


class TestTopics:
    """Each view has its own."""

    def test_each_view_tells_its_state_and_the_root_how_the_camera_is(self, mosquitto: Mosquitto) -> None:
        with (
            Subscriber(mosquitto.port) as subscriber,
            running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made,
        ):
            made.inbox.put(Switched(enabled=False, threshold=None, view="gate"))
            made.inbox.put(CameraChange(online=False, at_ns=time.monotonic_ns()))
            undecided = state_of(subscriber, "gate", camera="lost")
            assert undecided | {"since": ""} == {
                "label": None,
                "score": 0.0,
                "since": "",
                "event_id": None,
                "camera": "lost",
                "error": None,
                "certain": False,
                "last_certain": None,
            }
            assert "certain" not in state_of(subscriber, "bowl", camera="lost")
            assert state_of(subscriber, "", camera="lost")["label"] is None
            is_told(subscriber, "gate/enabled/state", b"OFF")
            is_told(subscriber, "gate/threshold/state", b"null")
            is_told(subscriber, "enabled/state", b"ON")
        assert "edgecam/porch/model/state" not in {each.topic for each in subscriber.seen}

    def test_a_nameless_one_keeps_the_topics_without_a_view(self, mosquitto: Mosquitto) -> None:
        nameless = dataclasses.replace(BOWL, name="")
        with (
            Subscriber(mosquitto.port) as subscriber,
            running(several(mosquitto.port, "gate", ""), (GATE, nameless)) as made,
        ):
            made.inbox.put(step(made, nameless, "new", "cat", "1"))
            assert state_of(subscriber, "", label="cat")["error"] is None

    def test_how_ordered_models_go_is_told_by_view(self, mosquitto: Mosquitto) -> None:
        settings = several(mosquitto.port, "gate", rollout=msgspec.structs.replace(Config().rollout, public_key=KEY))
        with Subscriber(mosquitto.port) as subscriber, running(settings, (GATE,)) as made:
            made.inbox.put(ModelState("downloading", "gate"))
            is_told(subscriber, "gate/model/state", b"downloading")
            subscriber.catch_up()
        assert "edgecam/porch/model/state" not in {each.topic for each in subscriber.seen}

    def test_what_one_sees_changes_no_other(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            with running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made:
                made.inbox.put(step(made, GATE, "new", "open", "1"))
                made.inbox.put(step(made, BOWL, "new", "cat", "2"))
                state_of(subscriber, "bowl", label="cat")
                made.inbox.put(step(made, BOWL, "end", "cat", "2"))
                state_of(subscriber, "bowl", label=None)
                assert state_of(subscriber, "gate", label="open")["certain"]
            subscriber.catch_up()
        assert events_of(subscriber) == [("new", "1", "open"), ("new", "2", "cat"), ("end", "2", "cat")]

    def test_one_that_is_out_says_why_and_its_fault_is_its_own(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            with running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made:
                made.inbox.put(ViewsChange((dataclasses.replace(GATE, error="gate.tflite: no model", labels=()), BOWL)))
                state_of(subscriber, "gate", error="gate.tflite: no model")
                made.inbox.put(ViewsChange((GATE, BOWL)))
                state_of(subscriber, "gate", error=None)
            subscriber.catch_up()
        assert not [each for each in subscriber.seen if each.topic.endswith("bowl/state") and each.json["error"]]

    def test_orders_are_for_the_view_on_whose_topic_they_come(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber, running(several(mosquitto.port, "gate"), (GATE,)) as made:
            subscriber.wait_for_topic("gate/state")
            subscriber.publish("edgecam/porch/gate/enabled/set", b"OFF")
            subscriber.publish("edgecam/porch/gate/threshold/set", b"0.5")
            subscriber.publish("edgecam/porch/enabled/set", b"ON")
            came = [made.ordered.get(timeout=20) for _ in range(3)]
        assert came == [Enable(on=False, view="gate"), SetThreshold(0.5, "gate"), Enable(on=True)]


class TestState:
    """An event of the kind state goes on."""

    def test_over_a_restart_under_its_id(self, mosquitto: Mosquitto) -> None:
        settings = several(mosquitto.port, "gate")
        with Subscriber(mosquitto.port) as subscriber:
            with running(settings, (GATE,)) as made:
                made.inbox.put(step(made, GATE, "new", "open", "1"))
                before = state_of(subscriber, "gate", label="open")
                made.inbox.put(Certainty(ORIGIN, certain=False, last_certain=before["since"]))
                state_of(subscriber, "gate", certain=False, label="open")
            with running(settings, (GATE,)) as made:
                after = state_of(subscriber, "gate", label="open", certain=False)
                assert (after["event_id"], after["since"]) == ("1", before["since"])
                assert after["last_certain"]
                made.inbox.put(step(made, GATE, "new", "open", "2"))
                assert state_of(subscriber, "gate", certain=True)["event_id"] == "1"
                made.inbox.put(step(made, GATE, "end", "open", "2"))
                made.inbox.put(step(made, GATE, "new", "closed", "3"))
                state_of(subscriber, "gate", label="closed")
            subscriber.catch_up()
        assert events_of(subscriber) == [("new", "1", "open"), ("end", "1", "open"), ("new", "3", "closed")]
        labels = [each.json["label"] for each in subscriber.seen if each.topic.endswith("gate/state")]
        assert None not in labels[labels.index("open") :]  # no moment without a label

    def test_the_one_view_of_a_camera_has_it_too(self, mosquitto: Mosquitto) -> None:
        lone = ViewFacts(kind="state")
        with Subscriber(mosquitto.port) as subscriber:
            for number in range(2):
                with running(settings_of(mosquitto.port), (lone,)) as made:
                    happened = step(made, lone, "new", "open", str(number))
                    made.inbox.put(Happened(happened.origin, replace(happened.payload, view=UNSET), 0))
                    assert "error" not in state_of(subscriber, "", label="open", certain=True)
            subscriber.catch_up()
        assert events_of(subscriber) == [("new", "0", "open")]

    def test_another_name_of_the_camera_ends_it_where_it_began(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber, running(several(mosquitto.port, "gate"), (GATE,)) as made:
            made.inbox.put(step(made, GATE, "new", "open", "1"))
            state_of(subscriber, "gate", label="open")
            made.change(several(mosquitto.port, "gate", name="yard"), (GATE,))
            end = subscriber.wait_for(lambda each: each.topic == "edgecam/porch/events" and b'"end"' in each.payload)
            state = subscriber.wait_for(lambda each: each.topic == "edgecam/yard/gate/state").json
            made.inbox.put(step(made, GATE, "new", "open", "2", "yard"))
            subscriber.wait_for(lambda each: each.topic == "edgecam/yard/events")
        assert (end.json["id"], state["label"], state["certain"]) == ("1", None, False)


class TestGone:
    """A view that goes leaves nothing behind."""

    def began(self, made: Running, subscriber: Subscriber) -> None:
        made.inbox.put(Switched(enabled=True, threshold=0.5, view="gate"))
        made.inbox.put(step(made, GATE, "new", "open", "1"))
        is_told(subscriber, "gate/threshold/state", b"0.5")
        state_of(subscriber, "gate", label="open")

    @pytest.mark.parametrize("left", [("bowl",), ("gate2", "bowl"), ()])
    def test_at_a_reload(self, mosquitto: Mosquitto, left: tuple[str, ...]) -> None:
        views = tuple(dataclasses.replace(BOWL, name=name) for name in left or ("",))
        with (
            Subscriber(mosquitto.port) as subscriber,
            Subscriber(mosquitto.port, topic=DEVICE) as announced,
            running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made,
        ):
            self.began(made, subscriber)
            made.change(several(mosquitto.port, *left), views)
            for name in ("state", "enabled/state", "threshold/state"):
                is_told(subscriber, f"gate/{name}", b"")
            has_ended(subscriber, "1")
            are_dropped(announced, "gate__label", "gate__enabled")
        assert events_of(subscriber) == [("new", "1", "open"), ("end", "1", "open")]
        assert not [topic for topic in kept(mosquitto.port) if topic.startswith("gate/")]
        components = msgspec.json.decode(kept(mosquitto.port, DEVICE)[DEVICE])["components"]
        assert components["gate__label"] == {"platform": "sensor"}
        assert components["gate__enabled"] == {"platform": "switch"}

    def test_while_no_daemon_ran_and_though_the_broker_was_away_then(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            with running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made:
                self.began(made, subscriber)
            with running(several(free_port(), "bowl"), (BOWL,)) as made:
                made.inbox.put(step(made, BOWL, "new", "cat", "2"))
                assert [made.saved.get(timeout=20).type for _ in range(2)] == ["end", "new"]
            assert "edgecam/porch/gate/state" in Announced(announced_file("porch")).topics
            with running(several(mosquitto.port, "bowl"), (BOWL,)):
                for name in ("state", "enabled/state", "threshold/state"):
                    is_told(subscriber, f"gate/{name}", b"")
                has_ended(subscriber, "1")
            assert events_of(subscriber)[:2] == [("new", "1", "open"), ("end", "1", "open")]
        assert not [topic for topic in kept(mosquitto.port) if topic.startswith("gate/")]

    def test_of_a_visit_too_nothing_is_kept(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            with running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made:
                made.inbox.put(step(made, BOWL, "new", "cat", "1"))
                state_of(subscriber, "bowl", label="cat")
                made.change_at_once(several(mosquitto.port, "gate"), (GATE,))
                is_told(subscriber, "bowl/state", b"")
                made.inbox.put(step(made, GATE, "new", "open", "2"))
                state_of(subscriber, "gate", label="open")
            assert not [topic for topic in kept(mosquitto.port) if topic.startswith("bowl/")]

    def test_what_its_tracker_says_late_is_not_told_twice(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            with running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made:
                made.inbox.put(step(made, BOWL, "new", "cat", "1"))
                state_of(subscriber, "bowl", label="cat")
                made.inbox.put(ViewsChange((GATE,)))
                made.inbox.put(step(made, BOWL, "end", "cat", "1"))
                made.inbox.put(step(made, GATE, "new", "open", "2"))
                state_of(subscriber, "gate", label="open")
            subscriber.catch_up()
        assert events_of(subscriber) == [("new", "1", "cat"), ("end", "1", "cat"), ("new", "2", "open")]

    def test_as_another_kind_it_begins_anew(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber, running(several(mosquitto.port, "gate"), (GATE,)) as made:
            self.began(made, subscriber)
            made.inbox.put(ViewsChange((dataclasses.replace(GATE, kind="visit"),)))
            subscriber.wait_for_event("end")
            assert "certain" not in state_of(subscriber, "gate", label=None, event_id=None)


def test_views_that_change_while_a_broker_is_left_are_those_that_the_next_is_told_of(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with (
        Mosquitto(tmp_path / "other") as other,
        Subscriber(mosquitto.port) as before,
        Subscriber(other.port, topic=DEVICE) as after,
        running(several(mosquitto.port, "gate", "bowl"), (GATE, BOWL)) as made,
    ):
        state_of(before, "gate")
        os.kill(mosquitto.pid, signal.SIGSTOP)  # it is waited for
        try:
            made.change(several(other.port, "gate", "bowl"), (dataclasses.replace(GATE, labels=("ajar",)), BOWL))
            made.inbox.put(ViewsChange((dataclasses.replace(GATE, kind="visit"), BOWL)))
            told = after.wait_for(lambda each: each.topic == DEVICE)
        finally:
            os.kill(mosquitto.pid, signal.SIGCONT)
    assert told.json["components"]["gate__event"]["event_types"] == ["new", "update", "end"]


def test_what_is_switched_of_a_view_that_comes_while_a_broker_is_left_is_told_to_the_next(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with (
        Mosquitto(tmp_path / "other") as other,
        Subscriber(mosquitto.port) as before,
        Subscriber(other.port) as after,
        running(several(mosquitto.port, "gate"), (GATE,)) as made,
    ):
        state_of(before, "gate")
        os.kill(mosquitto.pid, signal.SIGSTOP)  # it is waited for
        try:
            made.change(several(other.port, "gate", "bowl"), (GATE, BOWL))
            made.inbox.put(Switched(enabled=False, threshold=0.6, view="bowl"))
            after.wait_for_topic("bowl/enabled/state", b"OFF")
        finally:
            os.kill(mosquitto.pid, signal.SIGCONT)


def test_what_is_open_is_on_disk_by_view() -> None:
    with running(several(free_port(), "gate", "bowl"), (GATE, BOWL)) as made:
        made.inbox.put(step(made, GATE, "new", "open", "1"))
        made.inbox.put(step(made, BOWL, "new", "cat", "2"))
        saved: list[EventPayload] = [made.saved.get(timeout=20) for _ in range(2)]
    assert [each.id for each in saved] == ["1", "2"]
    file = OutboxFile(outbox_file("porch"))
    assert {*file.opened()} == {"gate", "bowl"}
    file.close()
