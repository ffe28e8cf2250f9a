"""How the daemon is doing: frames, latency, load and heat."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import psutil

from edgecam.payloads import SCHEMA, FramesPayload, ModelPayload, QuantilesPayload, StatsPayload
from edgecam.processor import temperature, throttling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgecam.frame_queue import FrameQueue

KEPT = 10_000  # latencies between two reports; of more, the last ones count


class Stats:
    """Counts what the inference worker classified, and reports it from another thread."""

    def __init__(self, queue: FrameQueue) -> None:
        """Start counting now."""
        self._queue = queue
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._started = self._reported = time.monotonic()
        self._classified = self._classified_before = 0
        self._times: deque[tuple[int, int]] = deque(maxlen=KEPT)

    def classified(self, inference_ns: int, latency_ns: int) -> None:
        """Count a frame; latency runs from its exposure until now."""
        self._classified += 1
        self._times.append((inference_ns, latency_ns))

    def report(self, outbox: int, model: ModelPayload) -> StatsPayload:
        """Sum up the time since the last report; ``outbox`` is the number of undelivered events."""
        now = time.monotonic()
        times, self._times = self._times, deque(maxlen=KEPT)
        counts, classified = self._queue.counts(), self._classified
        fps = (classified - self._classified_before) / max(now - self._reported, 1e-3)
        self._classified_before, self._reported = classified, now
        state = throttling()
        return StatsPayload(
            schema=SCHEMA,
            uptime_s=round(now - self._started, 1),
            fps=round(fps, 1),
            frames=FramesPayload(counts.captured, counts.dropped, classified),
            inference_ms=_quantiles(inference for inference, _ in times),
            latency_ms=_quantiles(latency for _, latency in times),
            queue=counts.waiting,
            outbox=outbox,
            cpu_percent=self._process.cpu_percent(),
            rss_mb=round(self._process.memory_info().rss / 1e6, 1),
            temperature_c=temperature(),
            throttled=bool(state.now) if state else None,
            model=model,
        )


def _quantiles(times_ns: Iterable[int]) -> QuantilesPayload:
    times = np.fromiter(times_ns, np.int64)
    if not times.size:
        return QuantilesPayload(None, None)
    p50, p99 = np.percentile(times, (50, 99)) / 1e6
    return QuantilesPayload(round(float(p50), 2), round(float(p99), 2))
