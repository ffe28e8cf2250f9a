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
from edgecam.mqtt.entities import DIAGNOSTIC, MEASURED, Entities, Entity, sensor, switch, threshold, view_entities
from edgecam.mqtt.notices import ViewFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgecam.config import Config
    from edgecam.mqtt.announced import Shown

UNLIMITED = 1 << 28  # bytes: no message of MQTT is larger
# Of the view without a name, before and behind those of the camera.
FIRST = {"label": "sensor", "score": "sensor", "event": "event"}
LAST = {"snapshot": "image", "model_state": "sensor"}


def announcement_topic(settings: Config) -> str:
    """Return the topic on which Home Assistant is told of the camera."""
    return f"{settings.homeassistant.prefix}/device/{_device_id(settings)}/config"


def entities(settings: Config, views: Sequence[ViewFacts], *, resets: bool = False) -> Entities:
    """Return what Home Assistant is to show, by keys that stay over restarts; without the figures of `stats`.

    One with nothing but its platform is removed where it was shown before.

    Args:
        settings: all of them.
        views: at least one.
        resets: the threshold that is told may be null.
    """
    nameless: Entities = {}
    named: Entities = {}
    for view in views:
        (named if view.name else nameless).update(view_entities(settings, view, _device_id(settings)))
    first, last = ({key: nameless.pop(key, {"platform": each}) for key, each in part.items()} for part in (FIRST, LAST))
    return {**first, **_camera(settings, resets=resets), **last, **nameless, **named}


def announcement(
    settings: Config,
    most: int = UNLIMITED,
    *,
    views: Sequence[ViewFacts] = (ViewFacts(),),
    gone: Mapping[str, Shown] | None = None,
    resets: bool = False,
) -> bytes:
    """Return what makes Home Assistant show the camera; nothing where it is not to be shown.

    Where that has more than ``most`` bytes, which is what the broker takes, the figures of `stats` are left out.

    Args:
        settings: all of them.
        most: bytes.
        views: at least one.
        gone: by key, what was shown before and is not to be shown any more.
        resets: the threshold that is told may be null.
    """
    if not settings.homeassistant.discovery:
        return b""
    removed = {key: {"platform": shown.platform} for key, shown in (gone or {}).items()}
    shown = {**removed, **entities(settings, views, resets=resets)}
    whole = msgspec.json.encode(_description(settings, shown | _figures(settings)))
    return whole if len(whole) <= most else msgspec.json.encode(_description(settings, shown))


def dismissals(settings: Config, gone: Mapping[str, Shown]) -> Iterator[tuple[str, bytes]]:
    """Give topics and payloads, in their order, that make a Home Assistant that is there drop what was shown.

    One that did not run when an entity went knows it by its register alone, and drops nothing of which it has not been
    told since it started. So each is told once more, and taken back, by itself: of two announcements so shortly behind
    each other it would overlook a part.
    """
    device = _device_id(settings)
    nowhere = f"{settings.root}/gone"
    needs: dict[str, Entity] = {
        **{platform: {"command_topic": nowhere} for platform in ("switch", "number")},
        "event": {"state_topic": nowhere, "event_types": ["end"]},
        "image": {"image_topic": nowhere},
    }
    for key, shown in gone.items():
        topic = f"{settings.homeassistant.prefix}/{shown.platform}/{device}/{key}/config"
        needed = needs.get(shown.platform, {"state_topic": nowhere})
        yield topic, msgspec.json.encode({**needed, "unique_id": shown.unique_id, "device": {"identifiers": [device]}})
        yield topic, b""


def _device_id(settings: Config) -> str:
    """A name of the camera on its broker, of letters, digits, - and _, which is all that a topic of discovery takes."""
    plain = re.sub("[^a-zA-Z0-9_-]", "_", settings.root)
    if plain == settings.root.replace("/", "_") and plain.count("_") == 1:
        return plain
    return f"{plain[:100]}_{hashlib.sha256(settings.root.encode()).hexdigest()[:8]}"  # another name may look the same


def _description(settings: Config, components: Mapping[str, Entity]) -> dict[str, Any]:
    device = _device_id(settings)
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
        "components": components,
    }


def _camera(settings: Config, *, resets: bool) -> Entities:
    """What is the camera's, whatever its views."""
    return _with_ids(
        settings,
        {
            "camera": {
                "platform": "binary_sensor",
                "name": "Camera",
                "device_class": "connectivity",
                "state_topic": f"{settings.root}/state",
                "value_template": "{{ 'ON' if value_json.camera == 'online' else 'OFF' }}",
                **DIAGNOSTIC,
            },
            "enabled": switch("Classification", settings.root),
            "threshold": threshold("Threshold", settings.root, resets=resets or bool(settings.views)),
        },
    )


def _with_ids(settings: Config, described: Entities) -> Entities:
    return {key: {**entity, "unique_id": f"{_device_id(settings)}_{key}"} for key, entity in described.items()}


def _figures(settings: Config) -> Entities:
    """What is told every few seconds of how the daemon is doing."""
    stats = f"{settings.root}/stats"

    def figure(name: str, template: str, icon: str, unit: str = "", **more: object) -> Entity:
        units = {"unit_of_measurement": unit} if unit else {}
        return {**sensor(name, stats, template, icon), **DIAGNOSTIC, **MEASURED, **units, **more}

    hidden: Entity = {"enabled_by_default": False}
    milliseconds: Entity = {"device_class": "duration", "suggested_display_precision": 1}
    heat: Entity = {"device_class": "temperature"}
    return _with_ids(
        settings,
        {
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
        },
    )
