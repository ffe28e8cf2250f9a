"""Publishes the picture of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.jpeg import BYTES, jpeg
from edgecam.mqtt.payloads import SCHEMA, SnapshotPayload

if TYPE_CHECKING:
    from edgecam.mqtt.delivery import Delivery
    from edgecam.mqtt.notices import Picture


def show(picture: Picture, delivery: Delivery) -> None:
    """Publish a picture, as large as the broker takes it, behind what it is of; one that gets lost is kept nowhere."""
    about = SnapshotPayload(
        schema=SCHEMA,
        event_id=picture.event_id,
        label=picture.label,
        score=round(picture.score, 4),
        frame_time=picture.frame_time,
        bytes=BYTES,
    )
    topic = picture.origin.topic("snapshot")
    made = jpeg(picture.image(), delivery.largest(topic, _properties(about)))
    about = msgspec.structs.replace(about, bytes=len(made))
    delivery.publish(picture.origin.topic("snapshot/event"), msgspec.json.encode(about))
    delivery.publish(topic, made, properties=_properties(about))


def _properties(about: SnapshotPayload) -> dict[str, str]:
    return {name: str(value) for name, value in msgspec.structs.asdict(about).items()}
