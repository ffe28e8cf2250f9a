"""Events on their way from the trackers to the outbox, and to what is told of each view."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from edgecam.kept import outbox_file
from edgecam.mqtt.clock import shifted
from edgecam.mqtt.messages import corrected_message, ended, message_of, moved, read_left
from edgecam.mqtt.open_events import OpenEvents, is_lasting
from edgecam.mqtt.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam import config
    from edgecam.mqtt.clock import Clock
    from edgecam.mqtt.notices import Certainty, Happened, Picture, ViewFacts
    from edgecam.mqtt.open_events import Told
    from edgecam.mqtt.outbox_file import Message, OpenEvent
    from edgecam.mqtt.payloads import EventPayload
    from edgecam.mqtt.states import States

logger = logging.getLogger(__name__)


class Events:
    """Puts events into the outbox, keeps there which are open, and follows in the states what they show.

    Attributes:
        decided: what was put into the outbox since `take_decided`.
    """

    def __init__(self, clock: Clock, views: Sequence[ViewFacts], states: States) -> None:
        """Begin with none; `open_outbox` comes before all else."""
        self.decided: list[EventPayload] = []
        self._clock = clock
        self._views = views
        self._states = states
        self._open = OpenEvents()
        self._noted_s = 0.0

    def open_outbox(self, settings: config.Config) -> Outbox:
        """Open a camera's outbox, for all events from now on; what an earlier run left open goes on, or is ended."""
        topic = events_topic(settings)

        def keeps(view: str, opened: OpenEvent) -> bool:
            if opened.topic != topic or not self._lasts(view):
                return False
            kept = self._open.keep(view, opened)
            if kept:
                self._states.be_certain(view, kept, certain=False)
            return kept is not None

        path = outbox_file(settings.camera.name)
        self._outbox = Outbox(path, settings.outbox, time.monotonic(), self._end_of, keeps)
        return self._outbox

    def take_decided(self) -> list[EventPayload]:
        """Return what was put into the outbox since the last call."""
        decided, self.decided = self.decided, []
        return decided

    def add(self, item: Happened) -> None:
        """Take in a step in the life of an event."""
        payload, view = item.payload, item.origin.view
        if late_ns := self._late_ns(item.stepped_ns):
            payload = moved(payload, late_ns)
        told = self._open.follow(view, f"{item.origin.root}/events", payload)
        self._tell(told)
        if payload.type != "end":
            self._noted_s = time.monotonic()
        if payload.type == "new" and not told:  # what was open goes on
            self._states.be_certain(view, self._open.now[view], certain=True)
        self._keep_open()

    def be_certain(self, item: Certainty) -> None:
        """Take in whether a label is still seen."""
        view = item.origin.view
        self._open.be_certain(view, shifted(item.last_certain, self._late_ns(item.stepped_ns)), certain=item.certain)
        if (event := self._open.now.get(view)) and is_lasting(event):
            self._states.be_certain(view, event, certain=item.certain)
        self._keep_open()

    def named(self, picture: Picture) -> Picture:
        """Return a picture with the id under which its event is told."""
        return replace(picture, event_id=self._open.id_of(picture.origin.view, picture.event_id))

    def change(self, views: Sequence[ViewFacts], before: config.Config, settings: config.Config) -> None:
        """Take over other views and settings; events that cannot go on are ended where they began."""
        goes = _place(settings) != _place(before)
        self._views = views
        names = {facts.name for facts in views}
        now = self._clock.iso(time.monotonic_ns())
        for view, event in list(self._open.now.items()):
            if view not in names or (is_lasting(event) and (goes or not self._lasts(view))):
                self._tell(self._open.end(view))
                if self._lasts(view):
                    self._states.forget(view, now)
        self._keep_open()
        self._states.become(views, now, are_several=bool(settings.views))

    def shift(self, step_ns: int) -> None:
        """Correct what is not delivered yet, as the system's clock was set by ``step_ns`` nanoseconds."""
        self._outbox.correct(lambda message: corrected_message(message, step_ns))
        self._open.shift(step_ns)
        self._keep_open()
        self._states.shift(step_ns, self._open.now)

    def note(self, now_s: float, every_s: float) -> None:
        """Note every so many seconds that what is seen is still there, for the end that a later run makes."""
        if now_s >= self._noted_s + every_s:
            self._open.go_on(self._clock.iso(time.monotonic_ns()))
            self._keep_open()
            self._noted_s = now_s

    def _lasts(self, view: str) -> bool:
        return any(facts.name == view and facts.kind == "state" for facts in self._views)

    def _end_of(self, view: str, opened: OpenEvent) -> Message | None:
        """End an event that an earlier run left open, if it can be."""
        left = read_left(opened)
        if left is None:
            return None
        logger.info("an event that an earlier run left open is ended now")
        payload = ended(left)
        self.decided.append(payload)
        return message_of(payload, opened.topic, view)

    def _tell(self, told: list[Told]) -> None:
        for view, topic, payload in told:
            self._outbox.add(message_of(payload, topic, view))
            self.decided.append(payload)
            self._states.follow(view, payload)

    def _late_ns(self, stepped_ns: int) -> int:
        """By how much the clock was set since something was decided, when it had been set by ``stepped_ns``."""
        return self._clock.times().stepped_ns - stepped_ns

    def _keep_open(self) -> None:
        self._outbox.opened = self._open.to_keep()


def events_topic(settings: config.Config) -> str:
    """Return where events are told."""
    return f"{settings.root}/events"


def broker_of(settings: config.Config) -> tuple[str, int]:
    """Return whom they are told."""
    return settings.mqtt.host, settings.mqtt.port


def _place(settings: config.Config) -> tuple[object, ...]:
    return *broker_of(settings), settings.root
