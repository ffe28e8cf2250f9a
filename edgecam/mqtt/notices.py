"""What the publisher is told: complete from the moment it is decided, so that nothing is looked up late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.camera.frames import Notice
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload, ModelPayload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.frames import Frame
    from edgecam.camera.view import View
    from edgecam.events.labels import Labels
    from edgecam.events.tracker import Event
    from edgecam.mqtt.clock import Clock
    from edgecam.mqtt.connection import Connection


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose events these are.

    Attributes:
        root: what the camera's topics begin with, before a slash.
        camera: its name.
        view: the name of the view; empty where the camera has but one.
    """

    root: str
    camera: str
    view: str = ""

    def topic(self, name: str) -> str:
        """Return the full topic of ``state`` and the like, which each view has its own of."""
        return "/".join(part for part in (self.root, self.view, name) if part)


@dataclass(frozen=True, slots=True)
class Happened(Notice):
    """A step in the life of an event.

    Attributes:
        origin: whose it is.
        payload: what is told of it.
        stepped_ns: by how much the system's clock had been set when its times were told, see `Times.stepped_ns`.
    """

    origin: Origin
    payload: EventPayload
    stepped_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Picture(Notice):
    """The frame that shows an event best so far.

    Attributes:
        origin: whose event it is.
        event_id: that of the event.
        label: the event's.
        score: the label's in this very frame, 0..1; not smoothed, unlike the event's.
        frame_time: when it was exposed, in ISO 8601.
        frame: as the source gave it.
        view: what people may see of it.
    """

    origin: Origin
    event_id: str
    label: str
    score: float
    frame_time: str
    frame: Frame
    view: View

    def image(self) -> NDArray[np.uint8]:
        """Return what people may see, uint8 [height, width, 3] in BGR."""
        return self.view.picture(self.frame)


def happened(event: Event, origin: Origin, labels: Labels, model: ModelPayload, clock: Clock) -> Happened:
    """Say what happened in words and times of day, at once: labels, model, names and clock may be others soon."""
    if event.type == "new":
        clock.follow()
    times = clock.times()
    payload = EventPayload(
        schema=SCHEMA,
        id=event.id,
        type=event.type,
        camera=origin.camera,
        label=labels.names[event.label],
        index=labels.indices[event.label],
        score=round(event.score, 4),
        top_score=round(event.top_score, 4),
        frame_time=times.iso(event.frame_ns),
        start_time=times.iso(event.start_ns),
        end_time=None if event.end_ns is None else times.iso(event.end_ns),
        top=tuple(LabelPayload(labels.names[place], round(score, 4)) for place, score in event.top),
        model=model,
        clock_set=clock.is_set(),
    )
    return Happened(origin, payload, times.stepped_ns)


@dataclass(frozen=True, slots=True)
class Switched(Notice):
    """What was switched, for the inference worker and then for those outside: so it is told when it is in force.

    Attributes:
        enabled: frames are taken and classified.
        threshold: events begin from this score on, 0..1.
        view: the name of the view; empty where the camera has but one.
    """

    enabled: bool
    threshold: float
    view: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SettingsChange(Notice):
    """From here on other settings hold, and another connection where one is given."""

    settings: config.Config
    connection: Connection | None = None
