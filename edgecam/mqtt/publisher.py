"""The publisher: from events to the broker."""

from __future__ import annotations

import logging
import math
import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.frames import CameraChange, Notice
from edgecam.kept import forget_kept, outbox_file
from edgecam.mqtt.board import Board
from edgecam.mqtt.commands import Announce
from edgecam.mqtt.connection import Connection
from edgecam.mqtt.delivery import Delivery
from edgecam.mqtt.events import Events, broker_of
from edgecam.mqtt.messages import log_event
from edgecam.mqtt.notices import Certainty, Happened, Picture, SettingsChange, Switched, ViewFacts, ViewsChange
from edgecam.mqtt.pictures import show
from edgecam.mqtt.states import States
from edgecam.rollout.record import ModelState

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam import config
    from edgecam.mqtt.clock import Clock
    from edgecam.mqtt.commands import Command
    from edgecam.mqtt.link import Link
    from edgecam.mqtt.payloads import EventPayload, StatePayload, StatsPayload

logger = logging.getLogger(__name__)

OFFLINE_S = 0.3
LEAVE_S = 2.0  # for another broker to be left: what was retained there is cleared, an event is ended
STALE = 3  # stats intervals after which stats tell nothing any more
TEND_S = 10.0  # how often it is looked whether the clock was set, and for what is too old to be sent
NOTED_S = 60.0  # how often it is noted that an event goes on, for the end that the next start makes after a crash


@dataclass(frozen=True, slots=True)
class _LinkChange:
    """A connection is there, with a link to the broker, or it is lost."""

    of: Connection
    link: Link | None


@dataclass(frozen=True, slots=True)
class _Delivered:
    by: Connection
    number: int


@dataclass(frozen=True, slots=True)
class _Finish:
    grace_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Leaving:
    """The broker of before is left when it has got what it is to get, at the latest at ``until_s``."""

    change: SettingsChange
    until_s: float
    before: int  # the number of the first message that is for the next broker


_Item = Notice | Announce | ModelState | _LinkChange | _Delivered | _Finish
Inbox = queue.SimpleQueue[_Item]


