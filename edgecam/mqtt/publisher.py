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
from edgecam.camera.jpeg import jpeg
from edgecam.camera.view import view_of
from edgecam.daemon.pipeline import PipelineChange
from edgecam.daemon.switches import Switches
from edgecam.events.snapshots import Snapshot
from edgecam.events.tracker import Event
from edgecam.kept import announced_file, outbox_file
from edgecam.mqtt.clock import shifted
from edgecam.mqtt.commands import Announce
from edgecam.mqtt.connection import Connection
from edgecam.mqtt.delivery import Delivery
from edgecam.mqtt.homeassistant import Announced, announcement, announcement_topic
from edgecam.mqtt.messages import corrected, corrected_message, end_of, log_event, message_of, payload_of, still_open
from edgecam.mqtt.outbox import Outbox
from edgecam.mqtt.outbox_file import OpenEvent
from edgecam.mqtt.payloads import SCHEMA, EventPayload, SnapshotPayload, StatePayload, StatsPayload
from edgecam.rollout.record import ModelState

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam import config
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.daemon.stats import Stats
    from edgecam.mqtt.clock import Clock
    from edgecam.mqtt.commands import Command

logger = logging.getLogger(__name__)

OFFLINE_S = 0.3
STALE = 3  # stats intervals after which stats tell nothing any more
NOTED_S = 60.0  # how often it is noted that an event goes on, for the end that the next start makes after a crash


@dataclass(frozen=True, slots=True)
class _Connection:
    to: Connection
    up: bool
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class _Delivered:
    by: Connection
    mid: int


@dataclass(frozen=True, slots=True)
class _Settings:
    settings: config.Config
    connection: Connection | None


@dataclass(frozen=True, slots=True)
class _Finish:
    grace_s: float


_Item = Event | Notice | Switches | Announce | ModelState | _Connection | _Delivered | _Settings | _Finish
Inbox = queue.SimpleQueue[_Item]


