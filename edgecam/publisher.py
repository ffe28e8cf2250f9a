"""The publisher: from events to the broker."""

from __future__ import annotations

import logging
import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.classifier import ClassifierChange
from edgecam.events import Event
from edgecam.frames import CameraChange, Notice
from edgecam.mqtt import IN_FLIGHT, Mqtt
from edgecam.outbox import Outbox
from edgecam.payloads import SCHEMA, EventPayload, LabelPayload, StatePayload, StatsPayload
from edgecam.state import outbox_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam import config
    from edgecam.classifier import Classifier
    from edgecam.clock import Clock
    from edgecam.stats import Stats

logger = logging.getLogger(__name__)

OFFLINE_S = 0.3


@dataclass(frozen=True, slots=True)
class _Connection:
    to: Mqtt
    up: bool


@dataclass(frozen=True, slots=True)
class _Delivered:
    by: Mqtt
    mid: int


@dataclass(frozen=True, slots=True)
class _Settings:
    settings: config.Config
    connection: Mqtt | None


@dataclass(frozen=True, slots=True)
class _Finish:
    grace_s: float


class Publisher:
    """Takes what happened from any thread and publishes it in order; what belongs to it is touched by its thread only.

    Every event goes through the outbox: it is added before it is sent and removed when the broker acknowledged it.
    """

    def __init__(
        self,
        settings: config.Config,
        classifier: Classifier,
        clock: Clock,
        stats: Stats,
        on_report: Callable[[StatePayload, StatsPayload], None],
    ) -> None:
        """Prepare the connection; ``on_report`` is called in the publisher's thread with what it publishes as stats.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        self._inbox: queue.SimpleQueue[Event | Notice | _Connection | _Delivered | _Settings | _Finish] = (
            queue.SimpleQueue()
        )
        self._settings = settings
        self._classifier = classifier
        self._clock = clock
        self._stats = stats
        self._on_report = on_report
        self._connected = False
        self._in_flight: dict[int, int | None] = {}  # paho's number of a message to the outbox's, None for others
        self._sent_up_to = 0
        self._finish_at: float | None = None
        self._state = StatePayload(None, 0.0, clock.iso(time.monotonic_ns()), None, "lost")
        self._mqtt = self.connection(settings)

    def connection(self, settings: config.Config) -> Mqtt:
        """Prepare a connection by other settings, for `change`; called by any thread.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        return Mqtt(
            settings.mqtt,
            settings.camera.name,
            on_connect=lambda mqtt: self._inbox.put(_Connection(mqtt, up=True)),
            on_disconnect=lambda mqtt: self._inbox.put(_Connection(mqtt, up=False)),
            on_delivered=lambda mqtt, mid: self._inbox.put(_Delivered(mqtt, mid)),
        )

    def put(self, item: Event | Notice) -> None:
        """Hand over what happened; called by any thread, never blocks."""
        self._inbox.put(item)

    def change(self, settings: config.Config, connection: Mqtt | None) -> None:
        """Go on with other settings, and over another connection if one is given."""
        self._inbox.put(_Settings(settings, connection))

    def finish(self, grace_s: float) -> None:
        """Let `run` end when all is delivered, or after ``grace_s`` seconds."""
        self._inbox.put(_Finish(grace_s))

    def run(self) -> None:
        """Publish until `finish` is called."""
        self._outbox = Outbox(outbox_file(self._settings.camera.name))
        self._mqtt.start()
        report_at = time.monotonic() + self._settings.stats.interval
        while not self._is_finished():
            wake_at = report_at if self._finish_at is None else min(report_at, self._finish_at)
            try:
                item = self._inbox.get(timeout=max(0.0, wake_at - time.monotonic()))
            except queue.Empty:
                pass
            else:
                self._handle(item)
            if time.monotonic() >= report_at:
                report_at = time.monotonic() + self._settings.stats.interval
                self._publish_stats()
        self._publish_stats()
        self._mqtt.stop(OFFLINE_S)
        if self._outbox:
            logger.warning("%d events could not be delivered; they are kept for the next start", len(self._outbox))
        self._outbox.close()

    def _is_finished(self) -> bool:
        if self._finish_at is None:
            return False
        return time.monotonic() >= self._finish_at or not (self._outbox or self._in_flight)

    def _handle(self, item: Event | Notice | _Connection | _Delivered | _Settings | _Finish) -> None:
        match item:
            case Event():
                self._add_event(item)
            case CameraChange():
                self._change_state(msgspec.structs.replace(self._state, camera="online" if item.online else "lost"))
            case ClassifierChange():
                self._classifier = item.classifier
            case _Connection(to, up) if to is self._mqtt:  # one that was given up may still report
                self._change_connection(up=up)
            case _Delivered(by, mid) if by is self._mqtt:
                self._forget(mid)
            case _Settings(settings, connection):
                self._change_settings(settings, connection)
            case _Finish(grace_s):
                self._finish_at = time.monotonic() + grace_s
        self._send()

    def _change_connection(self, *, up: bool) -> None:
        self._connected = up
        if up:
            self._in_flight_put(self._mqtt.topic("availability"), b"online")
            self._publish_state()

    def _forget(self, mid: int) -> None:
        number = self._in_flight.pop(mid, None)
        if number is not None:
            self._outbox.remove(number)

    def _change_settings(self, settings: config.Config, connection: Mqtt | None) -> None:
        before, self._settings = self._settings, settings
        if connection is None:
            return
        self._mqtt.stop(OFFLINE_S)
        self._mqtt, self._connected = connection, False
        self._in_flight.clear()
        self._sent_up_to = 0  # what was not acknowledged is sent again
        if settings.camera.name != before.camera.name:
            old, self._outbox = self._outbox, Outbox(outbox_file(settings.camera.name))
            self._outbox.take_from(old)
            old.close()
        self._mqtt.start()

    def _add_event(self, event: Event) -> None:
        if event.type == "new":
            self._clock.follow()
        labels = self._classifier.labels
        name, index = labels.names[event.label], labels.indices[event.label]
        payload = EventPayload(
            schema=SCHEMA,
            id=event.id,
            type=event.type,
            camera=self._settings.camera.name,
            label=name,
            index=index,
            score=round(event.score, 4),
            top_score=round(event.top_score, 4),
            frame_time=self._clock.iso(event.frame_ns),
            start_time=self._clock.iso(event.start_ns),
            end_time=None if event.end_ns is None else self._clock.iso(event.end_ns),
            top=tuple(LabelPayload(labels.names[place], round(score, 4)) for place, score in event.top),
            model=self._classifier.payload,
        )
        self._outbox.add(self._mqtt.topic("events"), msgspec.json.encode(payload))
        self._send()
        logger.debug("event %s %s %s %.2f", event.type, event.id, name, event.score)
        if event.type == "end":
            label, score, since, event_id = None, 0.0, payload.end_time or payload.frame_time, None
        else:
            label, score, since, event_id = name, payload.score, payload.start_time, event.id
        self._change_state(
            msgspec.structs.replace(self._state, label=label, score=score, since=since, event_id=event_id)
        )

    def _change_state(self, state: StatePayload) -> None:
        if state != self._state:
            self._state = state
            if self._connected:
                self._publish_state()

    def _publish_state(self) -> None:
        self._in_flight_put(self._mqtt.topic("state"), msgspec.json.encode(self._state))

    def _in_flight_put(self, topic: str, payload: bytes) -> None:
        self._in_flight[self._mqtt.publish(topic, payload, qos=1, retain=True)] = None

    def _publish_stats(self) -> None:
        report = self._stats.report(len(self._outbox), self._classifier.payload)
        self._on_report(self._state, report)
        if self._connected:
            self._mqtt.publish(self._mqtt.topic("stats"), msgspec.json.encode(report), qos=0, retain=True)

    def _send(self) -> None:
        """Send waiting events in order, while the broker is there and few are on their way."""
        room = IN_FLIGHT - len(self._in_flight)
        if not self._connected or room <= 0 or not self._outbox:
            return
        for number, topic, payload in self._outbox.after(self._sent_up_to, room):
            self._in_flight[self._mqtt.publish(topic, payload, qos=1, retain=False)] = number
            self._sent_up_to = number
