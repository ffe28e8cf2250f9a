"""1,000 cameras on one mosquitto: ``python benchmarks/fleet.py [--cameras N] [--seconds S] [--docs]``.

Every camera is the daemon's own publisher with its outbox and its connection; only what it sees is drawn by lot. One
subscriber takes all events. The runs: a usual day, a day with ten times as many events, and one in which the broker is
killed in the middle and started again. It exits 1 if anything is lost, or comes out of order.
"""

from __future__ import annotations

import os
import queue
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import numpy as np
import psutil
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent))

from documents import put_table
from fleet_cameras import Plan

from edgecam.mqtt.payloads import EventPayload
from edgecam.tools import bench
from tests.broker import Mosquitto

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCESSES = 8  # paho waits with select(), which takes no file beyond the 1,024th of a process
STATS_S = 10.0
CONNECT_S = 300
SETTLE_S = 10.0  # after all cameras are connected
SETTINGS = ("allow_anonymous true", "max_queued_messages 0", "max_connections -1")
USUAL_PER_MINUTE, BUSY = 1.0, 10.0


@dataclass(frozen=True)
class Run:
    """What one run showed; ``cpu`` is the broker's, as a share of one core; latencies are milliseconds."""

    name: str
    decided: int
    lost: int
    duplicated: int
    disordered: int
    messages_s: float
    cpu: float
    memory_mb: float
    p50: float
    p99: float


class Listener:
    """A subscriber to all events, with a session, so that the broker keeps what comes while it is away."""

    def __init__(self, port: int) -> None:
        self.came: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self.online = 0
        self.messages = 0
        self.all_online = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "listener", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)

    def start(self, cameras: int) -> None:
        """Listen, until so many cameras have come and on."""
        self._cameras = cameras
        self._client.loop_start()

    def stop(self) -> None:
        """Listen no more."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([("edgecam/+/events", 1), ("edgecam/+/availability", 1), ("edgecam/+/state", 1)])
        client.subscribe("edgecam/+/stats", 0)

    def _take(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.messages += 1
        if message.topic.endswith("/events"):
            self.came.put((time.time(), bytes(message.payload)))
        elif message.payload == b"online":
            self.online += 1
            if self.online >= self._cameras:
                self.all_online.set()


def measured(name: str, folder: Path, cameras: int, seconds: float, per_minute: float, *, kills: bool) -> Run:
    """Run the fleet once."""
    with Mosquitto(folder / "broker", SETTINGS) as broker:
        listener = Listener(broker.port)
        listener.start(cameras)
        share = cameras // PROCESSES
        plans = [
            Plan(broker.host, broker.port, number * share, share, per_minute, STATS_S) for number in range(PROCESSES)
        ]
        workers = [_started(plan, folder) for plan in plans]
        if not listener.all_online.wait(CONNECT_S):
            sys.exit(f"only {listener.online} of {cameras} cameras came within {CONNECT_S} s")
        time.sleep(SETTLE_S)
        process = psutil.Process(broker.pid)
        cpu, messages, began = sum(process.cpu_times()[:2]), listener.messages, time.monotonic()
        for second in tqdm(range(round(seconds)), desc=name, unit="s", disable=not sys.stderr.isatty()):
            time.sleep(1)
            if kills and second == round(seconds / 2):
                broker.stop()
                time.sleep(5)
                broker.start()
                process, cpu = psutil.Process(broker.pid), 0.0
        passed = time.monotonic() - began
        spent = sum(process.cpu_times()[:2]) - cpu
        memory, rate = process.memory_info().rss / 1e6, (listener.messages - messages) / passed
        decided: dict[str, list[str]] = {}
        for worker in workers:
            decided |= msgspec.json.decode(worker.communicate()[0], type=dict[str, list[str]])
        _wait_until_quiet(listener)
        listener.stop()
    return _counted(name, decided, listener, rate, spent / passed, memory)


def _started(plan: Plan, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).with_name("fleet_cameras.py")), msgspec.json.encode(plan).decode()]
    environment = {**os.environ, "STATE_DIRECTORY": str(folder / f"state-{plan.first}")}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603


def _wait_until_quiet(listener: Listener) -> None:
    before = -1
    while listener.messages != before:
        before = listener.messages
        time.sleep(2)


def _counted(
    name: str, decided: dict[str, list[str]], listener: Listener, rate: float, cpu: float, memory: float
) -> Run:
    received: dict[str, list[str]] = {}
    latencies, duplicated, seen = [], 0, set()
    while not listener.came.empty():
        at, payload = listener.came.get()
        event = msgspec.json.decode(payload, type=EventPayload)
        key = (event.id, event.type, event.frame_time)
        if key in seen:
            duplicated += 1
            continue
        seen.add(key)
        received.setdefault(event.id, []).append(event.type)
        latencies.append((at - datetime.fromisoformat(event.frame_time).astimezone(UTC).timestamp()) * 1e3)
    # What the end of the run cuts short is ended by nobody here: its messages count all the same.
    lost = sum(len(types) - len(received.get(event, [])) for event, types in decided.items())
    disordered = sum(received.get(event, []) != types for event, types in decided.items()) if not lost else 0
    p50, p99 = np.percentile(latencies, (50, 99))
    total = sum(map(len, decided.values()))
    return Run(name, total, lost, duplicated, disordered, rate, cpu, memory, float(p50), float(p99))


def _table(runs: Sequence[Run]) -> list[str]:
    counts = ("", "event messages", "lost", "twice", "out of order", "all messages a second")
    columns = (*counts, "broker's CPU", "its memory", "latency p50", "p99")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return lines + [
        f"| {run.name} | {run.decided:,} | {run.lost} | {run.duplicated} | {run.disordered} | {run.messages_s:.0f} | "
        f"{run.cpu:.1%} of a core | {run.memory_mb:.0f} MB | {run.p50:.1f} ms | {run.p99:.1f} ms |"
        for run in runs
    ]


@click.command()
@click.option("--cameras", type=click.IntRange(PROCESSES), default=1000, show_default=True)
@click.option("--seconds", type=click.IntRange(10), default=60, show_default=True, help="Of each run.")
@click.option("--docs", is_flag=True, help="Write the table into docs/fleet.md.")
def main(cameras: int, seconds: int, *, docs: bool) -> None:
    """Measure, and exit 1 if anything is lost or out of order."""
    cameras -= cameras % PROCESSES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = cameras + 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))  # the broker inherits it
    plans = [
        ("a usual day: an event a minute and camera", USUAL_PER_MINUTE, False),
        (f"{BUSY:.0f} events a minute and camera", BUSY, False),
        ("the broker is killed and back after 5 s", USUAL_PER_MINUTE, True),
    ]
    runs = []
    for number, (name, per_minute, kills) in enumerate(plans):
        with tempfile.TemporaryDirectory() as folder:
            click.echo(f"{number + 1} of {len(plans)}: {cameras} cameras, {name} ...", err=True)
            runs.append(measured(name, Path(folder), cameras, seconds, per_minute, kills=kills))
    lines = [*_table(runs), "", f"{cameras:,} cameras, {seconds} s each, all on one machine: {bench.machine()}."]
    click.echo("\n".join(lines))
    if docs:
        put_table("fleet", lines, "fleet.md")
    sys.exit(any(run.lost or run.disordered for run in runs))


if __name__ == "__main__":
    main()
