"""Takes what is to be told to the broker: what waits in the outbox, and what is retained."""

from __future__ import annotations

import logging
import math
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from edgecam.mqtt.link import IN_FLIGHT
from edgecam.mqtt.payloads import EventPayload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgecam.mqtt.link import Link
    from edgecam.mqtt.outbox import Outbox

logger = logging.getLogger(__name__)

UNLIMITED = 1 << 28  # bytes: no message of MQTT is larger


class Delivery:
    """Sends messages in order, a few at a time, over one link after the other to the same broker; for one thread.

    An event stays in the outbox, and what is retained stays here, until the broker has acknowledged it.
    """

    def __init__(self) -> None:
        self._link: Link | None = None
        self._in_flight: dict[int, int | tuple[str, bytes]] = {}  # by the link's number: the outbox's, or what is told
        self._to_tell: deque[tuple[str, bytes]] = deque()
        self._untold: dict[str, bytes] = {}  # the last of each topic that the broker has not acknowledged
        self._warned = False

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._link is not None

    def begin(self, link: Link, outbox: Outbox) -> None:
        """Go on over a connection that is there now; what was not acknowledged before is sent again."""
        self._link = link
        self._in_flight.clear()
        outbox.rewind()
        self._to_tell = deque(self._untold.items())

    def end(self) -> None:
        """Take in that the connection is lost."""
        self._link = None
        self._in_flight.clear()
        self._to_tell.clear()

    def is_idle(self) -> bool:
        """Whether all that was sent has been acknowledged."""
        return not self._in_flight and not self._to_tell

    def send(self, outbox: Outbox, before: float = math.inf) -> None:
        """Send what waits, as far as there is room on the way.

        Args:
            outbox: where it waits.
            before: the first number that is not for this broker.
        """
        self._tell()
        sent = set(self._in_flight.values())
        while self._link and (room := self._room()) and (waiting := outbox.next(room, before)):
            for number, message in waiting:
                payload = _fitting(message.payload, self._link.largest(message.topic))
                if payload is None:
                    self._keep_back(message.topic, len(message.payload))
                elif number not in sent:
                    self._note(self._link.publish(message.topic, payload, qos=1, retain=False), number)

    def retain(self, topic: str, payload: bytes) -> None:
        """Publish what is to be there for who comes later; nothing happens without a connection."""
        if self._link:
            self._untold.pop(topic, None)  # it is the last now
            self._untold[topic] = payload
            self._to_tell.append((topic, payload))
            self._tell()

    def is_untold(self, topic: str, payload: bytes) -> bool:
        """Whether it is on its way that a payload is to be retained on a topic."""
        return self._untold.get(topic) == payload

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        expiry_s: int | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Publish what may get lost (QoS 0), as `Link.publish` does; nothing happens without a connection."""
        if self._link:
            self._link.publish(topic, payload, qos=0, retain=retain, expiry_s=expiry_s, properties=properties)

    def largest(self, topic: str, properties: Mapping[str, str] | None = None) -> int:
        """Return how many bytes of payload the broker takes on a topic, as `Link.largest` does."""
        return self._link.largest(topic, properties) if self._link else UNLIMITED

    def acknowledge(self, number: int, outbox: Outbox) -> str | None:
        """Take out what the broker has acknowledged by the link's number; return the topic if one is cleared by it."""
        cleared = None
        match self._in_flight.pop(number, None):
            case int(waited):
                outbox.remove(waited)
            case (topic, payload):
                if self._untold.get(topic) == payload:
                    del self._untold[topic]
                    cleared = None if payload else topic
        self._tell()
        return cleared

    def _room(self) -> int:
        return max(0, min(IN_FLIGHT, self._link.limits.receive) - len(self._in_flight)) if self._link else 0

    def _tell(self) -> None:
        while self._link and self._to_tell and self._room():
            topic, payload = self._to_tell.popleft()
            number = self._link.publish(topic, payload, qos=1, retain=True)
            if number is None:  # too large: not later either
                self._untold.pop(topic, None)
            self._note(number, (topic, payload))

    def _note(self, number: int | None, what: int | tuple[str, bytes]) -> None:
        if number is not None:
            self._in_flight[number] = what

    def _keep_back(self, topic: str, size: int) -> None:
        """Let an event wait: another broker, or another setting of this one, may take it."""
        if not self._warned:
            logger.warning("%s: events of %d bytes are too large for the broker: they wait, others go on", topic, size)
        self._warned = True


def _fitting(payload: bytes, most: int) -> bytes | None:
    """Return what says the same in at most so many bytes, without the highest labels if need be; None: it cannot be."""
    if len(payload) > most:
        try:
            event = msgspec.json.decode(payload, type=EventPayload)
        except ValueError:
            return None
        payload = msgspec.json.encode(msgspec.structs.replace(event, top=()))
    return payload if len(payload) <= most else None
