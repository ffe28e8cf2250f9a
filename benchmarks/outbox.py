"""What the outbox writes: ``python benchmarks/outbox.py``.

Under strace, a daemon sees what happens; each transaction of SQLite waits once for the disk (fdatasync or fsync).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam.model.classifier import shipped_model
from edgecam.tools.demo import shipped_clip
from tests import clips, tflite
from tests.broker import Mosquitto, Subscriber, events
from tests.command import Daemon

# An event that goes on, and whose score moves as often as is told; and as much beginning and ending as can be.
UPDATES = (("red", 33), ("dim red", 33))
FLICKER = (("red", 25), ("green", 25))

STARTED_S = 3  # making the file takes some more


def measure(folder: Path, clip: Path, model: Path, seconds: int) -> str:
    """Let the daemon see a clip for so long, and count what it published and how often it waited for the disk."""
    calls = folder / "calls"
    with Mosquitto(folder / "broker") as broker, Subscriber(broker.port, wait_s=seconds + 30) as subscriber:
        settings = {
            "camera.source": clip,
            "camera.loop": "true",
            "camera.realtime": "true",
            "model.path": model,
            "mqtt.host": broker.host,
            "mqtt.port": broker.port,
            "stats.interval": 1,
        }
        strace = ["strace", "--follow-forks", "--trace=fdatasync,fsync", "--output", str(calls)]
        daemon = Daemon(folder / "state", settings, before=strace)

        def at(uptime_s: int) -> tuple[int, int]:
            subscriber.wait_for(lambda each: each.topic.endswith("/stats") and each.json["uptime_s"] >= uptime_s)
            waits = sum("sync(" in line for line in calls.read_text().splitlines())
            return len(events(subscriber.seen)), waits

        before, after = at(STARTED_S), at(STARTED_S + seconds)
        daemon.terminate()
        daemon.wait()
    published, waits = (later - earlier for earlier, later in zip(before, after, strict=True))
    return f"{published / seconds:6.2f} {waits / seconds:8.2f}"


@click.command()
@click.option("--seconds", default=60, show_default=True)
def main(seconds: int) -> None:
    """Print events and waits for the disk a second, for three things to see."""
    print(f"{'':34} events   waits for the disk, a second")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        colours = tflite.saved(folder, tflite.classifier("uint8"))
        sights = {
            "the shipped clip": (shipped_clip(), shipped_model()),
            "an update every second": (clips.write(folder / "updates.avi", UPDATES), colours),
            "events as fast as they can come": (clips.write(folder / "flicker.avi", FLICKER), colours),
        }
        for number, (what, (clip, model)) in enumerate(sights.items()):
            part = folder / str(number)
            part.mkdir()
            print(f"{what:34} {measure(part, clip, model, seconds)}", flush=True)


if __name__ == "__main__":
    main()
