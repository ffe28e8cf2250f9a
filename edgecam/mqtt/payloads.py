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

    ``clock_set`` is only there, and false, where the times were told before the system's clock was set; ``view`` and
    ``kind`` only with ``[[views]]``, ``kind`` of a camera's one view also where it is ``state``.
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
    view: str | msgspec.UnsetType = msgspec.UNSET
    kind: Literal["visit", "state"] | msgspec.UnsetType = msgspec.UNSET


class StatePayload(msgspec.Struct, frozen=True):
    """What is seen now, and since when.

    ``error`` is only there with ``[[views]]``: why the view is out, else null. The last two only where the view's kind
    is ``state``: whether the label is seen now, and when it was seen last; null: it was not decided yet.
    """

    label: str | None
    score: float
    since: str
    event_id: str | None
    camera: Literal["online", "lost"]
    error: str | msgspec.UnsetType | None = msgspec.UNSET
    certain: bool | msgspec.UnsetType = msgspec.UNSET
    last_certain: str | msgspec.UnsetType | None = msgspec.UNSET


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


class ViewStatsPayload(msgspec.Struct, frozen=True):
    """How one of several views is doing; of its frames, ``captured`` counts those that were due for it."""

    fps: float
    queue: int
    frames: FramesPayload
    inference_ms: QuantilesPayload
    latency_ms: QuantilesPayload
    leading: LabelPayload | None
    model: ModelPayload


class StatsPayload(msgspec.Struct, frozen=True):
    """How the daemon is doing.

    ``leading`` is the highest label in the last frame, also below its threshold; null while the camera rests. Older
    daemons do not tell it. ``views`` is only there with ``[[views]]``; then the other figures of frames are sums, and
    ``model`` and ``leading`` the first view's.
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
    views: dict[str, ViewStatsPayload] | msgspec.UnsetType = msgspec.UNSET