class Publisher:
    """Takes what happened from any thread and publishes it in order; what belongs to it is touched by its thread only.

    Every event goes through the outbox: it is saved there before it is sent, and removed when the broker has
    acknowledged it. What comes at the same time is saved at once.
    """

    def __init__(
        self,
        settings: config.Config,
        clock: Clock,
        switched: Switched,
        model_state: ModelState,
        inbox: Inbox,
        report: Callable[[int, int], StatsPayload],
        *,
        views: tuple[ViewFacts, ...] = (ViewFacts(),),
        on_event: Callable[[EventPayload], None],
        on_report: Callable[[StatePayload, StatsPayload], None],
        on_command: Callable[[Command], None],
    ) -> None:
        """Prepare the connection.

        Args:
            settings: all of them.
            clock: tells the time of day.
            switched: what is published as ``enabled/state`` and ``threshold/state``.
            model_state: what is published as ``model/state``, if models may come over MQTT.
            inbox: into which any thread puts what happened or was switched.
            report: returns stats, from the numbers of events that are undelivered and that were given up.
            views: of the camera, at least one; what is switched of those with a name, and how their models go, is told
                into the inbox.
            on_event: called in the publisher's thread with each event when it is saved.
            on_report: called in the publisher's thread with what the first view sees, and what it publishes as stats.
            on_command: called in the connection's thread with what was ordered.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        self._inbox = inbox
        self._settings = settings
        self._clock = clock
        self._switched, self._model_state = switched, model_state  # of the beginning; then they are on the board
        self._make_report = report
        self._on_event = on_event
        self._on_report = on_report
        self._on_command = on_command
        self._views = views
        self._finish_at = math.inf
        # Of a camera at rest nothing says that it is lost.
        states = States(self._now(), online=not switched.enabled, views=views, are_several=bool(settings.views))
        self._states = states
        self._events = Events(clock, views, states)
        self._pictures: list[Picture] = []  # to be published, after the events that they show
        self._leaving: _Leaving | None = None
        self._met: Link | None = None  # to a broker that was told nothing yet
        self._connection = self.connection(settings)
        self._delivery = Delivery()

    def connection(self, settings: config.Config) -> Connection:
        """Prepare a connection by other settings, for a `SettingsChange`; called by any thread.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        return Connection(
            settings,
            on_connect=lambda connection, link: self._inbox.put(_LinkChange(connection, link)),
            on_disconnect=lambda connection: self._inbox.put(_LinkChange(connection, None)),
            on_delivered=lambda connection, number: self._inbox.put(_Delivered(connection, number)),
            on_command=lambda command: (
                self._inbox.put(command) if isinstance(command, Announce) else self._on_command(command)
            ),
        )

    def finish(self, grace_s: float) -> None:
        """Let `run` end when all is delivered, or after ``grace_s`` seconds."""
        self._inbox.put(_Finish(grace_s))

    def run(self) -> None:
        """Publish until `finish` is called."""
        known = self._settings, self._views, self._states, self._switched, self._model_state
        self._board = Board(*known, self._delivery)
        self._outbox = self._events.open_outbox(self._settings)
        self._board.put_all()
        self._connection.start()
        self._reported_s = self._tended_s = time.monotonic()
        while not self._is_finished():
            self._take_in(self._wake_at())
            if time.monotonic() >= self._outbox.due_s:
                self._outbox.save(time.monotonic())
            self._tell_decided()
            self._send()
            self._board.tell_states()
            self._show_pictures()
            if self._leaving and self._is_left(self._leaving):
                self._move(self._leaving.change)
            if time.monotonic() >= self._tended_s + TEND_S:
                self._tend()
            if time.monotonic() >= self._reported_s + self._settings.stats.interval:
                self._report()
        if self._leaving:  # events and all else are the other one's by now
            self._move(self._leaving.change)
        self._report()
        self._connection.stop(OFFLINE_S)
        if self._outbox:
            logger.warning("%d events could not be delivered; they are kept for the next start", len(self._outbox))
        self._outbox.close(time.monotonic())

    def _wake_at(self) -> float:
        return min(
            self._reported_s + self._settings.stats.interval,
            self._tended_s + TEND_S,
            self._finish_at,
            self._outbox.due_s,
            self._leaving.until_s if self._leaving else math.inf,
        )

    def _is_finished(self) -> bool:
        if self._finish_at == math.inf:
            return False
        return time.monotonic() >= self._finish_at or not (self._outbox or not self._delivery.is_idle())

    def _take_in(self, wake_at: float) -> None:
        """Wait for what happened, at most until ``wake_at``, and handle all that is there."""
        try:
            item = self._inbox.get(timeout=max(0.0, wake_at - time.monotonic()))
        except queue.Empty:
            return
        self._follow_clock()
        self._handle(item)
        while not self._inbox.empty():
            if not self._events.decided:  # no event stands before them
                self._board.tell_states()
            self._handle(self._inbox.get())

    def _handle(self, item: _Item) -> None:
        match item:
            case Happened():
                self._events.add(item)
            case Certainty():
                self._events.be_certain(item)
            case Picture():
                self._pictures.append(self._events.named(item))
            case CameraChange():
                self._states.follow_camera(online=item.online)
            case SettingsChange():
                self._change_settings(item)
            case ViewsChange(views):
                self._change_views(views)
            case Switched():
                self._board.switch(item)
            case _:
                self._handle_word(item)

    def _handle_word(self, item: _Item) -> None:
        """Handle what does not come in the line of frames."""
        match item:
            case ModelState():
                self._board.tell_model(item)
            case Announce():
                self._board.greet()
            case _LinkChange(of, link) if of is self._connection:  # one that was given up may still report
                self._change_link(link)
            case _Delivered(by, number) if by is self._connection:
                if cleared := self._delivery.acknowledge(number, self._outbox):
                    self._board.take_cleared(cleared)
            case _Finish(grace_s):
                self._finish_at = time.monotonic() + grace_s

    def _change_link(self, link: Link | None) -> None:
        if self._leaving:  # a broker that is left is not come back to
            link = None
        self._met = link
        if link is None:
            self._delivery.end()

    def _send(self) -> None:
        """Send what waits; a broker that was just met is told of all else behind it, as that came of it."""
        met, self._met = self._met, None
        if met:
            self._board.tell_states()
            self._delivery.begin(met, self._outbox)
        self._delivery.send(self._outbox, self._leaving.before if self._leaving else math.inf)
        if met:
            self._board.tell_all()

    def _change_settings(self, change: SettingsChange) -> None:
        if self._leaving:  # the second change in two seconds
            self._move(self._leaving.change)
        self._views = change.views
        self._events.change(change.views, self._settings, change.settings)
        if change.connection is None:
            self._settings = change.settings
            self._outbox.limit(change.settings.outbox)
            self._board.take(change.settings, change.views)
            self._board.announce()
        elif self._delivery.connected and broker_of(change.settings) != broker_of(self._settings):
            self._board.clear()
            self._board.over(Delivery())  # what is told meanwhile is not for this one
            self._leaving = _Leaving(change, time.monotonic() + LEAVE_S, self._outbox.next_number)
        else:
            self._move(change)

    def _change_views(self, views: tuple[ViewFacts, ...]) -> None:
        settings = self._leaving.change.settings if self._leaving else self._settings
        self._views = views
        self._events.change(views, settings, settings)
        self._board.take(self._settings, views)
        self._board.announce()

    def _is_left(self, leaving: _Leaving) -> bool:
        waits = any(number < leaving.before for number, _ in self._outbox.oldest(1))
        return (
            time.monotonic() >= leaving.until_s
            or not self._delivery.connected
            or not (waits or not self._delivery.is_idle())
        )

    def _move(self, change: SettingsChange) -> None:
        """Go on over another connection, and under another name if the settings have one."""
        self._leaving = None
        before, is_same_broker = self._settings, broker_of(change.settings) == broker_of(self._settings)
        goes = not is_same_broker or change.settings.root != before.root
        if goes and is_same_broker:
            self._board.clear()  # the next connection sees to it
        self._settings = change.settings
        self._connection.stop(OFFLINE_S, last=b"" if goes else b"offline")
        if change.connection:
            self._connection = change.connection
        self._met = None
        self._delivery.end()
        if not is_same_broker:
            self._delivery = Delivery()
            self._board.over(self._delivery)
        self._outbox.limit(change.settings.outbox)
        if change.settings.camera.name != before.camera.name:
            old, self._outbox = self._outbox, self._events.open_outbox(change.settings)
            self._outbox.take_from(old)
            self._outbox.save(time.monotonic())
            old.close(time.monotonic())
            forget_kept(outbox_file(before.camera.name))
        self._board.take(change.settings, self._views)  # which may have changed while a broker was left
        self._board.put_all()
        self._connection.start()

    def _follow_clock(self) -> None:
        """Correct what is not delivered yet when somebody has set the system's clock."""
        if step_ns := self._clock.step_ns():
            logger.info("the system's clock was set by %+.1f s: undelivered events are corrected", step_ns / 1e9)
            self._events.shift(step_ns)

    def _show_pictures(self) -> None:
        """Publish pictures, if that is allowed; what cannot be sent now is kept nowhere."""
        pictures, self._pictures = self._pictures, []
        if not self._is_there or not self._settings.privacy.snapshots:
            return
        for picture in pictures:
            show(picture, self._delivery)

    def _tell_decided(self) -> None:
        for payload in self._events.take_decided():
            log_event(payload)
            self._on_event(payload)

    @property
    def _is_there(self) -> bool:
        """Whether the broker that is to be told of what comes is connected."""
        return self._delivery.connected and not self._leaving

    def _tend(self) -> None:
        """Do what is to be done from time to time."""
        self._tended_s = time.monotonic()
        self._follow_clock()  # before anything is found too old by it
        if self._clock.is_set():
            self._outbox.expire(self._clock.seconds(time.monotonic_ns()))
        self._events.note(time.monotonic(), NOTED_S)

    def _now(self) -> str:
        return self._clock.iso(time.monotonic_ns())

    def _report(self) -> None:
        """Publish stats."""
        self._reported_s = time.monotonic()
        report = self._make_report(len(self._outbox), self._outbox.dropped)
        self._on_report(next(iter(self._states.now.values())), report)
        if self._is_there:
            expiry_s = math.ceil(STALE * self._settings.stats.interval)
            payload = msgspec.json.encode(report)
            self._delivery.publish(f"{self._settings.root}/stats", payload, retain=True, expiry_s=expiry_s)
