"""Latency while a camera is ten times too fast: ``python benchmarks/latency.py``."""

from __future__ import annotations

import statistics
import sys
import tempfile

import click

from edgecam import config
from edgecam.model import runtimes, timing
from edgecam.model.classifier import read_model
from edgecam.tools import bench

TOO_FAST = 10


@click.command()
@click.option("--model", default="", help="Another one than the shipped.")
@click.option("--rounds", default=3, show_default=True)
def main(model: str, rounds: int) -> None:
    """Measure and compare with the bar; exit 1 if it is missed."""
    settings = config.ModelSettings(path=model, runtime="litert", graph="original", threads=1)
    interpreter = runtimes.interpreter("litert", read_model(settings), 1)
    missed = False
    with bench.slides() as folder, tempfile.TemporaryDirectory() as state:
        for _ in range(rounds):
            inference = statistics.median(timing.milliseconds(interpreter, 3, 300))
            fps = TOO_FAST * 1e3 / inference
            latency = bench.latency_ms(settings, folder, state, fps)
            bar = 2 * inference + 1e3 / fps
            assert latency.p99 is not None  # noqa: S101
            missed |= latency.p99 > bar
            click.echo(
                f"inference {inference:.2f} ms, {fps:.0f} frames a second: latency p50 {latency.p50} ms, "
                f"p99 {latency.p99} ms, bar <= {bar:.2f} ms: {'MISSED' if latency.p99 > bar else 'met'}"
            )
    sys.exit(missed)


if __name__ == "__main__":
    main()
