"""What the cameras on a broker say, seen from outside."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from edgecam.config.views import TAKEN
from edgecam.mqtt.payloads import EventPayload, StatePayload, StatsPayload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPICS = ("availability", "state", "stats", "events", "enabled/state")
OF_VIEWS = ("state", "enabled/state")
MOST = 10_000  # cameras; whoever may publish could make up more
MOST_VIEWS = 100  # of a camera


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """A view of a camera, likewise."""

    enabled: bool = True
    state: StatePayload | None = None
    event: EventPayload | None = None


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera as its last messages describe it; None where it has said nothing yet."""

    name: str
    available: bool = False
    enabled: bool = True
    state: StatePayload | None = None
    stats: StatsPayload | None = None
    event: EventPayload | None = None
    views: Mapping[str, ViewStatus] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """Say in a word how it is: ``online``, ``paused``, ``lost`` (its camera, not edgecam itself), ``offline``.

        A view may also be ``out``, as its model fails.
        """
        if not self.available:
            return "offline"
        if self.state and self.state.error:
            return "out"
        if not self.enabled:
            return "paused"
        return self.state.camera if self.state else "online"

    def rows(self) -> Iterator[CameraStatus]:
        """Return it as one of each of its views; of one without views, itself."""
        figures = self.stats.views if self.stats and self.stats.views is not UNSET else {}
        if not self.views or "" in figures:
            yield self._row(self.name, "")
        for name, view in self.views.items():
            row = self._row(f"{self.name}/{name}", name)
            enabled = self.enabled and view.enabled
            yield replace(row, enabled=enabled, state=view.state, event=view.event, views={})

    def _row(self, name: str, view: str) -> CameraStatus:
        stats = self.stats
        if not stats or stats.views is UNSET:
            return replace(self, name=name, views={})
        of_view = stats.views.get(view)
        told = (
            stats
            if of_view is None
            else msgspec.structs.replace(stats, fps=of_view.fps, latency_ms=of_view.latency_ms, leading=of_view.leading)
        )
        return replace(self, name=name, stats=told, views={})


class Cameras:
    """All cameras below a base topic, by their messages."""

    def __init__(self, base: str) -> None:
        """Know none yet; ``base`` is `mqtt.base` of the cameras."""
        self._prefix = f"{base}/"
        self._cameras: dict[str, CameraStatus] = {}

    def topics(self) -> list[str]:
        """List the topics to subscribe to."""
        return [f"{self._prefix}+/{name}" for name in (*TOPICS, *(f"+/{name}" for name in OF_VIEWS))]

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
                    camera = _with_event(camera, event)
                case _:
                    view, _, kind = kind.partition("/")
                    camera = _with_view(camera, view, kind, payload)
        except ValueError:
            return None
        if name in self._cameras or len(self._cameras) < MOST:
            self._cameras[name] = camera
        return event


def _with_event(camera: CameraStatus, event: EventPayload) -> CameraStatus:
    if not event.view:  # of its one view, or of that without a name
        return replace(camera, event=event)
    if event.view not in camera.views:
        return camera
    return replace(camera, views={**camera.views, event.view: replace(camera.views[event.view], event=event)})


def _with_view(camera: CameraStatus, name: str, kind: str, payload: bytes) -> CameraStatus:
    """Take in what is told of a view.

    Raises:
        ValueError: it is none.
    """
    if name in TAKEN or kind not in OF_VIEWS or (name not in camera.views and len(camera.views) >= MOST_VIEWS):
        message = f"{name}/{kind}"
        raise ValueError(message)
    if not payload:  # it is gone
        return replace(camera, views={view: each for view, each in camera.views.items() if view != name})
    view = camera.views.get(name, ViewStatus())
    if kind == "state":
        view = replace(view, state=msgspec.json.decode(payload, type=StatePayload))
    else:
        view = replace(view, enabled=payload != b"OFF")
    return replace(camera, views={**camera.views, name: view})