class Publisher:
    """Takes what happened from any thread and publishes it in order; what belongs to it is touched by its thread only.

    Every event goes through the outbox: it is saved there before it is sent, and removed when the broker has
    acknowledged it. What comes at the same time is saved at once.
    """

    def __init__(
        self,
        settings: config.Config,
        pipeline: Pipeline,
        clock: Clock,
        stats: Stats,
        switches: Switches,
        rollout: ModelState,
        inbox: Inbox,
        *,
        on_report: Callable[[StatePayload, StatsPayload], None],
        on_event: Callable[[EventPayload], None] = lambda _event: None,
        on_command: Callable[[Command], None],
    ) -> None:
        """Prepare the connection.

        Args:
            settings: all of them.
            pipeline: what the first events are decided by.
            clock: tells the time of day.
            stats: what is reported.
            switches: what is published as ``enabled/state`` and ``threshold/state``.
            rollout: what is published as ``model/state``, if models may come over MQTT.
            inbox: into which any thread puts what happened or was switched.
            on_report: called in the publisher's thread with what it publishes as stats.
            on_event: called in the publisher's thread with each event that was saved.
            on_command: called in the connection's thread with what was ordered.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        self._inbox = inbox
        self._settings = settings
        self._pipeline = pipeline
        self._clock = clock
        self._stats = stats
        self._switches = switches
        self._rollout = rollout
        self._on_report = on_report
        self._on_event = on_event
        self._on_command = on_command
        self._noted_s = 0.0
        self._finish_at = math.inf
        self._state = StatePayload(None, 0.0, clock.iso(time.monotonic_ns()), None, "lost")
        self._states: list[StatePayload] = []  # to be told, after the events that made them
        self._decided: list[EventPayload] = []  # to be logged, when they are saved
        self._snapshots: list[Snapshot] = []  # to be published, after the events that they show
        self._mqtt = self.connection(settings)
        self._delivery = Delivery(self._mqtt)

    def connection(self, settings: config.Config) -> Connection:
        """Prepare a connection by other settings, for `change`; called by any thread.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        return Connection(
            settings,
            on_connect=lambda mqtt, renewed: self._inbox.put(_Connection(mqtt, up=True, renewed=renewed)),
            on_disconnect=lambda mqtt: self._inbox.put(_Connection(mqtt, up=False)),
            on_delivered=lambda mqtt, mid: self._inbox.put(_Delivered(mqtt, mid)),
            on_command=lambda command: (
                self._inbox.put(command) if isinstance(command, Announce) else self._on_command(command)
            ),
        )

    def change(self, settings: config.Config, connection: Connection | None) -> None:
        """Go on with other settings, and over another connection if one is given."""
        self._inbox.put(_Settings(settings, connection))

    def finish(self, grace_s: float) -> None:
        """Let `run` end when all is delivered, or after ``grace_s`` seconds."""
        self._inbox.put(_Finish(grace_s))

    def run(self) -> None:
        """Publish until `finish` is called."""
        self._announced = Announced(announced_file(self._settings.camera.name))
        self._outbox = self._outbox_of(self._settings)
        self._mqtt.start()
        report_at = time.monotonic() + self._settings.stats.interval
        while not self._is_finished():
            self._take_in(min(report_at, self._finish_at, self._outbox.due_s))
            if time.monotonic() >= self._outbox.due_s:
                self._outbox.save(time.monotonic())
            self._log_decided()
            self._delivery.send(self._outbox)
            self._tell_states()
            self._show_snapshots()
            if time.monotonic() >= report_at:
                report_at = time.monotonic() + self._settings.stats.interval
                self._report()
        self._report()
        self._mqtt.stop(OFFLINE_S)
        if self._outbox:
            logger.warning("%d events could not be delivered; they are kept for the next start", len(self._outbox))
        self._outbox.close(time.monotonic())

    def _outbox_of(self, settings: config.Config) -> Outbox:
        return Outbox(outbox_file(settings.camera.name), settings.outbox, time.monotonic(), end_of)

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
            if not self._decided:  # no event stands before them
                self._tell_states()
            self._handle(self._inbox.get())

    def _handle(self, item: _Item) -> None:
        match item:
            case Event():
                self._add_event(item)
            case Snapshot():
                self._snapshots.append(item)
            case CameraChange():
                self._change_state(msgspec.structs.replace(self._state, camera="online" if item.online else "lost"))
            case PipelineChange():
                self._pipeline = item.pipeline
            case _:
                self._handle_word(item)

    def _handle_word(self, item: _Item) -> None:
        """Handle what does not come from the camera."""
        match item:
            case Switches():
                self._switches = item
                self._tell_switches()
            case ModelState():
                self._rollout = item
                self._tell_rollout()
            case Announce():
                self._announce()
            case _Connection(to, up, renewed) if to is self._mqtt:  # one that was given up may still report
                self._change_connection(up=up, renewed=renewed)
            case _Delivered(by, mid) if by is self._mqtt:
                self._delivery.acknowledge(mid, self._outbox)
            case _Settings(settings, connection):
                self._change_settings(settings, connection)
            case _Finish(grace_s):
                self._finish_at = time.monotonic() + grace_s

    def _change_connection(self, *, up: bool, renewed: bool) -> None:
        if renewed:
            self._delivery = Delivery(self._mqtt)
        self._delivery.connected = up
        if up:
            self._announce()
            self._retain("availability", b"online")
            self._states = [self._state]
            self._tell_switches()
            self._tell_rollout()

    def _change_settings(self, settings: config.Config, connection: Connection | None) -> None:
        before, self._settings = self._settings, settings
        self._outbox.limit(settings.outbox)
        if _announced_at(settings) != _announced_at(before):
            self._withdraw()
        if settings.events.threshold != before.events.threshold:
            self._tell_switches()
        if connection is None:
            self._announce()
            return
        self._mqtt.stop(OFFLINE_S)
        self._mqtt, self._delivery = connection, Delivery(connection)  # what was not acknowledged is sent again
        if settings.camera.name != before.camera.name:
            old, self._outbox = self._outbox, self._outbox_of(settings)
            self._outbox.take_from(old)
            self._outbox.save(time.monotonic())
            old.close(time.monotonic())
            self._announced = Announced(announced_file(settings.camera.name))
        self._mqtt.start()

    def _follow_clock(self) -> None:
        """Correct what is not delivered yet when somebody has set the system's clock."""
        step_ns = self._clock.step_ns()
        if not step_ns:
            return
        logger.info("the system's clock was set by %+.1f s: undelivered events are corrected", step_ns / 1e9)
        self._outbox.correct(lambda message: corrected_message(message, step_ns))
        if opened := self._outbox.opened:
            self._outbox.opened = opened._replace(payload=corrected(opened.payload, step_ns))
        self._change_state(msgspec.structs.replace(self._state, since=shifted(self._state.since, step_ns)))

    def _add_event(self, event: Event) -> None:
        if event.type == "new":
            self._clock.follow()
        payload = payload_of(event, self._pipeline, self._settings.camera.name, self._clock)
        message = message_of(payload, self._mqtt.topic("events"))
        self._outbox.add(message)
        self._decided.append(payload)
        if event.type == "end":
            self._outbox.opened = None
            seen = {"label": None, "score": 0.0, "since": payload.end_time or payload.frame_time, "event_id": None}
        else:
            self._outbox.opened = OpenEvent(message.topic, message.payload)
            self._noted_s = time.monotonic()
            seen = {
                "label": payload.label,
                "score": payload.score,
                "since": payload.start_time,
                "event_id": event.id,
            }
        self._change_state(msgspec.structs.replace(self._state, **seen))

    def _change_state(self, state: StatePayload) -> None:
        if state != self._state:
            self._state = state
            self._states.append(state)

    def _tell_states(self) -> None:
        if self._delivery.connected:
            for state in self._states:
                self._retain("state", msgspec.json.encode(state))
        self._states.clear()

    def _show_snapshots(self) -> None:
        """Publish pictures, if that is allowed; what cannot be sent now is kept nowhere."""
        snapshots, self._snapshots = self._snapshots, []
        if not self._delivery.connected or not self._settings.privacy.snapshots:
            return
        for snapshot in snapshots:
            view = view_of(self._settings, self._pipeline.model.size)
            picture = jpeg(view.picture(snapshot.frame))
            about = SnapshotPayload(
                schema=SCHEMA,
                event_id=snapshot.event_id,
                label=self._pipeline.labels.names[snapshot.label],
                score=round(snapshot.score, 4),
                frame_time=self._clock.iso(snapshot.frame.exposed_ns),
                bytes=len(picture),
            )
            told = {name: str(value) for name, value in msgspec.structs.asdict(about).items()}
            self._mqtt.publish(self._mqtt.topic("snapshot/event"), msgspec.json.encode(about), qos=0, retain=False)
            self._mqtt.publish(self._mqtt.topic("snapshot"), picture, qos=0, retain=False, properties=told)

    def _log_decided(self) -> None:
        for event in self._decided:
            log_event(event)
            self._on_event(event)
        self._decided.clear()

    def _retain(self, name: str, payload: bytes) -> None:
        self._delivery.retain(self._mqtt.topic(name), payload)

    def _announce(self) -> None:
        """Let Home Assistant show the camera as the settings say."""
        if not self._delivery.connected:
            return
        topic, payload = announcement_topic(self._settings), announcement(self._settings)
        if self._announced.topic != (topic if payload else ""):
            self._withdraw()
        if payload:
            self._delivery.retain(topic, payload)
            self._announced.note(topic)

    def _withdraw(self) -> None:
        if self._announced.topic and self._delivery.connected:
            self._delivery.retain(self._announced.topic, b"")
            self._announced.note("")

    def _tell_switches(self) -> None:
        if self._delivery.connected:
            self._retain("enabled/state", b"ON" if self._switches.enabled else b"OFF")
            threshold = self._switches.threshold
            if threshold is None:
                threshold = self._settings.events.threshold
            self._retain("threshold/state", msgspec.json.encode(threshold))

    def _tell_rollout(self) -> None:
        if self._delivery.connected and self._settings.rollout.public_key:
            self._retain("model/state", self._rollout.text.encode())

    def _report(self) -> None:
        """Publish stats, and do what is to be done from time to time."""
        if self._clock.is_set():
            self._outbox.expire(time.time())
        if self._outbox.opened and time.monotonic() >= self._noted_s + NOTED_S:
            self._outbox.opened = still_open(self._outbox.opened, self._clock.iso(time.monotonic_ns()))
            self._noted_s = time.monotonic()
        report = self._stats.report(len(self._outbox), self._outbox.dropped, self._pipeline.payload)
        self._on_report(self._state, report)
        if self._delivery.connected:
            expiry_s = math.ceil(STALE * self._settings.stats.interval)
            payload = msgspec.json.encode(report)
            self._mqtt.publish(self._mqtt.topic("stats"), payload, qos=0, retain=True, expiry_s=expiry_s)


def _announced_at(settings: config.Config) -> tuple[str, str, int]:
    """Where Home Assistant finds the camera."""
    return announcement_topic(settings), settings.mqtt.host, settings.mqtt.port
