"""How soon a camera that is back is seen again: ``python benchmarks/recovery.py``."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import tflite
from tests.broker import Mosquitto, Subscriber
from tests.command import Daemon
from tests.ip_camera import IpCamera

if TYPE_CHECKING:
    from collections.abc import Callable

BAR_S = 5.0
AWAY_S = (0.0, 10.0)  # longer than has been seen to be lost


def measure(folder: Path, rounds: int, fault: str) -> list[float]:
    """Seconds from the return of a camera to ``online``, over MQTT."""
    chance = random.Random(1)  # noqa: S311
    model = tflite.saved(folder, tflite.classifier("uint8"))
    with Mosquitto(folder / "broker") as broker, Subscriber(broker.port) as subscriber, IpCamera() as camera:
        faults: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "unplugged": (camera.unplug, camera.plug_in),
            "frozen": (camera.freeze, camera.thaw),
        }
        begin, mend = faults[fault]
        settings = {
            "camera.source": camera.url,
            "model.path": model,
            "mqtt.host": broker.host,
            "mqtt.port": broker.port,
        }
        daemon = Daemon(folder / "state", settings)

        subscriber.wait_for_camera("online")
        took = []
        for _ in range(rounds):
            begin()
            subscriber.wait_for_camera("lost")
            time.sleep(chance.uniform(*AWAY_S))
            back = time.monotonic()
            mend()
            subscriber.wait_for_camera("online")
            took.append(time.monotonic() - back)
        daemon.terminate()
        daemon.wait()
    return took


@click.command()
@click.option("--rounds", default=12, show_default=True)
def main(rounds: int) -> None:
    """Print the median and the longest time, for a camera on the network that was unplugged, and one that froze."""
    for fault in ("unplugged", "frozen"):
        with tempfile.TemporaryDirectory() as folder:
            took = measure(Path(folder), rounds, fault)
        print(f"{fault:10} median {statistics.median(took):.1f} s, longest {max(took):.1f} s (bar {BAR_S:.0f} s)")


if __name__ == "__main__":
    main()
