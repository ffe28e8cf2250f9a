"""How much the pipeline costs on top of inference: ``python benchmarks/pipeline.py``.

Measures in one run, on one clip with one model and as many threads: bare ``invoke()`` in a loop, the daemon reading
the clip at full speed, the time from a frame's exposure to an event's receipt by a subscriber while the clip plays at
its own speed, and the daemon's memory. Rounds of bare and whole take turns, so that noise hits both.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam import config
from edgecam.model.classifier import Classifier
from edgecam.tools.demo import shipped_clip
from tests.broker import Mosquitto, Subscriber
from tests.command import as_options

BARS = {"speed": 0.90, "delivery_ms": 10.0, "memory_mb": 160.0}
CAMERA = "bench"


def bare_fps(threads: int, frames: int) -> float:
    """Invocations a second, nothing else."""
    model = Classifier(config.ModelSettings(threads=threads))
    interpreter = model._interpreter  # noqa: SLF001  the very one that the daemon uses
    for _ in range(20):
        interpreter.invoke()
    start = time.perf_counter()
    for _ in range(frames):
        interpreter.invoke()
    return frames / (time.perf_counter() - start)


def start_daemon(broker: Mosquitto, state: str, **settings: object) -> subprocess.Popen[bytes]:
    """``edgecam run`` on the shipped clip."""
    options = {
        "camera.name": CAMERA,
        "camera.source": shipped_clip(),
        "mqtt.host": broker.host,
        "mqtt.port": broker.port,
    }
    options |= {key.replace("__", "."): value for key, value in settings.items()}
    command = [sys.executable, "-m", "edgecam", "run", "-q", "--config", os.devnull, *as_options(options)]
    return subprocess.Popen(command, env={**os.environ, "STATE_DIRECTORY": state})  # noqa: S603


def whole_fps(broker: Mosquitto, state: str, threads: int) -> tuple[float, float, float]:
    """Frames a second of the daemon, its CPU milliseconds a frame, and its resident memory in MB."""
    with Subscriber(broker.port) as subscriber:
        daemon = start_daemon(broker, state, model__threads=threads, camera__loop="true", stats__interval=5)
        # The first report holds the start; the second is of five full seconds.
        reports = [subscriber.wait_for(lambda m: m.topic.endswith("stats") and not m.retain).json for _ in range(2)]
        daemon.terminate()
        daemon.wait()
        stats = reports[1]
    return stats["fps"], stats["cpu_percent"] * 10 / stats["fps"], stats["rss_mb"]


def delivery_ms(broker: Mosquitto, state: str, threads: int) -> tuple[list[float], float]:
    """Milliseconds from exposure to receipt of each event of the clip, and the median inference."""
    delays: list[float] = []

    with Subscriber(broker.port) as subscriber:
        daemon = start_daemon(broker, state, model__threads=threads, camera__realtime="true", stats__interval=3600)
        while True:
            message = subscriber.wait_for(lambda m: m.topic.endswith(("events", "stats")) and not m.retain)
            if message.topic.endswith("stats"):
                break
            exposed = datetime.fromisoformat(message.json["frame_time"])
            delays.append((datetime.now(UTC) - exposed).total_seconds() * 1e3)
        daemon.wait()
    return delays, message.json["inference_ms"]["p50"]


@click.command()
@click.option("--threads", default=1, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--frames", default=600, show_default=True, help="Of bare inference, a round.")
def main(threads: int, rounds: int, frames: int) -> None:
    """Measure and compare with the bars; exit 1 if one is missed."""
    bare, whole, cpu, memory = [], [], [], []
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder)) as broker:
        for number in range(rounds):
            bare.append(bare_fps(threads, frames))
            fps, cpu_ms, rss = whole_fps(broker, folder, threads)
            whole.append(fps)
            cpu.append(cpu_ms)
            memory.append(rss)
            click.echo(
                f"round {number + 1}/{rounds}: bare {bare[-1]:.0f}, pipeline {fps:.0f} frames a second", err=True
            )
        delays, inference_ms = delivery_ms(broker, folder, threads)
    speed = statistics.median(part / limit for part, limit in zip(whole, bare, strict=True))
    spread = (max(bare) - min(bare)) / statistics.median(bare)
    beyond = statistics.median(delays) - inference_ms
    rows = [
        ("pipeline / bare invoke, frames a second", f"{speed:.2f}", f">= {BARS['speed']:.2f}", speed >= BARS["speed"]),
        (
            "exposure to receipt beyond one inference",
            f"{beyond:.1f} ms",
            f"<= {BARS['delivery_ms']:.0f} ms",
            beyond <= BARS["delivery_ms"],
        ),
        (
            "resident memory of the daemon",
            f"{max(memory):.0f} MB",
            f"<= {BARS['memory_mb']:.0f} MB",
            max(memory) <= BARS["memory_mb"],
        ),
    ]
    speeds = f"bare {statistics.median(bare):.0f}, pipeline {statistics.median(whole):.0f} frames a second"
    click.echo(f"{threads} thread(s), {rounds} rounds; bare invoke varied by {spread:.0%}")
    click.echo(f"{speeds}; pipeline {statistics.median(cpu):.2f} ms CPU a frame")
    for name, value, bar, met in rows:
        click.echo(f"{name:42} {value:>8}  {bar:>9}  {'met' if met else 'MISSED'}")
    sys.exit(0 if all(met for *_, met in rows) else 1)


if __name__ == "__main__":
    main()
