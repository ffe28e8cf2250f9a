"""Runs the daemon at full speed with a fault every few seconds: ``make soak MINUTES=20``.

Memory, file descriptors, threads and latency must stay as they are. The report is a line a figure, and a picture.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import psutil
from tqdm import tqdm

from edgecam.camera.sources import open_source
from edgecam.config import CameraSettings
from edgecam.tools.demo import shipped_clip
from tests.broker import Message, Mosquitto, Subscriber, events
from tests.command import Daemon
from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy
from tests.ip_camera import IpCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

FAULT_S = (2.0, 8.0)  # from one fault to the next, by when it is mended
SCENE_S = (0.5, 2.0)  # until something else is seen
REPORT_S = 5
WARM_UP = 0.25  # of the time, in which memory may still grow
RATE = 2000  # frames a second that the camera offers: more than can be classified
SLOPE_MB_H = 1.0
LATENCY_RATIO = 1.25  # of the last minute's to an early one's: these machines are noisy
SMALL, BIG = (320, 240), (640, 480)


@dataclass
class Samples:
    """What was measured, a row a second."""

    at_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def take(self, process: psutil.Process, at_s: float) -> None:
        """Measure a process: anonymous memory, as the pages of libraries come and go with the kernel's cache."""
        status = Path(f"/proc/{process.pid}/status").read_text()
        self.at_s.append(at_s)
        self.memory_mb.append(int(status.split("RssAnon:")[1].split()[0]) / 1000)
        self.descriptors.append(process.num_fds())
        self.threads.append(process.num_threads())

    def slope_mb_h(self) -> float:
        """Megabytes an hour after the warm-up: the median of the slopes between all pairs of minutes (Theil-Sen)."""
        at, memory = np.array(self.at_s), np.array(self.memory_mb)
        warm = at >= WARM_UP * at[-1]
        at, memory = at[warm], memory[warm]
        first, second = np.triu_indices(len(at), 30)
        return float(np.median((memory[second] - memory[first]) / (at[second] - at[first]))) * 3600


