"""How the daemon is doing: frames, latency, load and heat."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from edgecam.daemon.quantiles import quantile_ms, quantiles
from edgecam.device.processor import temperature, throttling
from edgecam.mqtt.payloads import SCHEMA, FramesPayload, StatsPayload

if TYPE_CHECKING:
    import psutil

    from edgecam.camera.frame_queue import FrameQueue
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.mqtt.payloads import LabelPayload

logger = logging.getLogger(__name__)

TYPICAL = 100  # inferences of which the middle one is typical
KEPT = 10_000  # latencies between two reports; of more, the last ones count


class Stats:
    """Counts what the inference worker classified, and reports it from another thread.

    Attributes:
        has_begun: the first frame was classified.
    """

    def __init__(self, queue: FrameQueue) -> None:
        """Start counting now."""
        self._queue = queue
        self._cpu_s = time.process_time()
        self._started = self._reported = time.monotonic()
        self._classified = self._classified_before = self._rested = 0
        self._times: deque[tuple[int | None, int]] = deque(maxlen=KEPT)
        self._inferences: deque[int] = deque(maxlen=TYPICAL)
        self._pipelines: dict[str, Pipeline] = {}
        self._led: LabelPayload | None = None
        self.has_begun = threading.Event()

    def follow(self, pipeline: Pipeline) -> None:
        """Take in which pipeline decides for its view from now on."""
        self._pipelines[pipeline.origin.view] = pipeline

    def classified(self, inference_ns: int | None, latency_ns: int) -> None:
        """Count a frame; latency runs from its exposure until now; it may have needed no inference."""
        if not self._classified:
            self.has_begun.set()
            now = time.time()
            logger.info("first frame classified %.2f s after the start", now - _process().create_time())
        self._classified += 1
        if inference_ns is None:
            self._rested += 1
        else:
            self._inferences.append(inference_ns)
        self._times.append((inference_ns, latency_ns))

    def finish(self) -> None:
        """Take in that no more frames come for now: the next report still says what led in the last one."""
        self._led = self._first.leading or self._led

    @property
    def _first(self) -> Pipeline:
        return next(iter(self._pipelines.values()))

    def typical_ms(self) -> float | None:
        """Return the median of the last inferences in milliseconds; None: there was none. Called by any thread."""
        times = sorted(self._inferences)
        return quantile_ms(times, 0.5) if times else None

    def report(self, outbox: int, dropped: int) -> StatsPayload:
        """Sum up the time since the last report; of the events ``outbox`` are undelivered, ``dropped`` given up."""
        pipeline = self._first
        led, self._led = self._led, None
        now = time.monotonic()
        times, self._times = self._times, deque(maxlen=KEPT)
        counts, classified = self._queue.counts(), self._classified
        passed_s = max(now - self._reported, 1e-3)
        fps = (classified - self._classified_before) / passed_s
        self._classified_before, self._reported = classified, now
        cpu_s, cpu_before_s, self._cpu_s = time.process_time(), self._cpu_s, time.process_time()
        state = throttling()
        return StatsPayload(
            schema=SCHEMA,
            uptime_s=round(now - self._started, 1),
            fps=round(fps, 1),
            frames=FramesPayload(counts.captured, counts.dropped, classified, self._rested),
            inference_ms=quantiles(inference for inference, _ in times if inference is not None),
            latency_ms=quantiles(latency for _, latency in times),
            queue=counts.waiting,
            outbox=outbox,
            outbox_dropped=dropped,
            cpu_percent=round((cpu_s - cpu_before_s) / passed_s * 100, 1),
            rss_mb=round(_process().memory_info().rss / 1e6, 1),
            temperature_c=temperature(),
            throttled=bool(state.now) if state else None,
            model=pipeline.payload,
            leading=pipeline.leading or led,
        )


def _process() -> psutil.Process:
    import psutil  # not needed for the first frames

    return psutil.Process()
