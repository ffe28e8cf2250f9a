"""A camera appears in Home Assistant by itself, is steered from there, and disappears."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from edgecam.config.device_classes import DEVICE_CLASSES
from tests.broker import Mosquitto, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon
    from tests.homeassistant.running import HomeAssistant

    StartDaemon = Callable[..., Daemon]


@pytest.mark.timeout(180)
class TestDiscovery:
    """What Home Assistant makes of us."""

    def test_every_entity_is_taken_and_knows_its_state(
        self, homeassistant: HomeAssistant, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        start_daemon({**porch, "stats.interval": 1, "privacy.snapshots": "true"})
        assert homeassistant.wait_for_state("sensor.porch_label", "red")
        assert float(str(homeassistant.wait_for_state("sensor.porch_score"))) > 60
        homeassistant.wait_for_state("switch.porch_classification", "on")
        homeassistant.begin_event()
        homeassistant.wait_for_state("event.porch_event")
        assert homeassistant.attributes["event.porch_event"]["label"] == "red"
        homeassistant.wait_for_state("binary_sensor.porch_camera", "on")
        assert float(str(homeassistant.wait_for_state("sensor.porch_frame_rate"))) > 0
        homeassistant.wait_for_state("sensor.porch_latency")
        homeassistant.wait_for_state("number.porch_threshold", "0.6")
        homeassistant.wait_for_state("image.porch_snapshot")
        homeassistant.ask(image="image.porch_snapshot")
        assert homeassistant.wait_for(lambda said: "image" in said)["image"] > 100
        registry = homeassistant.registry()
        assert {key.removeprefix("edgecam_porch_") for key in registry} == {
            *("label", "score", "event", "camera", "enabled", "threshold", "snapshot", "fps", "latency"),
            *("temperature", "throttled", "inference", "cpu", "memory", "outbox"),
        }
        main = {entity for entity, category, _ in registry.values() if category is None}
        assert main == {
            f"{kind}.porch_{name}"
            for kind, name in (
                *(("sensor", "label"), ("sensor", "score"), ("event", "event"), ("switch", "classification")),
                ("image", "snapshot"),
            )
        }
        assert homeassistant.complaints() == []

    def test_its_switch_and_its_slider_steer_us(
        self, homeassistant: HomeAssistant, porch: dict[str, object], start_daemon: StartDaemon, mosquitto: Mosquitto
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            start_daemon(porch)
            homeassistant.wait_for_state("switch.porch_classification", "on")
            homeassistant.ask(call=["switch", "turn_off", {"entity_id": "switch.porch_classification"}])
            subscriber.wait_for_topic("enabled/state", b"OFF")
            homeassistant.wait_for_state("switch.porch_classification", "off")
            homeassistant.ask(call=["number", "set_value", {"entity_id": "number.porch_threshold", "value": 0.85}])
            subscriber.wait_for_topic("threshold/state", b"0.85")
            homeassistant.wait_for_state("number.porch_threshold", "0.85")

    def test_who_is_gone_is_unavailable(
        self, homeassistant: HomeAssistant, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        daemon = start_daemon(porch)
        homeassistant.wait_for_state("sensor.porch_label", "red")
        daemon.kill()
        homeassistant.wait_for_state("sensor.porch_label", "unavailable")

    def test_without_discovery_the_device_is_removed(
        self, homeassistant: HomeAssistant, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        daemon = start_daemon(porch)
        homeassistant.wait_for_state("sensor.porch_label", "red")
        daemon.terminate()
        daemon.wait()
        start_daemon({**porch, "homeassistant.discovery": "false"})
        homeassistant.wait_for_state("sensor.porch_label", None)
        assert homeassistant.registry() == {}

    def test_the_picture_goes_when_it_is_no_longer_allowed(
        self, homeassistant: HomeAssistant, porch: dict[str, object], start_daemon: StartDaemon, tmp_path: Path
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text("[privacy]\nsnapshots = true\n")
        daemon = start_daemon(porch, "--config", str(file))
        homeassistant.wait_for_state("switch.porch_classification", "on")
        homeassistant.begin_event()
        homeassistant.wait_for_state("image.porch_snapshot")
        file.write_text("")
        daemon.reload()
        homeassistant.wait_for_state("image.porch_snapshot", None)


def test_the_classes_of_binary_sensors_are_its_own() -> None:
    code = "from homeassistant.components.binary_sensor import BinarySensorDeviceClass; print(*BinarySensorDeviceClass)"
    said = subprocess.run([os.environ["HOMEASSISTANT"], "-c", code], capture_output=True, check=True, text=True)
    assert {*said.stdout.split()} == DEVICE_CLASSES
