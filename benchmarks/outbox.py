"""What the outbox writes: ``python benchmarks/outbox.py``; and how fast it empties: ``... --backlog 20000``.

Under strace, a daemon sees what happens; each transaction of SQLite waits once for the disk (fdatasync or fsync).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import click
import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam import config
from edgecam.kept import outbox_file
from edgecam.model.classifier import shipped_model
from edgecam.mqtt.outbox import Outbox
from edgecam.mqtt.outbox_file import Message
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload, ModelPayload
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


def drain(folder: Path, backlog: int) -> float:
    """Return the seconds from the first to the last of so many events that wait for a broker, which is there then."""
    os.environ["STATE_DIRECTORY"] = str(folder / "state")
    now = "2026-11-24T04:27:34.141203Z"
    top = tuple(LabelPayload(label, 0.3) for label in ("red", "green", "blue"))
    box = Outbox(outbox_file("porch"), config.OutboxSettings(size=backlog), 0.0, lambda _view, _opened: None)
    for number in range(backlog):
        about = (SCHEMA, f"{number:036}", "new", "porch", "red", 0, 0.9, 0.9, now, now, None, top)
        event = EventPayload(*about, model=ModelPayload("colours", "0" * 64))  # type: ignore[arg-type]
        box.add(Message("edgecam/porch/events", msgspec.json.encode(event), "new", None))
    box.close(0.0)
    clip = clips.write(folder / "nothing.avi", (("grey", 30),))
    with (
        Mosquitto(folder / "broker", ["allow_anonymous true", "max_queued_messages 0"]) as broker,
        Subscriber(broker.port, topic="edgecam/porch/events", wait_s=120) as subscriber,
    ):
        settings = {
            "camera.name": "porch",
            "camera.source": clip,
            "camera.loop": "true",
            "camera.realtime": "true",
            "model.path": tflite.saved(folder, tflite.classifier("uint8")),
            "mqtt.host": broker.host,
            "mqtt.port": broker.port,
            "outbox.size": backlog,
        }
        daemon = Daemon(folder / "state", settings)
        subscriber.wait_for_topic("events")
        began_s = time.monotonic()
        while len(subscriber.seen) < backlog:
            subscriber.wait_for_topic("events")
        took_s = time.monotonic() - began_s
        daemon.terminate()
        daemon.wait()
    if [int(each.json["id"]) for each in subscriber.seen] != list(range(backlog)):
        message = "events came out of order, or twice"
        raise click.ClickException(message)
    return took_s


@click.command()
@click.option("--seconds", default=60, show_default=True)
@click.option("--backlog", default=0, help="Instead: how long so many events take that wait for a broker.")
def main(seconds: int, backlog: int) -> None:
    """Print events and waits for the disk a second, for three things to see."""
    if backlog:
        with tempfile.TemporaryDirectory() as name:
            took_s = drain(Path(name), backlog)
        print(f"{backlog} events in {took_s:.1f} s: {backlog / took_s:.0f} a second")
        return
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
