"""What the broker keeps for who comes later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecam.mqtt.delivery import Delivery


class Retained:
    """Remembers what is to be kept on each topic; tells what is new, and all of it where a connection is there again.

    What is cleared is forgotten once it is on its way: somebody else may use the topic then.
    """

    def __init__(self, delivery: Delivery) -> None:
        """Publish by way of ``delivery``."""
        self._delivery = delivery
        self._kept: dict[str, bytes] = {}

    def put(self, topic: str, payload: bytes) -> None:
        """Have a payload kept on a topic; an empty one clears it."""
        self._kept[topic] = payload
        if self._delivery.connected:
            self._tell(topic)

    def tell_all(self) -> None:
        """Tell all of it, to a broker that may know nothing."""
        for topic, payload in list(self._kept.items()):
            if not self._delivery.is_untold(topic, payload):
                self._tell(topic)

    def clear(self) -> None:
        """Clear all that was put."""
        for topic in list(self._kept):
            self.put(topic, b"")

    def _tell(self, topic: str) -> None:
        payload = self._kept[topic]
        self._delivery.retain(topic, payload)
        if not payload:
            del self._kept[topic]
