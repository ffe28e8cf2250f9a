"""Versions of MQTT: 5 where the broker has it, else 3.1.1."""

from __future__ import annotations

import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.broker import WAIT_S, Mosquitto, Subscriber, answers, events, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]

AMQTT = """\
listeners:
  default:
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


@pytest.fixture
def amqtt(tmp_path: Path) -> Iterator[int]:
    """The port of a broker that knows MQTT 3.1.1 only."""
    port, file = free_port(), tmp_path / "amqtt.yaml"
    file.write_text(AMQTT.format(port=port))
    program = Path(sys.executable).with_name("amqtt")
    with subprocess.Popen([program, "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as broker:
        deadline = time.monotonic() + WAIT_S
        while not answers(port):
            assert time.monotonic() < deadline, "amqtt does not answer"
        yield port
        broker.terminate()


@contextmanager
def deaf_to_5(target: int) -> Iterator[int]:
    """The port of a broker that hangs up, without a word, on who speaks MQTT 5."""

    class Pipe(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            first = self.request.recv(65_536)
            if first[first.index(b"MQTT") + 4] == 5:
                return
            with socket.create_connection(("127.0.0.1", target)) as far:
                far.sendall(first)
                back = threading.Thread(target=pump, args=(far, self.request))
                back.start()
                pump(self.request, far)
                back.join()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Pipe) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class TestMqtt5:
    """What it brings."""

    def test_stats_expire_when_nobody_renews_them(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port, speaks_5=True) as subscriber:
            start_daemon({**porch, "mqtt.port": mosquitto.port, "stats.interval": 7})
            assert subscriber.wait_for_topic("stats").expiry_s == 21

    def test_an_order_that_came_while_we_were_away_is_obeyed(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        settings = {**porch, "mqtt.port": mosquitto.port}
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(settings)
            subscriber.wait_for_event("new")
            daemon.kill()
            subscriber.wait_for_topic("availability", b"offline")
            subscriber.publish("edgecam/porch/threshold/set", b"0.25")
            start_daemon(settings)
            subscriber.wait_for_topic("threshold/state", b"0.25")

    def test_no_more_is_on_its_way_than_the_broker_allows(
        self, tmp_path: Path, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        settings = ("allow_anonymous true", "max_inflight_messages 1")
        with Mosquitto(tmp_path / "narrow", settings) as broker, Subscriber(broker.port) as subscriber:
            daemon = start_daemon(
                {**porch, "mqtt.port": broker.port, "camera.loop": "false", "camera.realtime": "false"}
            )
            daemon.wait()
            types = [each["type"] for each in events(subscriber.until_offline())]
        assert (types[0], types[-1]) == ("new", "end")
        assert not any("WARNING" in line for line in daemon.log)


class TestMqtt3:
    """Older brokers."""

    def test_a_broker_that_is_silent_is_spoken_to_in_the_older_way(
        self, amqtt: int, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(amqtt) as subscriber:
            daemon = start_daemon({**porch, "mqtt.port": amqtt})
            daemon.wait_for_log("connected, with MQTT 3.1.1")
            assert subscriber.wait_for_topic("events").json["label"] == "red"

    def test_from_such_a_broker_no_packet_of_many_megabytes_is_read(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            settings = {**porch, "mqtt.port": mosquitto.port}
            daemon = start_daemon({**settings, "mqtt.version": "3.1.1"})
            subscriber.wait_for_topic("availability", b"online")
            subscriber.publish("edgecam/porch/threshold/set", b"0" * 20_000_000)
            daemon.wait_for_log("bytes at once, so we hung up; see who publishes to edgecam/porch/+/set")
            daemon.wait_for_log("connected")

    def test_one_that_hangs_up_too(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with deaf_to_5(mosquitto.port) as port, Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon({**porch, "mqtt.port": port})
            daemon.wait_for_log("connected, with MQTT 3.1.1")
            assert subscriber.wait_for_topic("events").json["label"] == "red"
            daemon.kill()
