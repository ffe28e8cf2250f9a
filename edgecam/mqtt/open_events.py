"""The events that have begun and not ended: what the next start needs to know of them, and how they go on.

An event of the kind ``state`` outlives the run in which it began. The tracker of a run, or of a model, knows nothing
of those before it: for the first label that it decides it tells a new event. Where the same label was open, that
stands for the open one from there on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from edgecam.mqtt.clock import shifted
from edgecam.mqtt.messages import ended, moved, read_left
from edgecam.mqtt.outbox_file import OpenEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgecam.mqtt.payloads import EventPayload

NAMES = 32  # of events that trackers told lately, by which pictures may still come


class Told(NamedTuple):
    """A step in the life of an event that is to be told.

    Attributes:
        view: the name of the view.
        topic: where it goes.
        payload: what it says.
    """

    view: str
    topic: str
    payload: EventPayload


@dataclass(frozen=True, slots=True)
class _Open:
    """An event that has not ended.

    Attributes:
        topic: where it is told.
        payload: its last step; its ``frame_time`` is when its label was seen last.
        begun_here: it began in this run, whose clock told ``start_time``.
        seen_here: likewise of ``frame_time``.
        is_certain: the label is seen now.
        is_dated: ``start_time`` was told by a clock that was set.
    """

    topic: str
    payload: EventPayload
    begun_here: bool = True
    seen_here: bool = True
    is_certain: bool = True
    is_dated: bool = True

    @property
    def lasts(self) -> bool:
        """Whether it may outlive the run."""
        return is_lasting(self.payload)

    def at(self, moment: str) -> _Open:
        """Return it as it was seen at a moment, which a clock that was wrong may tell before its start."""
        return replace(self, payload=_seen(self.payload, moment), seen_here=True)

    def continued(self, step: EventPayload) -> EventPayload:
        """Return a step that a tracker tells as one of this event."""
        ours = msgspec.structs.replace(
            step,
            id=self.payload.id,
            start_time=self.payload.start_time,
            end_time=step.end_time and max(step.end_time, self.payload.start_time),
            top_score=max(self.payload.top_score, step.top_score),
            clock_set=step.clock_set and (self.begun_here or self.is_dated),
        )
        return _seen(ours, step.frame_time)


class OpenEvents:
    """Follows what the trackers tell, one open event a view; pure: what happens is told in, and returned.

    For each ``new`` that it returns it returns one ``end``, in this run or in a later one.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._open: dict[str, _Open] = {}
        self._names: dict[str, deque[tuple[str, str]]] = {}  # by view: what the tracker calls an event, and its id
        self._over: deque[str] = deque(maxlen=NAMES)  # what trackers call events that were ended before they told so

    @property
    def now(self) -> Mapping[str, EventPayload]:
        """The last step of each open event, by view."""
        return {view: event.payload for view, event in self._open.items()}

    def to_keep(self) -> dict[str, OpenEvent]:
        """Return what the next start needs to know, by view."""
        return {view: OpenEvent(each.topic, msgspec.json.encode(each.payload)) for view, each in self._open.items()}

    def keep(self, view: str, left: OpenEvent) -> EventPayload | None:
        """Take over what an earlier run left open, if it can go on; return its last step then."""
        payload = read_left(left)
        if view in self._open or not payload or not is_lasting(payload):
            return None
        self._open[view] = _Open(
            left.topic, payload, begun_here=False, seen_here=False, is_certain=False, is_dated=payload.clock_set
        )
        return payload

    def follow(self, view: str, topic: str, payload: EventPayload) -> list[Told]:
        """Take in a step that the tracker of a view tells; return those that are to be told instead."""
        if payload.type == "new":
            return self._begin(view, topic, payload)
        event = self._open.get(view)
        if payload.id in self._over:
            return []
        if is_lasting(payload):
            if not event or event.payload.id != self.id_of(view, payload.id):
                return []
            topic, payload = event.topic, event.continued(payload)
        if payload.type == "end":
            self._open.pop(view, None)
        else:
            self._open[view] = replace(event or _Open(topic, payload), topic=topic, payload=payload, seen_here=True)
        return [Told(view, topic, payload)]

    def be_certain(self, view: str, moment: str, *, certain: bool) -> None:
        """Take in whether a lasting event's label is seen, and when it was seen last."""
        event = self._open.get(view)
        if event and event.lasts:
            self._open[view] = replace(event.at(moment), is_certain=certain)

    def go_on(self, moment: str) -> None:
        """Take in that what is seen was still there at a moment."""
        for view, event in self._open.items():
            if event.is_certain:
                self._open[view] = event.at(moment)

    def end(self, view: str) -> list[Told]:
        """End the event of a view, if one is open, when its label was seen last: its tracker need not tell it."""
        event = self._open.pop(view, None)
        if not event:
            return []
        self._over.extend(called for called, of in self._names.get(view, ()) if of == event.payload.id)
        return [Told(view, event.topic, ended(event.payload))]

    def id_of(self, view: str, called: str) -> str:
        """Return the id under which an event is told that the tracker of a view calls by another."""
        return dict(self._names.get(view, ())).get(called, called)

    def shift(self, step_ns: int) -> None:
        """Correct what this run's clock told, as the system's clock was set by ``step_ns`` nanoseconds."""
        for view, event in self._open.items():
            if event.begun_here:
                self._open[view] = replace(event, payload=moved(event.payload, step_ns))
            elif event.seen_here:
                seen = event.at(shifted(event.payload.frame_time, step_ns))
                dated = msgspec.structs.replace(seen.payload, clock_set=event.is_dated)
                self._open[view] = replace(seen, payload=dated)

    def _begin(self, view: str, topic: str, payload: EventPayload) -> list[Told]:
        event, told = self._open.get(view), []
        if event and (event.lasts or is_lasting(payload)):
            is_same = (event.payload.label, event.topic, event.payload.kind) == (payload.label, topic, payload.kind)
            if is_same:
                self._call(view, payload.id, event.payload.id)
                self._open[view] = replace(event, payload=event.continued(payload), seen_here=True, is_certain=True)
                return []
            told = self.end(view)
        self._call(view, payload.id, payload.id)
        self._open[view] = _Open(topic, payload)
        return [*told, Told(view, topic, payload)]

    def _call(self, view: str, called: str, event_id: str) -> None:
        self._names.setdefault(view, deque(maxlen=NAMES)).append((called, event_id))


def is_lasting(payload: EventPayload) -> bool:
    """Whether an event may outlive the run in which it began."""
    return payload.kind == "state"


def _seen(payload: EventPayload, moment: str) -> EventPayload:
    return msgspec.structs.replace(payload, frame_time=max(moment, payload.start_time))
