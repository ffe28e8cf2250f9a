"""What the broker gets of events, and how it is corrected."""

from __future__ import annotations

import logging

import msgspec

from edgecam.mqtt.clock import seconds_of, shifted
from edgecam.mqtt.outbox_file import Message, OpenEvent
from edgecam.mqtt.payloads import EventPayload

logger = logging.getLogger(__name__)


def message_of(payload: EventPayload, topic: str, view: str = "") -> Message:
    """Make a message for the outbox, about an event of a view."""
    at_s = seconds_of(payload.frame_time) if payload.clock_set else None
    return Message(topic, msgspec.json.encode(payload), payload.type, at_s, view)


def log_event(payload: EventPayload) -> None:
    """Log a step in the life of an event, for who wants to see all of them."""
    logger.debug("event %s %s %s %.2f %s", payload.type, payload.id, payload.frame_time, payload.score, payload.label)


def read_left(opened: OpenEvent) -> EventPayload | None:
    """Read an event that an earlier run left open; None if it makes no sense."""
    try:
        payload = msgspec.json.decode(opened.payload, type=EventPayload)
        seconds_of(payload.start_time), seconds_of(payload.frame_time)
    except ValueError as error:
        logger.warning("an event that was left open cannot be read (%s): it is not ended", error)
        return None
    return payload


def ended(payload: EventPayload) -> EventPayload:
    """End an event when it was seen last."""
    return msgspec.structs.replace(payload, type="end", end_time=payload.frame_time)


def moved(event: EventPayload, step_ns: int) -> EventPayload:
    """Move an event's times, as the system's clock was set by ``step_ns`` nanoseconds."""
    return msgspec.structs.replace(
        event,
        frame_time=shifted(event.frame_time, step_ns),
        start_time=shifted(event.start_time, step_ns),
        end_time=event.end_time and shifted(event.end_time, step_ns),
        clock_set=True,
    )


def _corrected(payload: bytes, step_ns: int) -> bytes:
    """Move the times in an event's payload likewise."""
    return msgspec.json.encode(moved(msgspec.json.decode(payload, type=EventPayload), step_ns))


def corrected_message(message: Message, step_ns: int) -> Message:
    """Move the times of a message likewise."""
    payload = _corrected(message.payload, step_ns)
    at_s = seconds_of(msgspec.json.decode(payload, type=EventPayload).frame_time)
    return message._replace(payload=payload, at_s=at_s)
