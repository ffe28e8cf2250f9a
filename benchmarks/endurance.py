"""Memory and latency over 100,000 frames and thousands of events: ``python benchmarks/endurance.py [--docs]``.

The daemon runs at full speed with a real mosquitto; of each tenth of the way, memory and latency are shown.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from documents import figure, put_table

from edgecam import config
from edgecam.tools import bench
from tests import clips, tflite
from tests.broker import Mosquitto, Subscriber, events

if TYPE_CHECKING:
    from edgecam.mqtt.payloads import StatsPayload

PARTS = 10
FLICKER = (("red", 20), ("green", 20))  # each begins and ends an event
GROWTH_MB = 1.0  # that may come between the second tenth and the last
LATENCY_RATIO = 1.25  # of the last tenth to the second


def measured(folder: Path, frames: int, model: str) -> tuple[list[list[StatsPayload]], int]:
    """Stats of each tenth of the way, and how many events were received."""
    path = model or str(tflite.saved(folder, tflite.classifier("uint8", size=(224, 224))))
    clip = clips.write(folder / "flicker.avi", FLICKER, (640, 480))
    parts: list[list[StatsPayload]] = [[] for _ in range(PARTS)]
    with Mosquitto(folder / "broker") as broker, Subscriber(broker.port) as subscriber:
        settings = config.Config(
            camera=config.CameraSettings(source=str(clip), loop=True),
            model=config.ModelSettings(path=path, runtime="litert", graph="original", threads=1),
            mqtt=config.MqttSettings(host=broker.host, port=broker.port),
            stats=bench.OFTEN,
        )
        with bench.daemon(settings, str(folder / "state")) as stats:
            for each in stats:
                if each.frames.classified >= frames:
                    break
                parts[each.frames.classified * PARTS // frames].append(each)
        subscriber.catch_up()
        return parts, len(events(subscriber.seen))


@click.command()
@click.option("--frames", default=100_000, show_default=True)
@click.option("--model", default="", help="One of your own instead of a very small one, with --frames to suit.")
@click.option("--docs", is_flag=True, help="Write the table and a plot into docs/.")
def main(frames: int, model: str, *, docs: bool) -> None:
    """Measure, and exit 1 if anything grows."""
    with tempfile.TemporaryDirectory() as folder:
        parts, received = measured(Path(folder), frames, model)
    rows = [
        (
            statistics.median(each.rss_mb for each in part),
            statistics.median(each.latency_ms.p50 or 0 for each in part),
            statistics.median(each.latency_ms.p99 or 0 for each in part),
        )
        for part in parts
    ]
    memory, p50, p99 = zip(*rows, strict=True)
    lines = ["| frames | memory | latency p50 | p99 |", "|---|---|---|---|"]
    for number, row in enumerate(rows, 1):
        lines.append(f"| {number * frames // PARTS:,} | {row[0]:.1f} MB | {row[1]:.2f} ms | {row[2]:.2f} ms |")
    lines += ["", f"{frames:,} frames, {received:,} messages of events received, {bench.machine()}."]
    click.echo("\n".join(lines))
    if docs:
        put_table("endurance", lines)
        with figure("endurance.png", (7, 2.6)) as axes:
            places = [number * frames / PARTS / 1000 for number in range(1, PARTS + 1)]
            axes.plot(places, memory, marker="o", label="memory, MB")
            axes.plot(places, p50, marker="o", label="latency p50, ms")
            axes.plot(places, p99, marker="o", label="latency p99, ms")
            axes.set_xlabel("thousand frames")
            axes.set_ylim(0)
            axes.legend(loc="center right")
    grown, ratio = memory[-1] - memory[1], p50[-1] / p50[1]
    kept = grown <= GROWTH_MB and ratio <= LATENCY_RATIO
    verdict = "flat" if kept else "GROWS"
    click.echo(f"memory {grown:+.1f} MB, latency x {ratio:.2f} from the second tenth to the last: {verdict}")
    sys.exit(not kept)


if __name__ == "__main__":
    main()
