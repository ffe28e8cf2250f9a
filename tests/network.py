"""Runs commands of the docs in a network of their own, where a broker listens at its usual port.

``unshare --net python -m tests.network FOLDER`` reads commands as JSON from its standard input, runs each in FOLDER by
the shell, and prints how each ended. One that goes on is interrupted after a while, as a person would do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from edgecam.tools.demo import shipped_clip
from tests.broker import Mosquitto, Subscriber
from tests.command import Daemon
from tests.documents import environment

ENOUGH_S = 5.0
LONGEST_S = 120.0
GOES_ON = ("edgecam run", "edgecam watch", "mosquitto_sub -v", "python events.py")


class Ended(msgspec.Struct, frozen=True):
    """How a command ended; ``code`` is None where it went on until it was interrupted."""

    command: str
    code: int | None
    output: str


def run(command: str, folder: Path) -> Ended:
    """Run a command to its end, or for a while."""
    goes_on = any(beginning in command for beginning in GOES_ON)
    with subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env={**environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=ENOUGH_S if goes_on else LONGEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            output, _ = process.communicate(timeout=LONGEST_S)
            return Ended(command, None if goes_on else -1, output)
    return Ended(command, process.returncode, output)


def main() -> None:
    """Run all of them."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    commands = msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])
    with tempfile.TemporaryDirectory() as name, UsualMosquitto(Path(name) / "broker") as broker:
        settings = {
            "camera.name": "porch",
            "camera.source": shipped_clip(),
            "camera.loop": "true",
            "camera.realtime": "true",
            "stats.interval": 1,
        }
        gone = ["mosquitto_pub", "-r", "-t", "edgecam/attic/availability", "-m", "offline"]
        subprocess.run(gone, check=True)
        with Subscriber(broker.port) as subscriber:
            daemon = Daemon(Path(name) / "porch", settings)
            subscriber.wait_for_event("new")
            ended = [run(command, Path(sys.argv[1])) for command in commands]
            daemon.kill()
    sys.stdout.buffer.write(msgspec.json.encode(ended))


class UsualMosquitto(Mosquitto):
    """A broker at the usual port, which is free in a network of one's own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = 1883


if __name__ == "__main__":
    main()
