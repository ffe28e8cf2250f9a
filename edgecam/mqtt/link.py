"""A connection that is there, and what can be sent over it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgecam.mqtt.client import Client
    from edgecam.mqtt.negotiation import Limits, Version

IN_FLIGHT = 10  # messages that wait for acknowledgement, at most; brokers may allow fewer
HEADER = 1 + 4  # bytes of a packet before all else: its kind, and at most four for its length
LENGTH, NUMBER = 2, 2  # bytes of a topic's length, and of a message's number


class Link:
    """Publishes within the limits of the broker, until the connection is lost; then nothing happens any more.

    Attributes:
        limits: what the broker allows.
    """

    def __init__(
        self, client: Client, version: Version, limits: Limits, barrier: str, on_too_large: Callable[[str, int], None]
    ) -> None:
        """Make it when the broker has let us in.

        Args:
            client: is connected.
            version: of MQTT that it speaks.
            limits: what the broker allows.
            barrier: a topic to which nobody subscribes.
            on_too_large: told the topic and the bytes of a message that was not sent.
        """
        self.limits = limits
        self._client = client
        self._version = version
        self._barrier = barrier
        self._on_too_large = on_too_large

    def largest(self, topic: str, properties: Mapping[str, str] | None = None) -> int:
        """Return how many bytes of payload the broker takes on a topic; less than 0: none at all.

        Args:
            topic: the full one.
            properties: what is to be told beside the payload.
        """
        told = self._told(expiry_s=1, properties=properties).pack()
        return self.limits.packet - HEADER - LENGTH - len(topic.encode()) - NUMBER - len(told)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        expiry_s: int | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> int | None:
        """Hand a message to the network thread; return its number, which is told when the broker has it.

        Where the broker knows no QoS 1 it is asked for something else after the message: when it has answered to that,
        it has the message. A message that is too large for it is not sent, and has no number.

        Args:
            topic: the full one.
            payload: any bytes.
            qos: 0 or 1.
            retain: whether the broker keeps it for who comes later, if it keeps any.
            expiry_s: seconds after which the broker throws it away; only with MQTT 5.
            properties: what is to be told beside the payload; only with MQTT 5.
        """
        if len(payload) > self.largest(topic, properties):
            self._on_too_large(topic, len(payload))
            return None
        told = self._told(expiry_s, properties) if self._version == "5" and (expiry_s or properties) else None
        sent = self._client.publish(topic, payload, min(qos, self.limits.qos), retain and self.limits.retain, told)
        if qos <= self.limits.qos:
            return sent.mid
        return self._client.unsubscribe(self._barrier)[1]

    def publish_last(self, topic: str, payload: bytes, timeout: float) -> None:
        """Publish what is retained, and wait at most ``timeout`` seconds for the acknowledgement."""
        # One more than all that may be on the way is too many for some brokers.
        qos = self.limits.qos if self.limits.receive > IN_FLIGHT else 0
        sent = self._client.publish(topic, payload, qos, self.limits.retain)
        with suppress(RuntimeError):  # the connection was lost just now
            sent.wait_for_publish(timeout)

    def _told(self, expiry_s: int | None, properties: Mapping[str, str] | None) -> Any:
        told: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expiry_s:
            told.MessageExpiryInterval = expiry_s
        if properties:
            told.UserProperty = list(properties.items())
        return told
