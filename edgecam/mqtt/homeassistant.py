"""What Home Assistant is told, so that it shows a camera by itself: MQTT device discovery.

Source of the format: the documentation of Home Assistant's MQTT integration, "Device discovery payload".
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from edgecam import __version__
from edgecam.device.processor import name as processor_name
from edgecam.kept import read_kept, write_kept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgecam.config import Config

DIAGNOSTIC = {"entity_category": "diagnostic"}
MEASURED = {"state_class": "measurement"}
# Home Assistant wants the kind of an event beside what it says.
EVENT = "{{ dict(value_json, event_type=value_json.type) | to_json }}"


def announcement_topic(settings: Config) -> str:
    """Return the topic on which Home Assistant is told of the camera."""
    return f"{settings.homeassistant.prefix}/device/{_device_id(settings)}/config"


def announcement(settings: Config, most: int = 1 << 28) -> bytes:
    """Return what makes Home Assistant show the camera; nothing where it is not to be shown.

    Where that has more than ``most`` bytes, which is what the broker takes, the figures of `stats` are left out.
    """
    if not settings.homeassistant.discovery:
        return b""
    whole = msgspec.json.encode(_description(settings, _components(settings) | _figures(settings)))
    return whole if len(whole) <= most else msgspec.json.encode(_description(settings, _components(settings)))


def _device_id(settings: Config) -> str:
    """A name of the camera on its broker, of letters, digits, - and _, which is all that a topic of discovery takes."""
    plain = re.sub("[^a-zA-Z0-9_-]", "_", settings.root)
    if plain == settings.root.replace("/", "_") and plain.count("_") == 1:
        return plain
    return f"{plain[:100]}_{hashlib.sha256(settings.root.encode()).hexdigest()[:8]}"  # another name may look the same


def _description(settings: Config, components: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    device = _device_id(settings)
    known = {
        key: {**component, "unique_id": f"{device}_{key}"} if len(component) > 1 else component
        for key, component in components.items()
    }
    return {
        "device": {
            "identifiers": [device],
            "name": settings.camera.name,
            "manufacturer": "edgecam",
            "model": processor_name(),
            "sw_version": __version__,
        },
        "origin": {"name": "edgecam", "sw_version": __version__},
        "availability": [{"topic": f"{settings.root}/availability"}],
        "components": known,
    }


def _components(settings: Config) -> dict[str, dict[str, Any]]:
    root = settings.root
    state = f"{root}/state"
    shown: dict[str, dict[str, Any]] = {
        "label": {
            **_sensor("Label", state, "value_json.label or 'nothing'", "mdi:eye"),
            "json_attributes_topic": state,
            "json_attributes_template": "{{ {'since': value_json.since, 'event_id': value_json.event_id} | to_json }}",
        },
        "score": {
            **_sensor("Score", state, "(value_json.score * 100) | round(1)", "mdi:percent"),
            **MEASURED,
            "unit_of_measurement": "%",
        },
        "event": {
            "platform": "event",
            "name": "Event",
            "state_topic": f"{root}/events",
            "value_template": EVENT,
            "event_types": ["new", "update", "end"],
            "icon": "mdi:bell-ring-outline",
            "qos": 1,
        },
        "camera": {
            "platform": "binary_sensor",
            "name": "Camera",
            "device_class": "connectivity",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.camera == 'online' else 'OFF' }}",
            **DIAGNOSTIC,
        },
        "enabled": {
            "platform": "switch",
            "name": "Classification",
            "command_topic": f"{root}/enabled/set",
            "state_topic": f"{root}/enabled/state",
            "payload_on": "ON",
            "payload_off": "OFF",
            "icon": "mdi:eye-check-outline",
            "qos": 1,
        },
        "threshold": {
            "platform": "number",
            "name": "Threshold",
            "command_topic": f"{root}/threshold/set",
            "state_topic": f"{root}/threshold/state",
            "min": 0,
            "max": 1,
            "step": 0.01,
            "mode": "slider",
            "icon": "mdi:tune-variant",
            "entity_category": "config",
            "qos": 1,
        },
    }
    # One with nothing but its platform is removed where it was shown before.
    shown["snapshot"] = {"platform": "image"}
    shown["model_state"] = {"platform": "sensor"}
    if settings.privacy.snapshots:
        shown["snapshot"] = {
            "platform": "image",
            "name": "Snapshot",
            "image_topic": f"{root}/snapshot",
            "content_type": "image/jpeg",
        }
    if settings.rollout.public_key:
        shown["model_state"] = {
            **_sensor("Model", f"{root}/model/state", "value[:255]", "mdi:brain"),
            **DIAGNOSTIC,
        }
    return shown


def _figures(settings: Config) -> dict[str, dict[str, Any]]:
    """What is told every few seconds of how the daemon is doing."""
    stats = f"{settings.root}/stats"

    def figure(name: str, template: str, icon: str, unit: str = "", **more: object) -> dict[str, Any]:
        units = {"unit_of_measurement": unit} if unit else {}
        return {**_sensor(name, stats, template, icon), **DIAGNOSTIC, **MEASURED, **units, **more}

    hidden: dict[str, Any] = {"enabled_by_default": False}
    milliseconds: dict[str, Any] = {"device_class": "duration", "suggested_display_precision": 1}
    heat: dict[str, Any] = {"device_class": "temperature"}
    return {
        "fps": figure("Frame rate", "value_json.fps", "mdi:speedometer", "fps"),
        "latency": figure("Latency", "value_json.latency_ms.p50", "mdi:timer-outline", "ms", **milliseconds),
        "temperature": figure("Temperature", "value_json.temperature_c", "mdi:thermometer", "°C", **heat),
        "throttled": {
            "platform": "binary_sensor",
            "name": "Throttled",
            "device_class": "problem",
            "state_topic": stats,
            "value_template": "{{ {true: 'ON', false: 'OFF'}.get(value_json.throttled, 'None') }}",
            **DIAGNOSTIC,
            **hidden,
        },
        "inference": figure(
            "Inference", "value_json.inference_ms.p50", "mdi:timer-cog-outline", "ms", **milliseconds, **hidden
        ),
        "cpu": figure("Processor", "value_json.cpu_percent", "mdi:cpu-64-bit", "%", **hidden),
        "memory": figure("Memory", "value_json.rss_mb", "mdi:memory", "MB", device_class="data_size", **hidden),
        "outbox": figure("Undelivered events", "value_json.outbox", "mdi:tray-full", **hidden),
    }


def _sensor(name: str, topic: str, template: str, icon: str) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ {template} }}}}",
        "icon": icon,
    }


class _Kept(msgspec.Struct, frozen=True):
    topics: tuple[str, ...] = ()


class Announced:
    """Remembers where the camera was announced, so that it can be withdrawn from there, by a later run too."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run noted at ``path``, which need not be there."""
        self._path = path
        self._kept = read_kept(path, _Kept(), "Home Assistant may show what is no longer there")

    @property
    def topics(self) -> tuple[str, ...]:
        """On which it may be announced: one, and those from which it was not withdrawn yet, as the broker was away."""
        return self._kept.topics

    def note(self, topic: str) -> None:
        """Remember a topic; a disk that cannot be written is no reason to stop."""
        if topic not in self.topics:
            self._become(*self.topics, topic)

    def forget(self, topic: str) -> None:
        """Take in that the camera is no longer announced on a topic."""
        if topic in self.topics:
            self._become(*(each for each in self.topics if each != topic))

    def _become(self, *topics: str) -> None:
        self._kept = _Kept(topics)
        write_kept(self._path, self._kept)