class Scene:
    """A camera, a network, a broker and a daemon, and all that can happen to them."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder / "broker", ["allow_anonymous true", "max_queued_messages 0"])
        self.camera = IpCamera(size=SMALL, rate=RATE)
        self.sights = _every_second(shipped_clip())
        self._folder = folder

    def __enter__(self) -> Self:
        self.broker.start()
        self.camera.plug_in()
        self.network = Proxy(self.broker.port).__enter__()
        self.subscriber = Subscriber(self.broker.port, session="subscriber").__enter__()
        self.daemon = Daemon(self._folder / "state", self._settings(), ["-v"])
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.kill()
        self.subscriber.__exit__()
        self.network.__exit__()
        self.camera.unplug()
        self.broker.stop()

    def _settings(self) -> dict[str, object]:
        return {
            "camera.name": "porch",
            "camera.source": self.camera.url,
            "mqtt.host": self.network.host,
            "mqtt.port": self.network.port,
            "mqtt.keepalive": 5,
            "stats.interval": REPORT_S,
            "events.smoothing": 0.05,
            "events.hold": 0.05,
            "events.release": 0.1,
        }

    def faults(self) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
        """Name what can happen, how it is done and how it is mended."""
        network, camera, sight = self.network, self.camera, self.sights[0]
        return {
            "connection cut": (network.cut, _nothing),
            "connection half closed": (network.half_close, _nothing),
            "network swallows": (network.swallow, network.heal),
            "network refuses": (network.refuse, network.heal),
            "network slow": (network.slow_down, network.heal),
            "broker restarts": (self.broker.stop, self.broker.start),
            "camera unplugged": (camera.unplug, camera.plug_in),
            "camera freezes": (camera.freeze, camera.thaw),
            "camera changes size": (lambda: camera.show(sight, BIG), lambda: camera.show(sight, SMALL)),
            "settings reloaded": (self.daemon.reload, _nothing),
            "paused": (lambda: self._order("enabled", b"OFF"), lambda: self._order("enabled", b"ON")),
            "rubbish ordered": (lambda: self._order("threshold", b"\0" * 1000), _nothing),
        }

    def _order(self, name: str, payload: bytes) -> None:
        self.subscriber.publish(f"edgecam/porch/{name}/set", payload)

    def finish(self) -> Ledger:
        """Let everything arrive, end the daemon and settle the account."""
        if self.daemon.process.poll() is not None:
            sys.exit(f"the daemon has ended with {self.daemon.wait()}; its last words: {self.daemon.log[-5:]}")
        self.camera.show(np.zeros_like(self.sights[0]), SMALL)
        self.subscriber.catch_up()
        self.subscriber.wait_for(
            lambda each: each.topic.endswith("/stats") and each.json["outbox"] == 0 and not each.retain
        )
        self.daemon.process.terminate()
        self.daemon.wait()
        self.subscriber.catch_up()
        return Ledger.of(self.daemon.log, events(self.subscriber.seen))


def _nothing() -> None:
    pass


def _every_second(clip: Path) -> list[NDArray[np.uint8]]:
    """An image of each second of a clip."""
    frames = open_source(CameraSettings(source=str(clip), loop=False)).frames(threading.Event())
    return [frame.image for place, frame in enumerate(frames) if place % 30 == 0]


def run(scene: Scene, seconds: float, chance: random.Random) -> tuple[Samples, Counter[str]]:
    """Let faults happen for so long, one at a time, while the scene changes and is measured."""
    samples, happened = Samples(), Counter[str]()
    process = psutil.Process(scene.daemon.process.pid)
    started = time.monotonic()
    next_scene = next_fault = started
    mend: Callable[[], object] = _nothing
    progress = tqdm(total=round(seconds), unit="s", disable=None)
    while (now := time.monotonic()) < started + seconds:
        if now >= next_scene:
            scene.camera.show(chance.choice(scene.sights), SMALL)
            next_scene = now + chance.uniform(*SCENE_S)
        if now >= next_fault:
            mend()
            name, (begin, mend) = chance.choice(list(scene.faults().items()))
            begin()
            happened[name] += 1
            next_fault = now + chance.uniform(*FAULT_S)
        samples.take(process, now - started)
        progress.update(round(now - started) - progress.n)
        try:
            scene.daemon.process.wait(1.0)
        except subprocess.TimeoutExpired:
            continue
        break
    progress.close()
    mend()
    return samples, happened


def latencies(messages: Iterable[Message]) -> list[tuple[float, float]]:
    """Uptime in seconds and median latency in milliseconds of each report in which frames were classified."""
    reports = [each.json for each in messages if each.topic.endswith("/stats")]
    return [(each["uptime_s"], each["latency_ms"]["p50"]) for each in reports if each["latency_ms"]["p50"]]


def picture(samples: Samples, delays: list[tuple[float, float]], path: Path) -> None:
    """Draw memory and latency over time."""
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(8, 4.5), layout="constrained")
    above.plot(np.array(samples.at_s) / 60, samples.memory_mb, color="tab:blue")
    above.set(ylabel="memory, MB", ylim=(0, None))
    at, latency = np.array(delays).T
    below.plot(at / 60, latency, ".", color="tab:green")
    below.set(ylabel="latency p50, ms", xlabel="minutes", ylim=(0, None))
    figure.savefig(path, dpi=100)


def report(samples: Samples, delays: list[tuple[float, float]], ledger: Ledger, happened: Counter[str]) -> bool:
    """Print every figure, and return whether all are as they should be."""
    quarter = len(samples.at_s) // 4
    slope = samples.slope_mb_h()
    files = [max(part) for part in (samples.descriptors[quarter : 2 * quarter], samples.descriptors[-quarter:])]
    threads = [max(part) for part in (samples.threads[quarter : 2 * quarter], samples.threads[-quarter:])]
    end = samples.at_s[-1]
    first = [latency for at, latency in delays if at <= WARM_UP * end + 60][-60 // REPORT_S :]
    last = [latency for at, latency in delays if at >= end - 60]
    ratio = float(np.median(last) / np.median(first))
    print(f"faults     {sum(happened.values())}: {', '.join(f'{name} {n}' for name, n in happened.most_common())}")
    print(f"memory     {samples.memory_mb[-1]:.1f} MB, slope after warm-up {slope:+.2f} MB an hour (bar {SLOPE_MB_H})")
    print(f"files      at most {files[0]} in the second quarter, {files[1]} in the last")
    print(f"threads    at most {threads[0]} in the second quarter, {threads[1]} in the last")
    print(f"latency    p50 {np.median(first):.2f} ms in a minute after warm-up, {np.median(last):.2f} ms in the last")
    print(f"events     {ledger.summary()}")
    kept = slope < SLOPE_MB_H and files[1] <= files[0] and threads[1] <= threads[0] and ratio < LATENCY_RATIO
    return kept and not (ledger.lost or ledger.out_of_order or ledger.broken_lives)


def main() -> None:
    """Run, report, and fail where something grew or was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="draw memory and latency into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Scene(Path(name)) as scene:
        samples, happened = run(scene, 60 * options.minutes, random.Random(options.seed))  # noqa: S311
        ledger = scene.finish()
        delays = latencies(scene.subscriber.seen)
    if options.picture:
        picture(samples, delays, options.picture)
    sys.exit(0 if report(samples, delays, ledger, happened) else 1)


if __name__ == "__main__":
    main()
