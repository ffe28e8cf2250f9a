"""What is published, field by field; docs/mqtt.md explains it."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = 1


class ModelPayload(msgspec.Struct, frozen=True):
    """Which model decided: its name and the SHA-256 of its file."""

    name: str
    sha256: str


class LabelPayload(msgspec.Struct, frozen=True):
    """A label and its score, 0..1."""

    label: str
    score: float


class EventPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step in the life of an event; times are ISO 8601 in UTC.

    ``clock_set`` is only there, and false, where the times were told before the system's clock was set.
    """

    schema: int
    id: str
    type: Literal["new", "update", "end"]
    camera: str
    label: str
    index: int | None
    score: float
    top_score: float
    frame_time: str
    start_time: str
    end_time: str | None
    top: tuple[LabelPayload, ...]
    model: ModelPayload
    clock_set: bool = True


class StatePayload(msgspec.Struct, frozen=True):
    """What is seen now, and since when."""

    label: str | None
    score: float
    since: str
    event_id: str | None
    camera: Literal["online", "lost"]


class SnapshotPayload(msgspec.Struct, frozen=True):
    """What the picture on the topic ``snapshot`` shows; ``score`` is the label's in this very frame."""

    schema: int
    event_id: str
    label: str
    score: float
    frame_time: str
    bytes: int


class FramesPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """Frames since the start; captured = dropped + classified + in flight.

    Of those classified, ``rested`` showed nothing new and needed no inference.
    """

    captured: int
    dropped: int
    classified: int
    rested: int = 0


class QuantilesPayload(msgspec.Struct, frozen=True):
    """Milliseconds since the last stats; null where there was no frame."""

    p50: float | None
    p99: float | None


class StatsPayload(msgspec.Struct, frozen=True):
    """How the daemon is doing.

    ``leading`` is the highest label in the last frame, also below its threshold; null while the camera rests. Older
    daemons do not tell it.
    """

    schema: int
    uptime_s: float
    fps: float
    frames: FramesPayload
    inference_ms: QuantilesPayload
    latency_ms: QuantilesPayload
    queue: int
    outbox: int
    outbox_dropped: int
    cpu_percent: float
    rss_mb: float
    temperature_c: float | None
    throttled: bool | None
    model: ModelPayload
    leading: LabelPayload | None = None
