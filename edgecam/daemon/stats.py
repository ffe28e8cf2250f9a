"""How the daemon is doing: frames, latency, load and heat."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from msgspec import UNSET

from edgecam.daemon.quantiles import quantile_ms, quantiles
from edgecam.device.processor import temperature, throttling
from edgecam.mqtt.payloads import SCHEMA, FramesPayload, StatsPayload, ViewStatsPayload

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psutil

    from edgecam.camera.frame_queue import FrameQueue
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.mqtt.payloads import LabelPayload

logger = logging.getLogger(__name__)

TYPICAL = 100  # inferences of which the middle one is typical
KEPT = 10_000  # latencies between two reports; of more, the last ones count


NO_FRAMES = FramesPayload(0, 0, 0)


class _Tally:
    """What one view has seen: added to by the inference worker, summed up by another thread."""

    def __init__(self, pipeline: Pipeline, before: FramesPayload = NO_FRAMES) -> None:
        """Go on from what was seen ``before``, when the view was there last."""
        self.pipeline = pipeline
        self.classified, self.rested = before.classified, before.rested
        self._classified_before = before.classified
        self._times: deque[tuple[int | None, int]] = deque(maxlen=KEPT)
        self.inferences: deque[int] = deque(maxlen=TYPICAL)
        self._led: LabelPayload | None = None

    def add(self, inference_ns: int | None, latency_ns: int) -> None:
        self.classified += 1
        if inference_ns is None:
            self.rested += 1
        else:
            self.inferences.append(inference_ns)
        self._times.append((inference_ns, latency_ns))

    @property
    def frames(self) -> FramesPayload:
        return FramesPayload(0, 0, self.classified, self.rested)

    def finish(self) -> None:
        self._led = self.pipeline.leading or self._led

    def sum_up(self) -> tuple[int, list[tuple[int | None, int]], LabelPayload | None]:
        """Return how many frames were classified since the last call, their times, and what leads."""
        times, self._times = self._times, deque(maxlen=KEPT)
        led, self._led = self._led, None
        classified = self.classified
        more, self._classified_before = classified - self._classified_before, classified
        return more, list(times), self.pipeline.leading or led


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
        self._tallies: dict[str, _Tally] = {}
        self._gone: dict[str, FramesPayload] = {}  # what was seen of views that are gone, but may come back
        self.has_begun = threading.Event()

    def follow(self, pipelines: Mapping[str, Pipeline]) -> None:
        """Take in which pipelines decide for their views from now on, in the order of the settings."""
        before, gone = self._tallies, dict(self._gone)
        tallies = {
            view: before.get(view) or _Tally(pipeline, gone.pop(view, NO_FRAMES))
            for view, pipeline in pipelines.items()
        }
        for view, pipeline in pipelines.items():
            tallies[view].pipeline = pipeline
        gone |= {view: tally.frames for view, tally in before.items() if view not in tallies}
        self._tallies, self._gone = tallies, gone

    def classified(self, view: str, inference_ns: int | None, latency_ns: int) -> None:
        """Count a frame of a view; latency runs from its exposure until now; it may have needed no inference."""
        if not self.has_begun.is_set():
            self.has_begun.set()
            now = time.time()
            logger.info("first frame classified %.2f s after the start", now - _process().create_time())
        self._tallies[view].add(inference_ns, latency_ns)

    def finish(self) -> None:
        """Take in that no more frames come for now: the next report still says what led in the last one."""
        for tally in self._tallies.values():
            tally.finish()

    def typical_ms(self, view: str) -> float | None:
        """Return the median of a view's last inferences in milliseconds; None: there was none. Called by any thread."""
        tally = self._tallies.get(view)
        times = sorted(tally.inferences) if tally else []
        return quantile_ms(times, 0.5) if times else None

    def report(self, outbox: int, dropped: int) -> StatsPayload:
        """Sum up the time since the last report; of the events ``outbox`` are undelivered, ``dropped`` given up."""
        tallies = self._tallies
        now = time.monotonic()
        passed_s = max(now - self._reported, 1e-3)
        self._reported = now
        seen = [*(tally.frames for tally in tallies.values()), *self._gone.values()]
        views = {view: tally.sum_up() for view, tally in tallies.items()}
        first = next(iter(tallies.values())).pipeline
        counts = self._queue.counts()
        times = [each for _, of_view, _ in views.values() for each in of_view]
        cpu_s, cpu_before_s, self._cpu_s = time.process_time(), self._cpu_s, time.process_time()
        state = throttling()
        return StatsPayload(
            schema=SCHEMA,
            uptime_s=round(now - self._started, 1),
            fps=round(sum(more for more, _, _ in views.values()) / passed_s, 1),
            frames=FramesPayload(
                counts.captured,
                counts.dropped,
                sum(frames.classified for frames in seen),
                sum(frames.rested for frames in seen),
            ),
            inference_ms=quantiles(inference for inference, _ in times if inference is not None),
            latency_ms=quantiles(latency for _, latency in times),
            queue=counts.waiting,
            outbox=outbox,
            outbox_dropped=dropped,
            cpu_percent=round((cpu_s - cpu_before_s) / passed_s * 100, 1),
            rss_mb=round(_process().memory_info().rss / 1e6, 1),
            temperature_c=temperature(),
            throttled=bool(state.now) if state else None,
            model=first.payload,
            leading=next(iter(views.values()))[2],
            views={
                view: self._of_view(view, tallies[view], more, of_view, leading, passed_s)
                for view, (more, of_view, leading) in views.items()
            }
            if first.origin.is_told
            else UNSET,
        )

    def _of_view(
        self,
        view: str,
        tally: _Tally,
        more: int,
        times: list[tuple[int | None, int]],
        leading: LabelPayload | None,
        passed_s: float,
    ) -> ViewStatsPayload:
        counts = self._queue.counts_of(view)
        return ViewStatsPayload(
            fps=round(more / passed_s, 1),
            queue=counts.waiting,
            frames=FramesPayload(counts.captured, counts.dropped, tally.classified, tally.rested),
            inference_ms=quantiles(inference for inference, _ in times if inference is not None),
            latency_ms=quantiles(latency for _, latency in times),
            leading=leading,
            model=tally.pipeline.payload,
        )


def _process() -> psutil.Process:
    import psutil  # not needed for the first frames

    return psutil.Process()
