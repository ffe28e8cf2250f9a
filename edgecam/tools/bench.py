"""How fast this very device is: bare inference and the whole daemon, side by side in one run."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import msgspec
import numpy as np

from edgecam import config
from edgecam.device.processor import Throttling, name, temperature, throttling
from edgecam.errors import EdgecamError
from edgecam.model import runtimes
from edgecam.model.delegates import accelerator_of
from edgecam.model.loading import plan_model
from edgecam.model.plan import ENOUGH, Plan, candidates
from edgecam.model.timing import milliseconds
from edgecam.mqtt.payloads import QuantilesPayload, StatsPayload
from edgecam.tools.demo import shipped_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgecam.model.loading import PlannedModel


ROUNDS = 3
WARM_UP = 20
SLIDES = 12  # pictures of the clip, each shown for a second: decoding them costs next to nothing
FPS = 30.0  # of the camera that latency is measured at
REPORT_S = 2
OFTEN = config.StatsSettings(interval=REPORT_S)
NOWHERE = config.MqttSettings(host="127.0.0.1", port=1)  # no broker: events stay on disk
LATENCY_REPORTS = 2
NOISY = 0.1  # of what bare inference may vary from round to round


class Result(msgspec.Struct, frozen=True):
    """What was measured of a model on so many threads; medians of the rounds.

    Attributes:
        model: path of its file.
        plan: how it was run.
        pieces: parts of its graph that XNNPACK or an accelerator runs; one is best.
        bare_ms: milliseconds of an ``invoke()``.
        bare_fps: inferences a second, one after the other.
        bare_cpu_ms: CPU milliseconds of one.
        fps: frames a second through the whole daemon, from pictures on disk to events on disk.
        ratio: of ``fps`` to ``bare_fps``.
        cpu_ms: CPU milliseconds a frame, of the whole daemon.
        latency_ms: from exposure to result, at 30 frames a second.
        memory_mb: resident memory of the daemon.
        spread: how much bare inference varied between rounds, as a share of the median.
    """

    model: str
    plan: Plan
    pieces: int
    bare_ms: QuantilesPayload
    bare_fps: float
    bare_cpu_ms: float
    fps: float
    ratio: float
    cpu_ms: float
    latency_ms: QuantilesPayload
    memory_mb: float
    spread: float


class Report(msgspec.Struct, frozen=True):
    """All results, on which machine, how hot it was before and after, what to mind, and what to take."""

    machine: str
    cores: int
    versions: dict[str, str]
    temperature_c: tuple[float | None, float | None]
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    recommended: Result | None


def run(
    models: Sequence[str], threads: int | None, frames: int, progress: Callable[[str], None], delegate: str = ""
) -> Report:
    """Measure models.

    Args:
        models: paths; empty: the shipped one.
        threads: how many; None: 1, 2, 4 and so on, up to the number of cores.
        frames: in a round.
        progress: told what comes next.
        delegate: path of an accelerator's library; empty: none.

    Raises:
        ModelError: a model is refused.
        EdgecamError: the daemon failed.
    """
    before, cores = temperature(), len(os.sched_getaffinity(0))
    results = []
    with slides() as folder, tempfile.TemporaryDirectory() as state:
        for path in models or [""]:
            # What an accelerator leaves is little: more threads are of no use.
            settings = config.ModelSettings(
                path=path, threads=threads or (1 if delegate else "auto"), delegate=delegate
            )
            progress(f"{path or 'the shipped model'}: which runtime and graph")
            planned = plan_model(settings, FPS, measure=True)
            for count in candidates(settings, [planned.plan.runtime], cores).threads:
                progress(f"{path or 'the shipped model'}: {count} thread{'s' * (count > 1)}")
                results.append(_measure(planned, count, frames, folder, state))
    return Report(
        machine=machine(),
        cores=cores,
        versions=runtimes.versions(),
        temperature_c=(before, temperature()),
        results=tuple(results),
        notes=tuple(_notes(results, throttling())),
        recommended=recommend(results),
    )


def machine() -> str:
    """In words, for tables."""
    return f"{name()}, {platform.machine()}, Python {platform.python_version()}"


def recommend(results: Sequence[Result], fps: float = FPS) -> Result | None:
    """Choose a model and threads: the slowest model, as it most often knows more, that keeps up with a camera.

    Of that, as few threads as keep up; where no model does, the fastest result.
    """
    keeping_up = [result for result in results if result.bare_ms.p50 and result.bare_ms.p50 <= ENOUGH * 1e3 / fps]
    if not keeping_up:
        return max(results, key=lambda result: result.fps, default=None)
    fewest = min(result.plan.threads for result in keeping_up)
    return min((result for result in keeping_up if result.plan.threads == fewest), key=lambda result: result.fps)


def _measure(planned: PlannedModel, threads: int, frames: int, folder: Path, state: str) -> Result:
    """Measure bare and whole in turns, so that noise hits both."""
    plan = msgspec.structs.replace(planned.plan, threads=threads)
    accelerator = accelerator_of(planned.settings)
    interpreter: runtimes.Interpreter | None = None
    bare_ms: list[float] = []
    bare, cpu, ratios, whole = [], [], [], []
    settings = msgspec.structs.replace(planned.settings, runtime=plan.runtime, graph=plan.graph, threads=threads)
    for _ in range(ROUNDS):
        if interpreter is None:
            interpreter = runtimes.interpreter(
                plan.runtime, planned.graph, threads, size=planned.settings.size, accelerator=accelerator
            )
            milliseconds(interpreter, 60, WARM_UP)
            pieces = runtimes.pieces(interpreter)
        started, cpu_started = time.perf_counter(), time.process_time()
        bare_ms += milliseconds(interpreter, 3600, frames)
        bare.append(frames / (time.perf_counter() - started))
        cpu.append((time.process_time() - cpu_started) / frames * 1e3)
        if accelerator:
            interpreter = None  # the daemon is another process, and a device may be one's at a time
        whole.append(at_full_speed(settings, folder, state, frames))
        ratios.append(whole[-1].fps / bare[-1])
    p50, p99 = np.percentile(bare_ms, (50, 99))
    return Result(
        model=planned.settings.path or "shipped",
        plan=plan,
        pieces=pieces,
        bare_ms=QuantilesPayload(round(float(p50), 3), round(float(p99), 3)),
        bare_fps=round(statistics.median(bare), 1),
        bare_cpu_ms=round(statistics.median(cpu), 3),
        fps=round(statistics.median(each.fps for each in whole), 1),
        ratio=round(statistics.median(ratios), 3),
        cpu_ms=round(statistics.median(each.cpu_percent * 10 / each.fps for each in whole), 3),
        latency_ms=latency_ms(settings, folder, state),
        memory_mb=max(each.rss_mb for each in whole),
        spread=round((max(bare) - min(bare)) / statistics.median(bare), 3),
    )


def at_full_speed(
    model: config.ModelSettings, folder: Path, state: str, frames: int, mqtt: config.MqttSettings = NOWHERE
) -> StatsPayload:
    """Let the daemon run at full speed; return its last stats, with frames a second and load averaged.

    Args:
        model: which one, and how it runs.
        folder: of pictures.
        state: folder of what the daemon keeps.
        frames: to measure, at least.
        mqtt: the broker.
    """
    camera = config.CameraSettings(source=str(folder), loop=True, fps=FPS)
    with daemon(config.Config(camera=camera, model=model, mqtt=mqtt, stats=OFTEN), state) as stats:
        next(stats)  # holds the start
        seen: list[StatsPayload] = []
        while sum(each.fps for each in seen) * REPORT_S < frames:
            seen.append(next(stats))
    average = {name: statistics.mean(getattr(each, name) for each in seen) for name in ("fps", "cpu_percent")}
    return msgspec.structs.replace(seen[-1], **average)


def latency_ms(model: config.ModelSettings, folder: Path, state: str, fps: float = FPS) -> QuantilesPayload:
    """Milliseconds from exposure to result while pictures come at a camera's pace, and may be dropped like its."""
    camera = config.CameraSettings(source=str(folder), loop=True, realtime=True, fps=fps)
    with daemon(config.Config(camera=camera, model=model, mqtt=NOWHERE, stats=OFTEN), state) as stats:
        next(stats)
        seen = [next(stats).latency_ms for _ in range(LATENCY_REPORTS)]
    typical = [each.p50 for each in seen if each.p50 is not None]
    worst = [each.p99 for each in seen if each.p99 is not None]
    return QuantilesPayload(round(statistics.median(typical), 2), round(statistics.median(worst), 2))


