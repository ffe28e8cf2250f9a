"""What the publisher is told: complete from the moment it is decided, so that nothing is looked up late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET

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

Kind = Literal["visit", "state"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose events these are.

    Attributes:
        root: what the camera's topics begin with, before a slash.
        camera: its name.
        view: the name of the view; empty where the camera has but one.
        is_told: the camera has several views, so that each event tells of which it is.
    """

    root: str
    camera: str
    view: str = ""
    is_told: bool = False

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


@dataclass(frozen=True, slots=True)
class Certainty(Notice):
    """Whether the label of a view of the kind ``state`` is still seen; told when that changes.

    Attributes:
        origin: whose label it is.
        certain: it is seen.
        last_certain: when it was seen last, in ISO 8601.
        stepped_ns: as in `Happened`.
    """

    origin: Origin
    certain: bool
    last_certain: str
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


def happened(event: Event, origin: Origin, labels: Labels, model: ModelPayload, clock: Clock, kind: Kind) -> Happened:
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
        view=origin.view if origin.is_told else UNSET,
        kind=kind if origin.is_told or kind == "state" else UNSET,
    )
    return Happened(origin, payload, times.stepped_ns)


@dataclass(frozen=True, slots=True)
class Switched(Notice):
    """What was switched, for the inference worker and then for those outside: so it is told when it is in force.

    Attributes:
        enabled: frames are taken and classified.
        threshold: what is told of it: events begin from this score on, 0..1; None: where the model says.
        view: the name of the view; empty: what is ordered for the camera, and its one view or that without a name.
        ordered: the score that was ordered for the view, or for the camera; None: what the settings say counts.
    """

    enabled: bool
    threshold: float | None
    view: str = ""
    ordered: float | None = None


@dataclass(frozen=True, slots=True)
class ViewFacts:
    """What those outside need know of a view.

    Attributes:
        name: empty where the camera has but one, and for one of several.
        kind: what is asked: who comes by, or which of its states something has.
        labels: those that may begin events, in the model's order; none while the view is out.
        error: why it is out, in a line; None: it is not.
    """

    name: str = ""
    kind: Kind = "visit"
    labels: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ViewsChange(Notice):
    """From here on these are the views, at least one; their order is that of the settings."""

    views: tuple[ViewFacts, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SettingsChange(Notice):
    """From here on other settings hold, and other views, and another connection where one is given."""

    settings: config.Config
    views: tuple[ViewFacts, ...]
    connection: Connection | None = None
