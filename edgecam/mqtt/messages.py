"""From events to what the broker gets of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from edgecam.mqtt.clock import seconds_of, shifted
from edgecam.mqtt.outbox_file import Message, OpenEvent
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload

if TYPE_CHECKING:
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.events.tracker import Event
    from edgecam.mqtt.clock import Clock

logger = logging.getLogger(__name__)


def payload_of(event: Event, pipeline: Pipeline, camera: str, clock: Clock) -> EventPayload:
    """Say what happened in words and times of day."""
    labels = pipeline.labels
    return EventPayload(
        schema=SCHEMA,
        id=event.id,
        type=event.type,
        camera=camera,
        label=labels.names[event.label],
        index=labels.indices[event.label],
        score=round(event.score, 4),
        top_score=round(event.top_score, 4),
        frame_time=clock.iso(event.frame_ns),
        start_time=clock.iso(event.start_ns),
        end_time=None if event.end_ns is None else clock.iso(event.end_ns),
        top=tuple(LabelPayload(labels.names[place], round(score, 4)) for place, score in event.top),
        model=pipeline.payload,
        clock_set=clock.is_set(),
    )


def message_of(payload: EventPayload, topic: str) -> Message:
    """Make a message for the outbox."""
    at_s = seconds_of(payload.frame_time) if payload.clock_set else None
    return Message(topic, msgspec.json.encode(payload), payload.type, at_s)


def log_event(payload: EventPayload) -> None:
    """Log a step in the life of an event, for who wants to see all of them."""
    logger.debug("event %s %s %s %.2f %s", payload.type, payload.id, payload.frame_time, payload.score, payload.label)


def still_open(opened: OpenEvent, frame_time: str) -> OpenEvent:
    """Note that what an event saw was still there at ``frame_time``."""
    payload = msgspec.json.decode(opened.payload, type=EventPayload)
    return opened._replace(payload=msgspec.json.encode(msgspec.structs.replace(payload, frame_time=frame_time)))


def end_of(opened: OpenEvent) -> Message | None:
    """End an event that an earlier run left open, at the last time that it was noted; None if it makes no sense."""
    try:
        payload = msgspec.json.decode(opened.payload, type=EventPayload)
        ended = msgspec.structs.replace(payload, type="end", end_time=payload.frame_time)
        message = message_of(ended, opened.topic)
    except ValueError as error:
        logger.warning("an event that was left open cannot be read (%s): it is not ended", error)
        return None
    logger.info("an earlier run was killed in the middle of an event; it is ended now")
    log_event(ended)
    return message


def corrected(payload: bytes, step_ns: int) -> bytes:
    """Move the times in an event's payload, as the system's clock was set by ``step_ns`` nanoseconds."""
    event = msgspec.json.decode(payload, type=EventPayload)
    moved = msgspec.structs.replace(
        event,
        frame_time=shifted(event.frame_time, step_ns),
        start_time=shifted(event.start_time, step_ns),
        end_time=event.end_time and shifted(event.end_time, step_ns),
        clock_set=True,
    )
    return msgspec.json.encode(moved)


def corrected_message(message: Message, step_ns: int) -> Message:
    """Move the times of a message likewise."""
    payload = corrected(message.payload, step_ns)
    at_s = seconds_of(msgspec.json.decode(payload, type=EventPayload).frame_time)
    return message._replace(payload=payload, at_s=at_s)
