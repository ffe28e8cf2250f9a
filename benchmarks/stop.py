"""How long the daemon takes to end when it is told to: ``python benchmarks/stop.py``.

Seconds from SIGTERM to the end of the process: while an event is open, while the broker is away, and while the source
blocks (an RTSP server that takes the connection and says nothing).
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam.tools.demo import shipped_clip
from tests.broker import Mosquitto, Subscriber
from tests.command import Daemon

BAR_S = 1.0


def seconds_to_end(daemon: Daemon) -> float:
    """Send SIGTERM and wait for a clean end."""
    start = time.perf_counter()
    daemon.process.terminate()
    code = daemon.process.wait()
    took = time.perf_counter() - start
    daemon.wait()
    if code:
        message = f"the daemon ended with {code}: {daemon.log}"
        raise RuntimeError(message)
    return took


def with_an_open_event(state: Path, *, broker_goes: bool = False) -> float:
    """The clip plays, and something is seen."""
    with Mosquitto(state) as broker, Subscriber(broker.port) as subscriber:
        settings = {"camera.source": shipped_clip(), "camera.realtime": "true", "mqtt.port": broker.port}
        daemon = Daemon(state, settings | {"mqtt.host": broker.host})
        subscriber.wait_for_topic("events")
        if broker_goes:
            broker.stop()
        return seconds_to_end(daemon)


def without_a_broker(state: Path) -> float:
    """The same, but the broker has gone, so that the event's end cannot be delivered."""
    return with_an_open_event(state, broker_goes=True)


def while_the_source_blocks(state: Path) -> float:
    """The capture thread waits inside OpenCV."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        broker = stack.enter_context(Mosquitto(state))
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/silent"
        settings = {"camera.source": url, "mqtt.host": broker.host, "mqtt.port": broker.port}
        daemon = Daemon(state, settings)
        connection, _ = server.accept()
        with connection:
            connection.recv(1)  # it asks, and waits for the answer
            return seconds_to_end(daemon)


@click.command()
@click.option("--rounds", default=5, show_default=True)
def main(rounds: int) -> None:
    """Measure and compare with the bar; exit 1 if it is missed."""
    worst = 0.0
    for case in (with_an_open_event, without_a_broker, while_the_source_blocks):
        times = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                times.append(case(Path(folder)))
        worst = max(worst, *times)
        name = case.__name__.replace("_", " ")
        click.echo(f"{name:24} median {statistics.median(times):.2f} s, longest {max(times):.2f} s")
    click.echo(f"bar < {BAR_S:.0f} s: {'met' if worst < BAR_S else 'MISSED'}")
    sys.exit(0 if worst < BAR_S else 1)


if __name__ == "__main__":
    main()
