"""A daemon that sees much happen, a broker, and an account of both."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Self

import pytest

from tests import clips
from tests.broker import Mosquitto, Subscriber, events
from tests.command import Daemon
from tests.faults.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Long enough that there are updates, short enough that much begins and ends.
BUSY = (("grey", 6), ("red", 40), ("dim red", 45), ("grey", 6), ("green", 15), ("blue", 15), ("red", 9))


class House:
    """Runs the daemon again and again on the same state, with one broker, and keeps what all of them logged.

    Attributes:
        settings: of the daemon; a test may change them.
        state: the folder for what outlives a run.
    """

    def __init__(self, broker: Mosquitto, subscriber: Subscriber, state: Path, settings: dict[str, object]) -> None:
        self.broker = broker
        self.subscriber = subscriber
        self.settings = settings
        self.state = state
        self._log: list[str] = []
        self._daemons: list[Daemon] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in self._daemons:
            daemon.kill()

    def start(self) -> Daemon:
        """Start the daemon."""
        self._daemons.append(Daemon(self.state, self.settings, ["-v"]))
        return self._daemons[-1]

    def pass_time(self, daemon: Daemon, seconds: float) -> None:
        """Let the daemon do its work for a while; it must not end."""
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.process.wait(seconds)

    def kill(self, daemon: Daemon) -> None:
        """End it as a power cut would."""
        daemon.process.kill()
        self._settle(daemon)

    def stop(self, daemon: Daemon) -> None:
        """End it as systemd does."""
        daemon.process.terminate()
        assert self._settle(daemon) == 0

    def _settle(self, daemon: Daemon) -> int:
        code = daemon.wait()
        daemon.kill()
        self._daemons.remove(daemon)
        self._log += daemon.log
        return code

    def settle(self) -> Ledger:
        """Let everything arrive, and give the account of all that has happened."""
        self.subscriber.catch_up()
        daemon = self.start()
        self.subscriber.wait_for(
            lambda each: each.topic.endswith("/stats") and each.json["outbox"] == 0 and not each.retain
        )
        self.stop(daemon)
        self.subscriber.catch_up()
        ledger = Ledger.of(self._log, events(self.subscriber.seen))
        print(ledger.summary())  # noqa: T201  it is what the suite is for
        return ledger


@pytest.fixture
def house(tmp_path: Path, colour_model: Path) -> Iterator[House]:
    clip = clips.write(tmp_path / "busy.avi", BUSY)
    with (
        Mosquitto(tmp_path / "broker", ["allow_anonymous true", "max_queued_messages 0"]) as broker,
        Subscriber(broker.port, session="subscriber", wait_s=120) as subscriber,
    ):
        settings: dict[str, object] = {
            "camera.name": "porch",
            "camera.source": clip,
            "camera.loop": "true",
            "camera.realtime": "true",
            "model.path": colour_model,
            "mqtt.host": broker.host,
            "mqtt.port": broker.port,
            "mqtt.keepalive": 5,
            "stats.interval": 1,
            "events.smoothing": 0,
            "events.hold": 0.05,
            "events.release": 0.1,
        }
        with House(broker, subscriber, tmp_path / "state", settings) as house:
            yield house
