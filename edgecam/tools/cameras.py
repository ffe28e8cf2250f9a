"""What the cameras on a broker say, seen from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from edgecam.mqtt.payloads import EventPayload, StatePayload, StatsPayload

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPICS = ("availability", "state", "stats", "events", "enabled/state")
MOST = 10_000  # cameras; whoever may publish could make up more


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera as its last messages describe it; None where it has said nothing yet."""

    name: str
    available: bool = False
    enabled: bool = True
    state: StatePayload | None = None
    stats: StatsPayload | None = None
    event: EventPayload | None = None

    @property
    def condition(self) -> str:
        """Say in a word how it is: ``online``, ``paused``, ``lost`` (its camera, not edgecam itself), ``offline``."""
        if not self.available:
            return "offline"
        if not self.enabled:
            return "paused"
        return self.state.camera if self.state else "online"


class Cameras:
    """All cameras below a base topic, by their messages."""

    def __init__(self, base: str) -> None:
        """Know none yet; ``base`` is `mqtt.base` of the cameras."""
        self._prefix = f"{base}/"
        self._cameras: dict[str, CameraStatus] = {}

    def topics(self) -> list[str]:
        """List the topics to subscribe to."""
        return [f"{self._prefix}+/{name}" for name in TOPICS]

    def all(self) -> Mapping[str, CameraStatus]:
        """Return every camera, by its name."""
        return self._cameras

    def take(self, topic: str, payload: bytes) -> EventPayload | None:
        """Take in a message; return it if it is an event. One that makes no sense is passed over."""
        name, _, kind = topic.removeprefix(self._prefix).partition("/")
        camera = self._cameras.get(name) or CameraStatus(name)
        event = None
        try:
            match kind:
                case "availability":
                    camera = replace(camera, available=payload == b"online")
                case "enabled/state":
                    camera = replace(camera, enabled=payload != b"OFF")
                case "state":
                    camera = replace(camera, state=msgspec.json.decode(payload, type=StatePayload))
                case "stats":
                    camera = replace(camera, stats=msgspec.json.decode(payload, type=StatsPayload))
                case "events":
                    event = msgspec.json.decode(payload, type=EventPayload)
                    camera = replace(camera, event=event)
                case _:
                    return None
        except ValueError:
            return None
        if name in self._cameras or len(self._cameras) < MOST:
            self._cameras[name] = camera
        return event
