"""Many cameras in one process, for `fleet.py`: each is the daemon's own publisher, with an outbox and a connection.

What is left out of them is camera and model: events are drawn by lot. ``python fleet_cameras.py JSON`` prints, when its
standard input ends, what was decided, as JSON.
"""

from __future__ import annotations

import heapq
import logging
import queue
import random
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam import config
from edgecam.camera.frame_queue import Feed, FrameQueue, Look
from edgecam.camera.frames import CameraChange
from edgecam.camera.sources import open_source
from edgecam.daemon.pipeline import make_pipelines
from edgecam.daemon.stats import Stats
from edgecam.events.tracker import Event
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.notices import Origin, Switched, happened
from edgecam.mqtt.publisher import Publisher
from edgecam.rollout.record import ModelState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.daemon.pipeline import Pipeline
    from edgecam.mqtt.publisher import Inbox

LASTS_S = 8.0  # an event, on average
UPDATES = 2  # of an event
GRACE_S = 60.0  # for the broker to take all
DRAWN = (0.9, 0.95, 0.8, 0.1)  # scores of an event's messages


class Plan(msgspec.Struct, frozen=True):
    """What a process is to do: cameras ``first`` to ``first + count``, each with ``per_minute`` events."""

    host: str
    port: int
    first: int
    count: int
    per_minute: float
    stats_s: float


def simulate(plan: Plan, stop: threading.Event) -> dict[str, list[str]]:
    """Run the cameras until told to stop; return the types of the messages of each event, by its id."""
    settings = config.Config(model=config.ModelSettings(runtime="litert", graph="original", threads=1))
    pipeline, clock = make_pipelines(settings).first, Clock()
    cameras = [_camera(plan, _origin(plan, number), pipeline, clock) for number in range(plan.count)]
    threads = [threading.Thread(target=publisher.run) for publisher, _ in cameras]
    for thread in threads:
        thread.start()
    decided: dict[str, list[str]] = {}
    generator = random.Random(plan.first)  # noqa: S311  a simulation
    due: list[tuple[float, int, Iterator[Event], int]] = []
    order = 0
    for number in range(plan.count):
        heapq.heappush(due, (time.monotonic() + generator.expovariate(plan.per_minute / 60), order, iter(()), number))
        order += 1
    while not stop.wait(max(0.0, due[0][0] - time.monotonic())):
        _, _, steps, number = heapq.heappop(due)
        event = next(steps, None)
        if event is None:
            wait_s = generator.expovariate(plan.per_minute / 60)
            following = _steps(f"{plan.first + number}-{order}", number % len(pipeline.labels.names))
        else:
            decided.setdefault(event.id, []).append(event.type)
            told = happened(event, _origin(plan, number), pipeline.labels, pipeline.payload, clock, "visit")
            cameras[number][1].put(told)
            wait_s, following = generator.expovariate((UPDATES + 1) / LASTS_S), steps
        heapq.heappush(due, (time.monotonic() + wait_s, order, following, number))
        order += 1
    for publisher, _ in cameras:
        publisher.finish(GRACE_S)
    for thread in threads:
        thread.join()
    return decided


def _origin(plan: Plan, number: int) -> Origin:
    name = f"camera-{plan.first + number:04}"
    return Origin(f"edgecam/{name}", name)


def _camera(plan: Plan, origin: Origin, pipeline: Pipeline, clock: Clock) -> tuple[Publisher, Inbox]:
    settings = config.Config(
        camera=config.CameraSettings(name=origin.camera),
        mqtt=config.MqttSettings(host=plan.host, port=plan.port),
        stats=config.StatsSettings(interval=plan.stats_s),
    )
    inbox: Inbox = queue.SimpleQueue()
    ignore: Callable[..., None] = lambda *_: None  # noqa: E731
    source = open_source(config.CameraSettings(source="/dev/video0"))
    stats = Stats(FrameQueue(2, Feed(source, (Look(pipeline.view),))))
    stats.follow({"": pipeline})
    publisher = Publisher(
        settings,
        clock,
        Switched(enabled=True, threshold=0.6),
        ModelState("active"),
        inbox,
        stats.report,
        on_event=ignore,
        on_report=ignore,
        on_command=ignore,
    )
    inbox.put(CameraChange(online=True, at_ns=time.monotonic_ns()))
    return publisher, inbox


def _steps(event_id: str, label: int) -> Iterator[Event]:
    start_ns = time.monotonic_ns()
    for kind, score in zip(("new", *["update"] * UPDATES, "end"), DRAWN, strict=True):
        now_ns = time.monotonic_ns()
        end_ns = now_ns if kind == "end" else None
        yield Event(kind, event_id, label, score, 0.95, now_ns, start_ns, end_ns, ((label, score),))  # type: ignore[arg-type]


def main() -> None:
    """Read the plan, run it until the standard input ends, and print what was decided."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    logging.disable(logging.WARNING)  # a thousand cameras would say the same
    stop = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    sys.stdout.buffer.write(msgspec.json.encode(simulate(plan, stop)))


if __name__ == "__main__":
    main()
