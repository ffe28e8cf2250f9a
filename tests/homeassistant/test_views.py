"""Several views of a camera in Home Assistant: their entities come and go, and keep their ids over a restart of it."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from edgecam.camera.frames import CameraChange
from edgecam.config import Config, HomeAssistantSettings, ViewSettings
from edgecam.mqtt.commands import Enable, SetThreshold
from edgecam.mqtt.notices import Switched, ViewFacts, ViewsChange
from tests.broker import Mosquitto, Subscriber
from tests.mqtt.running import Running, running, settings_of
from tests.mqtt.test_views import step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon
    from tests.homeassistant.running import HomeAssistant

GATE = ViewFacts("gate", "state", ("open", "half open", "closed"))
BOWL = ViewFacts("back-door", "visit", ("cat", 'a "dog" }} {% x %} ü🐈'))
WANTED = HomeAssistantSettings(labels=("open", "cat", BOWL.labels[1]), device_class={"open": "garage_door"})


def several(port: int, *names: str, shown: HomeAssistantSettings = WANTED) -> Config:
    views = tuple(ViewSettings(name=name) for name in names)
    return replace(settings_of(port), views=views, homeassistant=shown)


def begin(made: Running) -> None:
    """Tell what a daemon would tell at its start."""
    made.inbox.put(CameraChange(online=True, at_ns=time.monotonic_ns()))
    for view in ("gate", "back-door"):
        made.inbox.put(Switched(enabled=True, threshold=None, view=view))


def ids(homeassistant: HomeAssistant) -> dict[str, str]:
    """The entities of views, by their ids."""
    return {key.removeprefix("edgecam_porch"): entity for key, (entity, *_) in homeassistant.registry().items()}


@pytest.mark.timeout(240)
class TestViews:
    """The real publisher tells, at a real broker."""

    def test_each_has_its_entities_in_one_device(self, homeassistant: HomeAssistant, mosquitto: Mosquitto) -> None:
        with running(several(mosquitto.port, "gate", "back-door"), (GATE, BOWL)) as made:
            begin(made)
            homeassistant.wait_for_state("sensor.porch_gate_label", "unknown")
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", "unknown")
            homeassistant.wait_for_state("sensor.porch_back_door_label", "nothing")
            homeassistant.wait_for_state("binary_sensor.porch_back_door_cat", "off")
            homeassistant.wait_for_state("number.porch_gate_threshold", "unknown")
            homeassistant.wait_for_state("number.porch_threshold", "0.6")
            homeassistant.wait_for_state("switch.porch_gate_classification", "on")
            made.inbox.put(step(made, GATE, "new", "open", "1"))
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", "on")
            shown = homeassistant.attributes["binary_sensor.porch_gate_open"]
            assert (shown["device_class"], shown["certain"], shown["friendly_name"]) == (
                *("garage_door", True),
                "porch Gate open",
            )
            homeassistant.wait_for_state("event.porch_gate_event")
            assert homeassistant.attributes["event.porch_gate_event"]["label"] == "open"
            made.inbox.put(step(made, BOWL, "new", BOWL.labels[1], "2"))
            homeassistant.wait_for_state("sensor.porch_back_door_label", BOWL.labels[1])
            dog = ids(homeassistant)[":back-door:is:a%20%22dog%22%20%7D%7D%20%7B%25%20x%20%25%7D%20%C3%BC%F0%9F%90%88"]
            homeassistant.wait_for_state(dog, "on")
            homeassistant.wait_for_state("event.porch_back_door_event")
            assert homeassistant.attributes["event.porch_gate_event"]["id"] == "1"  # it ignores those of others
            made.inbox.put(step(made, GATE, "end", "open", "1"))
            made.inbox.put(step(made, GATE, "new", "closed", "3"))
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", "off")
            assert homeassistant.complaints() == []

    def test_they_steer_each_view_and_the_camera(self, homeassistant: HomeAssistant, mosquitto: Mosquitto) -> None:
        with running(several(mosquitto.port, "gate", "back-door"), (GATE, BOWL)) as made:
            begin(made)
            homeassistant.wait_for_state("switch.porch_gate_classification", "on")
            homeassistant.ask(call=["switch", "turn_off", {"entity_id": "switch.porch_gate_classification"}])
            assert made.ordered.get(timeout=20) == Enable(on=False, view="gate")
            homeassistant.ask(call=["number", "set_value", {"entity_id": "number.porch_gate_threshold", "value": 0.85}])
            assert made.ordered.get(timeout=20) == SetThreshold(0.85, "gate")
            homeassistant.wait_for_state("switch.porch_classification", "on")
            homeassistant.ask(call=["switch", "turn_off", {"entity_id": "switch.porch_classification"}])
            assert made.ordered.get(timeout=20) == Enable(on=False)

    def test_a_lost_camera_and_one_that_is_out_are_unavailable(
        self, homeassistant: HomeAssistant, mosquitto: Mosquitto
    ) -> None:
        with running(several(mosquitto.port, "gate", "back-door"), (GATE, BOWL)) as made:
            begin(made)
            made.inbox.put(step(made, GATE, "new", "open", "1"))
            homeassistant.wait_for_state("sensor.porch_gate_label", "open")
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", "on")
            made.inbox.put(CameraChange(online=False, at_ns=time.monotonic_ns()))
            homeassistant.wait_for_state("sensor.porch_gate_label", "unavailable")
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", "unavailable")
            homeassistant.wait_for_state("binary_sensor.porch_camera", "off")
            made.inbox.put(CameraChange(online=True, at_ns=time.monotonic_ns()))
            homeassistant.wait_for_state("sensor.porch_gate_label", "open")
            before = ids(homeassistant)
            out = dataclasses.replace(GATE, labels=(), error="gate.tflite: no model")
            made.inbox.put(ViewsChange((out, BOWL)))
            homeassistant.wait_for_state("sensor.porch_gate_label", "unavailable")
            homeassistant.wait_for_state("binary_sensor.porch_gate_problem", "on")
            assert homeassistant.attributes["binary_sensor.porch_gate_problem"]["error"] == "gate.tflite: no model"
            assert homeassistant.states["sensor.porch_back_door_label"] == "nothing"
            assert ids(homeassistant) == before
            made.inbox.put(ViewsChange((GATE, BOWL)))
            homeassistant.wait_for_state("sensor.porch_gate_label", "open")

    def test_a_reload_adds_and_removes_them_and_a_restart_keeps_the_rest(
        self, homeassistant: HomeAssistant, mosquitto: Mosquitto
    ) -> None:
        lone = replace(settings_of(mosquitto.port), homeassistant=WANTED)
        nameless = ViewFacts(labels=("cat",))
        with Subscriber(mosquitto.port) as subscriber, running(lone, (nameless,)) as made:
            made.inbox.put(CameraChange(online=True, at_ns=time.monotonic_ns()))
            homeassistant.wait_for_state("binary_sensor.porch_cat", "off")
            before = ids(homeassistant)
            assert "::is:cat" in before
            made.change(several(mosquitto.port, "", "gate"), (nameless, GATE))
            homeassistant.wait_for_state("sensor.porch_gate_label", "unknown")
            both = ids(homeassistant)
            assert before.items() < both.items()
            assert {":gate:label", ":gate:enabled", ":gate:is:open"} < {*both}
            homeassistant.stop()
            subscriber.catch_up()
            homeassistant.start()
            homeassistant.wait_for_state("sensor.porch_gate_label", "unknown")
            homeassistant.wait_for_state("binary_sensor.porch_cat", "off")
            assert ids(homeassistant) == both
            made.change(lone, (nameless,))
            homeassistant.wait_for_state("sensor.porch_gate_label", None)
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", None)
            homeassistant.wait_for_state("switch.porch_gate_classification", None)
            assert {key: entity for key, entity in ids(homeassistant).items() if key != "_problem"} == before
            homeassistant.stop()
            homeassistant.start()
            homeassistant.wait_for_state("binary_sensor.porch_cat", "off")
            assert not [key for key in ids(homeassistant) if key.startswith(":gate")]

    def test_what_goes_while_it_is_stopped_is_gone_when_it_is_back(
        self, homeassistant: HomeAssistant, mosquitto: Mosquitto
    ) -> None:
        with running(several(mosquitto.port, "gate", "back-door"), (GATE, BOWL)) as made:
            begin(made)
            homeassistant.wait_for_state("binary_sensor.porch_gate_open", "unknown")
            homeassistant.stop()
            made.change(several(mosquitto.port, "back-door"), (BOWL,))
            homeassistant.start()
            for kind, name in (
                *(("sensor", "label"), ("sensor", "score"), ("event", "event"), ("switch", "classification")),
                *(("number", "threshold"), ("binary_sensor", "problem"), ("binary_sensor", "open")),
            ):
                homeassistant.wait_for_state(f"{kind}.porch_gate_{name}", None)
            assert not [key for key in ids(homeassistant) if key.startswith(":gate")]
            homeassistant.wait_for_state("sensor.porch_back_door_label", "nothing")
            assert homeassistant.complaints() == []


@pytest.mark.timeout(240)
class TestDaemon:
    """The whole daemon tells."""

    LABELS = "[homeassistant]\nlabels = ['red']\n[homeassistant.device_class]\nred = 'garage_door'\n"

    def test_a_second_view_comes_and_goes_and_the_first_one_stays(
        self,
        homeassistant: HomeAssistant,
        porch: dict[str, object],
        start_daemon: Callable[..., Daemon],
        tmp_path: Path,
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text(self.LABELS)
        daemon = start_daemon(porch, "--config", str(file))
        homeassistant.wait_for_state("binary_sensor.porch_red", "on")
        first = ids(homeassistant)
        file.write_text(f"{self.LABELS}[[views]]\n[[views]]\nname = 'left-half'\ncrop = [0.0, 0.0, 0.5, 1.0]\n")
        daemon.reload()
        homeassistant.wait_for_state("sensor.porch_left_half_label", "red")
        homeassistant.wait_for_state("binary_sensor.porch_left_half_red", "on")
        assert homeassistant.attributes["binary_sensor.porch_left_half_red"]["device_class"] == "garage_door"
        assert first.items() <= ids(homeassistant).items()
        homeassistant.stop()
        homeassistant.start()
        homeassistant.wait_for_state("sensor.porch_left_half_label", "red")
        homeassistant.ask(call=["switch", "turn_off", {"entity_id": "switch.porch_left_half_classification"}])
        homeassistant.wait_for_state("binary_sensor.porch_left_half_red", "off")
        homeassistant.wait_for_state("binary_sensor.porch_red", "on")
        file.write_text(self.LABELS)
        daemon.reload()
        homeassistant.wait_for_state("sensor.porch_left_half_label", None)
        homeassistant.wait_for_state("binary_sensor.porch_red", "on")
        assert {key: entity for key, entity in ids(homeassistant).items() if key != "_problem"} == first
        assert homeassistant.complaints() == []
