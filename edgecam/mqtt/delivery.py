"""Takes what waits in the outbox to the broker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgecam.mqtt.connection import IN_FLIGHT

if TYPE_CHECKING:
    from edgecam.mqtt.connection import Connection
    from edgecam.mqtt.outbox import Outbox


class Delivery:
    """Sends messages in order, a few at a time; each stays in the outbox until the broker has acknowledged it.

    Attributes:
        connected: whether the broker is there.
    """

    def __init__(self, mqtt: Connection) -> None:
        self.connected = False
        self._mqtt = mqtt
        self._in_flight: dict[int, int | str] = {}  # paho's number of a message to the outbox's, or to its topic

    def is_idle(self) -> bool:
        """Whether all that was sent has been acknowledged."""
        return not self._in_flight

    def send(self, outbox: Outbox, before: float = math.inf) -> None:
        """Send what waits, as far as there is room on the way; after a lost connection paho sends again by itself.

        Args:
            outbox: where it waits.
            before: the first number that is not to be sent.
        """
        if not self.connected or len(self._in_flight) >= IN_FLIGHT:
            return
        sent = set(self._in_flight.values())
        for number, message in outbox.oldest(IN_FLIGHT):
            if number not in sent and number < before and len(self._in_flight) < IN_FLIGHT:
                mid = self._mqtt.publish(message.topic, message.payload, qos=1, retain=False)
                self._in_flight[mid] = number

    def retain(self, topic: str, payload: bytes) -> None:
        """Publish what is to be there for who comes later."""
        self._in_flight[self._mqtt.publish(topic, payload, qos=1, retain=True)] = topic

    def acknowledge(self, mid: int, outbox: Outbox) -> str | None:
        """Take out what the broker has acknowledged by paho's number; return the topic if it was to be retained."""
        sent = self._in_flight.pop(mid, None)
        if isinstance(sent, int):
            outbox.remove(sent)
            return None
        return sent
