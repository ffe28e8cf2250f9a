"""The connection to the broker: versions of MQTT, limits, and what it is worth when it is stopped."""

from __future__ import annotations

import queue
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.errors import BrokerError
from edgecam.model.classifier import shipped_model
from edgecam.mqtt.client import logged_in
from edgecam.mqtt.connection import Connection, client_id
from edgecam.tools.demo import shipped_clip
from tests.broker import WAIT_S, Gate, Mosquitto, Subscriber, answers, events, free_port
from tests.command import Daemon
from tests.settings import as_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edgecam.mqtt.link import Link

    StartDaemon = Callable[..., Daemon]

AMQTT = """\
listeners:
  default:
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


# Packets of MQTT 5: CONNACK, DISCONNECT, ...
LET_IN, GOODBYE, TAKEN_OVER = b"\x20\x03\0\0\0", b"\xe0\0", b"\xe0\1\x8e"
LET_IN_WITH_QOS_0, UNSUBSCRIBE, UNSUBACK = b"\x20\x05\0\0\2\x24\0", b"\xa2", b"\xb0\4"
BASES = st.sampled_from(["edgecam", "edgecam-a", "edgecam/a", "a", "a-a", "a/a", "a/a-a", "a-a/a"])
LIVES = [("new", "red"), ("end", "red"), ("new", "green"), ("end", "green")]


def lives(seen: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """How events began and ended."""
    return [(each["type"], each["label"]) for each in seen if each["type"] != "update"]


def connection_to(port: int, **settings: object) -> tuple[Connection, list[str]]:
    told: list[str] = []
    mqtt = config.MqttSettings(host="127.0.0.1", port=port, **settings)  # type: ignore[arg-type]
    connection = Connection(
        config.Config(mqtt=mqtt),
        on_connect=lambda *_: told.append("connected"),
        on_disconnect=lambda *_: told.append("lost"),
        on_delivered=lambda *_: told.append("delivered"),
        on_command=lambda *_: told.append("ordered"),
    )
    return connection, told


def heard_by(line: socket.socket) -> bytes:
    """All that comes until the other side has hung up, politely or not."""
    heard = b""
    with suppress(ConnectionError, ssl.SSLError):
        while data := line.recv(100):
            heard += data
    return heard


def as_file(settings: Mapping[str, object]) -> str:
    """Write settings such as ``{"mqtt.port": 1883}`` as TOML."""
    sections: dict[str, dict[str, object]] = {}
    for key, value in settings.items():
        section, name = key.split(".")
        sections.setdefault(section, {})[name] = str(value) if isinstance(value, Path) else value
    return as_toml(sections)


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
            subscriber.wait_for_event("end")  # which "offline", of QoS 0, may overtake on its way to us
        assert events(subscriber.seen)[0]["type"] == "new"
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
        with Gate(mosquitto.port, deaf_to={5}) as gate, Subscriber(mosquitto.port) as subscriber:
            gate.opened.set()
            daemon = start_daemon({**porch, "mqtt.port": gate.port})
            daemon.wait_for_log("connected, with MQTT 3.1.1")
            assert subscriber.wait_for_topic("events").json["label"] == "red"

    def test_one_that_was_only_away_is_spoken_to_in_mqtt_5(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        """A container's port is there before its broker is."""
        with Gate(mosquitto.port, deaf_to={4, 5}) as gate:
            gate.opened.set()
            daemon = start_daemon({**porch, "mqtt.port": gate.port})
            while gate.said.get(timeout=WAIT_S) != 4:
                pass
            gate.deaf_to.clear()
            assert daemon.wait_for_log("connected").endswith("connected")

    def test_one_that_has_learnt_mqtt_5_is_spoken_to_in_it(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Gate(mosquitto.port, deaf_to={5}) as gate:
            gate.opened.set()
            daemon = start_daemon({**porch, "mqtt.port": gate.port})
            daemon.wait_for_log("connected, with MQTT 3.1.1")
            gate.deaf_to.clear()
            gate.cut()
            assert daemon.wait_for_log("connected").endswith("connected")


class TestLimits:
    """What a broker allows is heeded, said once, and costs no event."""

    @pytest.fixture
    def play(self, porch: dict[str, object], colour_clip: Path) -> dict[str, object]:
        """Two events, and the end."""
        at_full_speed = {"camera.source": colour_clip, "camera.loop": "false", "camera.realtime": "false"}
        return {**porch, **at_full_speed, "privacy.snapshots": "true"}

    @pytest.mark.parametrize("limit", ["max_packet_size 4096", "max_qos 0", "retain_available false"])
    def test_all_events_come_over_one_connection(
        self, tmp_path: Path, play: dict[str, object], start_daemon: StartDaemon, limit: str
    ) -> None:
        settings = ("allow_anonymous true", limit)
        with Mosquitto(tmp_path / "narrow", settings) as broker, Subscriber(broker.port, topic="#") as subscriber:
            daemon = start_daemon({**play, "mqtt.port": broker.port})
            assert daemon.wait() == 0
            seen = subscriber.until_offline()
        assert lives(events(seen)) == LIVES
        told = {each.topic.split("/")[-1] for each in seen}
        assert {"state", "stats", "config", "availability"} <= told
        assert sum("connected" in line for line in daemon.log) == 1
        assert sum("WARNING" in line for line in daemon.log) == 1

    def test_pictures_are_smaller(self, tmp_path: Path, play: dict[str, object], start_daemon: StartDaemon) -> None:
        settings = ("allow_anonymous true", "max_packet_size 20000")
        with Mosquitto(tmp_path / "narrow", settings) as broker, Subscriber(broker.port) as subscriber:
            shown = {"camera.source": shipped_clip(), "model.path": shipped_model()}
            daemon = start_daemon({**play, **shown, "mqtt.port": broker.port})
            picture = subscriber.wait_for_topic("snapshot").payload
            told = subscriber.seen
            daemon.kill()
        assert 5_000 < len(picture) < 20_000
        assert [each.json["bytes"] for each in told if each.topic.endswith("snapshot/event")][-1] == len(picture)
        assert not any("lost" in line for line in daemon.log)

    def test_an_event_that_is_too_large_comes_without_its_highest_labels(
        self, tmp_path: Path, play: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        settings = ("allow_anonymous true", "max_packet_size 460")
        with Mosquitto(tmp_path / "narrow", settings) as broker, Subscriber(broker.port) as subscriber:
            daemon = start_daemon({**play, "mqtt.port": broker.port})
            assert daemon.wait() == 0
            seen = events(subscriber.until_offline())
        assert lives(seen) == LIVES
        assert not any(each["top"] for each in seen)
        assert sum("connected" in line for line in daemon.log) == 1

    def test_one_that_is_too_large_in_any_way_waits_for_another_broker(
        self, tmp_path: Path, play: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        settings = ("allow_anonymous true", "max_packet_size 300")
        daemon_settings = {**play, "camera.loop": "true", "camera.realtime": "true"}
        with Mosquitto(tmp_path / "narrow", settings) as broker, Subscriber(broker.port) as subscriber:
            daemon = start_daemon({**daemon_settings, "mqtt.port": broker.port})
            for label in ("red", "green", "red"):
                while subscriber.wait_for_topic("state").json["label"] != label:
                    pass
            daemon.terminate()
            daemon.wait()
        assert sum("too large for the broker" in line for line in daemon.log) == 1
        assert sum("connected" in line for line in daemon.log) == 1
        with Mosquitto(tmp_path / "wide") as broker, Subscriber(broker.port) as subscriber:
            start_daemon({**daemon_settings, "mqtt.port": broker.port})
            while lives(seen := events(subscriber.seen))[:4] != LIVES:
                subscriber.wait_for_topic("events")
        assert len(seen[0]["top"]) == 3


class TestQos0:
    """A broker that acknowledges nothing."""

    def test_a_message_counts_as_delivered_when_the_broker_has_answered_to_what_came_after_it(self) -> None:
        links: queue.SimpleQueue[Link] = queue.SimpleQueue()
        delivered: queue.SimpleQueue[int] = queue.SimpleQueue()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            connection = Connection(
                config.Config(mqtt=config.MqttSettings(host="127.0.0.1", port=listener.getsockname()[1])),
                on_connect=lambda _mqtt, link: links.put(link),
                on_disconnect=lambda _mqtt: None,
                on_delivered=lambda _mqtt, number: delivered.put(number),
                on_command=lambda _command: None,
            )
            connection.start()
            with listener.accept()[0] as broker:
                broker.settimeout(WAIT_S)
                broker.recv(1000)
                broker.sendall(LET_IN_WITH_QOS_0)
                number = links.get(timeout=WAIT_S).publish("events", b"payload", qos=1, retain=False)
                heard = b""
                while UNSUBSCRIBE not in heard:
                    heard += broker.recv(1000)
                assert b"payload" in heard
                assert delivered.get(timeout=WAIT_S) != number  # that it was sent is not enough
                assert delivered.empty()
                broker.sendall(UNSUBACK + (number or 0).to_bytes(2, "big") + b"\0\x11")
                assert delivered.get(timeout=WAIT_S) == number
                connection.stop(0.1)


class TestStop:
    """A connection that was stopped never comes up, whatever it was waiting for."""

    @pytest.fixture
    def tls(self, tmp_path: Path) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    @pytest.fixture
    def listener(self) -> Iterator[socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(WAIT_S)
            yield listener

    def test_it_says_nothing_after_a_slow_handshake(
        self, tmp_path: Path, tls: ssl.SSLContext, listener: socket.socket
    ) -> None:
        connection, told = connection_to(listener.getsockname()[1], tls=True, ca_file=str(tmp_path / "ca.pem"))
        connection.start()
        caller, _ = listener.accept()
        connection.stop(0.1)
        with tls.wrap_socket(caller, server_side=True) as line:
            line.settimeout(WAIT_S)
            assert heard_by(line) == b""
        assert told == []

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves the socket to Python
    def test_it_does_not_complain_of_a_broker_that_is_no_longer_wanted(
        self, tmp_path: Path, tls: ssl.SSLContext, listener: socket.socket, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert tls  # which has written the authority's certificate
        connection, _ = connection_to(listener.getsockname()[1], tls=True, ca_file=str(tmp_path / "ca.pem"))
        connection.start()
        caller, _ = listener.accept()
        connection.stop(0.1)
        caller.close()
        for thread in threading.enumerate():
            if thread.name == "mqtt":
                thread.join(WAIT_S)
        assert caplog.messages == []

    def test_it_hangs_up_on_a_broker_that_answers_slowly(self, listener: socket.socket) -> None:
        connection, told = connection_to(listener.getsockname()[1])
        connection.start()
        caller, _ = listener.accept()
        with caller:
            caller.settimeout(WAIT_S)
            assert b"MQTT" in caller.recv(1000)
            connection.stop(0.1)
            with suppress(OSError):
                caller.sendall(LET_IN)
            assert heard_by(caller) in (b"", GOODBYE)
        assert told == []

    def test_it_does_not_wait_for_its_next_try(self) -> None:
        connection, told = connection_to(free_port())
        connection.start()
        connection.stop(0.1)
        for thread in threading.enumerate():
            if thread.name == "mqtt":
                thread.join(WAIT_S)
                assert not thread.is_alive()
        assert told == []

    def test_a_reload_during_a_slow_handshake_leaves_one_connection(
        self,
        tmp_path: Path,
        tls: ssl.SSLContext,
        mosquitto: Mosquitto,
        porch: dict[str, object],
        start_daemon: StartDaemon,
    ) -> None:
        typed: dict[str, object] = {"camera.loop": True, "camera.realtime": True, "mqtt.tls": True}
        encrypted = {**porch, **typed, "mqtt.ca_file": str(tmp_path / "ca.pem")}
        file = tmp_path / "config.toml"
        with Gate(mosquitto.port, tls) as slow, Gate(mosquitto.port, tls) as swift:
            swift.opened.set()
            file.write_text(as_file({**encrypted, "mqtt.port": slow.port}))
            daemon = start_daemon({}, "--config", str(file))
            slow.came.get(timeout=WAIT_S)
            file.write_text(as_file({**encrypted, "mqtt.port": swift.port}))
            daemon.reload()
            daemon.wait_for_log("connected")
            slow.opened.set()
            said = [slow.said.get(timeout=WAIT_S) for _ in range(1 + slow.came.qsize())]
            assert set(said) == {0}


class TestLogin:
    """What a command says of a broker."""

    def test_a_name_that_cannot_be_one_is_told(self) -> None:
        settings = config.MqttSettings(host="a..b")
        with pytest.raises(BrokerError, match="cannot be reached"), logged_in(settings, WAIT_S):
            pass

    def test_it_logs_in_again_when_the_broker_is_back(self, mosquitto: Mosquitto) -> None:
        logins: queue.SimpleQueue[None] = queue.SimpleQueue()
        settings = config.MqttSettings(host=mosquitto.host, port=mosquitto.port)
        with logged_in(settings, WAIT_S, lambda _client: logins.put(None)):
            logins.get(timeout=WAIT_S)
            mosquitto.stop()
            mosquitto.start()
            logins.get(timeout=WAIT_S)


class TestName:
    """Each camera on a broker has a name of its own."""

    def named(self, name: str, base: str = "edgecam") -> str:
        return client_id(config.Config(camera=config.CameraSettings(name=name), mqtt=config.MqttSettings(base=base)))

    def test_it_is_readable(self) -> None:
        assert self.named("porch") == "edgecam-porch"
        assert self.named("porch", "home/cameras").startswith("home-cameras-porch-")

    @given(st.sets(st.tuples(st.sampled_from(["a", "a-a", "edgecam"]), BASES)))
    def test_no_two_cameras_share_one(self, cameras: set[tuple[str, str]]) -> None:
        assert len({self.named(name, base) for name, base in cameras}) == len(cameras)

    def test_a_broker_that_says_why_it_hangs_up_is_understood(self, caplog: pytest.LogCaptureFixture) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(WAIT_S)
            connection, told = connection_to(listener.getsockname()[1])
            connection.start()
            with listener.accept()[0] as broker:
                broker.recv(1000)
                broker.sendall(LET_IN + TAKEN_OVER)
                with listener.accept()[0]:
                    connection.stop(0.1)
        assert told == ["connected", "lost"]
        assert "another client took our place: is there another of this name? set camera.name" in caplog.text

    @pytest.mark.parametrize("version", ["auto", "3.1.1"])
    def test_two_daemons_of_one_name_are_told_so(
        self, tmp_path: Path, porch: dict[str, object], start_daemon: StartDaemon, version: str
    ) -> None:
        settings = {**porch, "mqtt.version": version}
        one = start_daemon(settings)
        one.wait_for_log("connected")
        other = Daemon(tmp_path / "elsewhere", settings)
        try:
            one.wait_for_log("set camera.name")
            other.wait_for_log("set camera.name")
        finally:
            other.kill()