@contextmanager
def daemon(settings: config.Config, state: str) -> Iterator[Iterator[StatsPayload]]:
    """Run the daemon in a process of its own; give its stats as they come, without a broker too.

    Raises:
        EdgecamError: it ended before as many were taken as were wanted.
    """
    command = [sys.executable, "-P", "-m", "edgecam.tools.bench_daemon"]  # -P as in model/trial.py
    environment = {**os.environ, "STATE_DIRECTORY": state}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:  # noqa: S603
        assert child.stdin and child.stdout  # noqa: PT018, S101  pipes, as they were asked for
        child.stdin.write(msgspec.json.encode(settings) + b"\n")
        child.stdin.flush()
        try:
            yield (_decoded(line) for line in child.stdout)
        except StopIteration:
            message = "the daemon ended before it was measured"
            raise EdgecamError(message) from None
        finally:
            child.terminate()
            child.stdout.read()  # what it says last


def _decoded(line: bytes) -> StatsPayload:
    return msgspec.json.decode(line, type=StatsPayload)


@contextmanager
def slides() -> Iterator[Path]:
    """Pictures of the shipped clip, from its beginning to its end."""
    capture = cv2.VideoCapture(str(shipped_clip()))
    images = []
    while (read := capture.read())[0]:
        images.append(read[1])
    with tempfile.TemporaryDirectory() as folder:
        for number, image in enumerate(images[:: max(1, len(images) // SLIDES)]):
            cv2.imwrite(f"{folder}/{number:03}.jpg", image)
        yield Path(folder)


def _notes(results: Sequence[Result], throttled: Throttling | None) -> Iterator[str]:
    worst = max((result.spread for result in results), default=0)
    if worst > NOISY:
        yield f"the machine was noisy: bare inference varied by {worst:.0%} between rounds; stop other programs"
    if throttled and (throttled.now or throttled.since_boot):
        yield "the firmware slowed the processor down: " + "; ".join(throttled.now or throttled.since_boot)
