"""What several views of one camera cost: ``python benchmarks/views.py [--before CHECKOUT]``.

- four views with one model: inferences a second of the whole daemon, by those of ``invoke()`` in a loop; and how much
  more memory than one view takes
- two models, one ten times slower, each of which looks at each frame, 30 a second: how late the fast one is
- ``--before``: one view with another checkout of edgecam, in turns with this one: frames a second and CPU a frame, with
  an interval of 95 % for their ratios
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from ai_edge_litert import schema_py_generated as schema

from edgecam import config
from edgecam.model import runtimes
from edgecam.model.classifier import read_model
from edgecam.model.timing import milliseconds
from edgecam.mqtt.payloads import StatsPayload
from edgecam.tools import bench
from tests import tflite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHIPPED = config.ModelSettings(runtime="litert", graph="original", threads=1)
QUARTERS = [(x, y, 0.5, 0.5) for x in (0.0, 0.5) for y in (0.0, 0.5)]
SLOWER = 10
RESAMPLES = 10_000
REPORTS = 5


def run_daemon(settings: config.Config, reports: int, checkout: Path | None = None) -> list[StatsPayload]:
    """Run the daemon, this one or that of another checkout, for so many reports after its first; without a broker."""
    with tempfile.TemporaryDirectory() as state:
        if checkout is None:
            with bench.daemon(settings, state) as stats:
                next(stats)
                return [next(stats) for _ in range(reports)]
        written = msgspec.to_builtins(settings)
        # What that one does not know yet is left out; all of it is as it is by default.
        known = {"camera": {"source", "loop", "fps"}, "model": {"runtime", "graph", "threads"}, "stats": {"interval"}}
        known |= {"mqtt": {"host", "port"}}
        told = {name: {key: written[name][key] for key in keys} for name, keys in known.items()}
        command = [sys.executable, "-P", "-m", "edgecam.tools.bench_daemon"]
        environment = {**os.environ, "STATE_DIRECTORY": state, "PYTHONPATH": str(checkout)}
        with subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=checkout
        ) as child:
            assert child.stdin and child.stdout  # noqa: PT018, S101  pipes, as they were asked for
            child.stdin.write(msgspec.json.encode(told) + b"\n")
            child.stdin.flush()
            lines = list(itertools.islice(child.stdout, reports + 1))[1:]
            child.terminate()
            child.stdout.read()
        return [msgspec.json.decode(line, type=StatsPayload) for line in lines]


def at_full_speed(folder: Path, views: Iterable[config.ViewSettings] = (), **camera: object) -> config.Config:
    """Settings for pictures of a folder, over and over."""
    return config.Config(
        camera=config.CameraSettings(source=str(folder), loop=True, fps=bench.FPS, **camera),  # type: ignore[arg-type]
        model=SHIPPED,
        mqtt=bench.NOWHERE,
        stats=bench.OFTEN,
        views=tuple(views),
    )


def bare_fps(content: bytes, frames: int) -> float:
    """Inferences a second in a loop."""
    interpreter = runtimes.interpreter("litert", content, 1)
    milliseconds(interpreter, 60, bench.WARM_UP)
    started = time.perf_counter()
    milliseconds(interpreter, 3600, frames)
    return frames / (time.perf_counter() - started)


def four_views(folder: Path, rounds: int, say: Callable[[str], None]) -> None:
    """Measure speed and memory of four views."""
    four = [config.ViewSettings(name=f"part{place}", crop=crop, model=SHIPPED) for place, crop in enumerate(QUARTERS)]
    ratios, alone, more_mb = [], [], []
    for _ in range(rounds):
        bare = bare_fps(read_model(SHIPPED), 400)
        several = run_daemon(at_full_speed(folder, four), REPORTS)
        one = run_daemon(at_full_speed(folder), REPORTS)
        bare = (bare + bare_fps(read_model(SHIPPED), 400)) / 2  # before and after, as machines are not steady
        ratios.append(statistics.mean(each.fps for each in several) / bare)
        alone.append(statistics.mean(each.fps for each in one) / bare)
        more_mb.append(several[-1].rss_mb - one[-1].rss_mb)
    say(f"four views with one model: inferences a second ÷ bare invoke {_told(ratios)}, bar >= 0.96")
    say(f"one view: the same {_told(alone)}")
    say(f"four views: memory beyond one view {_told(more_mb)} MB, bar <= 6")


def slow_and_fast(folder: Path, rounds: int, say: Callable[[str], None]) -> None:
    """Measure how late a fast model is beside a slow one."""
    fast_ms = 1e3 / bare_fps(read_model(SHIPPED), 200)
    with tempfile.TemporaryDirectory() as models:
        slow = Path(models) / "slow.tflite"
        count = 1
        while True:
            slow.write_bytes(pooled(count))
            slow_ms = 1e3 / bare_fps(slow.read_bytes(), 10)
            if slow_ms >= SLOWER * fast_ms:
                break
            count = max(count + 1, round(count * SLOWER * fast_ms / slow_ms))
        slow.with_suffix(".txt").write_text("red\ngreen\nblue\n")
        settings = msgspec.structs.replace(SHIPPED, path=str(slow))
        views = config.ViewSettings(name="fast", model=SHIPPED), config.ViewSettings(name="slow", model=settings)
        for _ in range(rounds):
            reports = run_daemon(at_full_speed(folder, views, realtime=True), REPORTS)
            of_views = [report.views for report in reports if report.views]
            late = max(each["fast"].latency_ms.p99 or 0 for each in of_views)
            fast, slower = (
                statistics.median(each[name].inference_ms.p50 or 0 for each in of_views) for name in ("fast", "slow")
            )
            bar = slower + 2 * fast
            say(
                f"a model of {fast:.1f} ms beside one of {slower:.1f} ms, each at 30 frames a second: "
                f"latency p99 {late:.1f} ms, bar <= {bar:.1f}: {'met' if late <= bar else 'MISSED'}"
            )


def pooled(count: int) -> bytes:
    """A classifier of three colours that takes its time: so many average pools one after the other."""
    build = tflite.Graph()
    shape = [1, 224, 224, 3]
    image = x = build.tensor("image", shape, "float32")
    for number in range(count):
        options = schema.Pool2DOptionsT()
        options.filterHeight = options.filterWidth = 9
        options.strideH = options.strideW = 1
        options.padding = schema.Padding.SAME
        x = build.operator("AVERAGE_POOL_2D", [x], build.tensor(f"pool{number}", shape, "float32"), options)
    axes = build.tensor("axes", [2], "int32", data=[1, 2])
    mean = build.tensor("mean", [1, 3], "float32")
    return build.finish([image], [build.operator("MEAN", [x, axes], mean, schema.ReducerOptionsT())])


def against(before: Path, folder: Path, rounds: int, say: Callable[[str], None]) -> None:
    """Compare one view with another checkout of edgecam."""
    settings = at_full_speed(folder)
    speeds, loads = [], []
    for number in range(rounds):
        order = [None, before] if number % 2 else [before, None]
        figures = {each: run_daemon(settings, REPORTS, each or Path(__file__).parent.parent) for each in order}
        fps = {each: statistics.mean(report.fps for report in reports) for each, reports in figures.items()}
        cpu = {
            each: sum(report.cpu_percent for report in reports) / sum(report.fps for report in reports)
            for each, reports in figures.items()
        }
        speeds.append(fps[None] / fps[before])
        loads.append(cpu[None] / cpu[before])
    say(f"one view: frames a second ÷ {before.name} {_told(speeds)}, {_interval(speeds)}: bar > 0.97")
    say(f"one view: CPU a frame ÷ {before.name} {_told(loads)}, {_interval(loads)}: bar < 1.03")


def _interval(ratios: list[float]) -> str:
    """An interval of 95 % for the mean, by resampling."""
    draws = np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios))).mean(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"95 % of {low:.3f} to {high:.3f}"


def _told(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({', '.join(f'{value:.3f}' for value in values)})"


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--before", type=click.Path(path_type=Path, exists=True), help="Another checkout of edgecam.")
def main(rounds: int, before: Path | None) -> None:
    """Measure, and name the bars."""
    click.echo(bench.machine())
    with bench.slides() as folder:
        if before:
            against(before.resolve(), folder, rounds, click.echo)
        else:
            four_views(folder, rounds, click.echo)
            slow_and_fast(folder, rounds, click.echo)


if __name__ == "__main__":
    main()
