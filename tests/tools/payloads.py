"""What a camera says, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edgecam.mqtt.payloads import (
    EventPayload,
    FramesPayload,
    ModelPayload,
    QuantilesPayload,
    StatePayload,
    StatsPayload,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MODEL = ModelPayload("m", "0" * 64)
SEEN = StatePayload("cat", 0.93, "2026-11-25T11:59:00.000000Z", "1", "online")
NONE = QuantilesPayload(None, None)
STATS = StatsPayload(
    schema=1,
    uptime_s=1.0,
    fps=30.0,
    frames=FramesPayload(1, 0, 1),
    inference_ms=NONE,
    latency_ms=QuantilesPayload(5.25, 9.0),
    queue=0,
    outbox=0,
    outbox_dropped=0,
    cpu_percent=1.0,
    rss_mb=1.0,
    temperature_c=51.4,
    throttled=None,
    model=MODEL,
)


def event(
    kind: str,
    label: str = "cat",
    ended: timedelta = timedelta(minutes=3),
    *,
    score: float = 0.9,
    top_score: float = 0.9,
    lasted_s: float = 0.0,
) -> EventPayload:
    """A step in the life of an event that ended so long before `NOW`, and had lasted so many seconds."""
    end = NOW - ended
    start, at = (end - timedelta(seconds=lasted_s)).isoformat(), end.isoformat()
    ended_at = at if kind == "end" else None
    return EventPayload(1, "1", kind, "porch", label, None, score, top_score, at, start, ended_at, (), MODEL)  # type: ignore[arg-type]
