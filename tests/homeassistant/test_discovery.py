"""A camera appears in Home Assistant by itself, is steered from there, and disappears."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.broker import Mosquitto, Subscriber, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]

WAIT_S = 40.0


class HomeAssistant:
    """A running one, and what it said."""

    def __init__(self, port: int, folder: Path) -> None:
        python = os.environ.get("HOMEASSISTANT")
        assert python, "run these tests with make test-homeassistant"
        script = Path(__file__).with_name("hass.py")
        self._errors = (folder / "stderr").open("w+b")
        self._process = subprocess.Popen(
            [python, script, str(port), str(free_port()), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self.states: dict[str, str | None] = {}
        self.attributes: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(WAIT_S)
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                said = self._said.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                message = f"it did not come; there is {self.states}; {self.complaints()}"
                raise AssertionError(message) from None
            if entity := said.get("entity"):
                self.states[entity], self.attributes[entity] = said["state"], said["attributes"]
            if wanted(said):
                return said

    def wait_for_state(self, entity: str, *states: str | None) -> str | None:
        """Wait until an entity has one of some states, or with none named any that is known."""

        def is_there() -> bool:
            if states:
                return entity in self.states and self.states[entity] in states
            return self.states.get(entity) not in (None, "unknown", "unavailable")

        if not is_there():
            self.wait_for(lambda _said: is_there())
        return self.states[entity]

    def ask(self, **what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def begin_event(self) -> None:
        """Let the camera begin another event; of those before we may have seen no picture."""
        for service, state in (("turn_off", "off"), ("turn_on", "on")):
            self.ask(call=["switch", service, {"entity_id": "switch.porch_classification"}])
            self.wait_for_state("switch.porch_classification", state)

    def registry(self) -> dict[str, tuple[str, str | None, bool]]:
        self.ask(registry=True)
        told = self.wait_for(lambda said: "registry" in said)["registry"]
        return {key: tuple(entity) for key, entity in told.items()}

    def complaints(self) -> list[str]:
        """What it logged about us."""
        self._errors.flush()
        text = Path(self._errors.name).read_text("utf-8")
        return [line for line in text.splitlines() if any(word in line.lower() for word in ("edgecam", "porch"))]


@pytest.fixture
def homeassistant(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[HomeAssistant]:
    folder = tmp_path / "homeassistant"
    folder.mkdir()
    with HomeAssistant(mosquitto.port, folder) as running:
        assert running.wait_for(lambda said: "loaded" in said)["loaded"] == "loaded"
        yield running


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
