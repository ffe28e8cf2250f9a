"""A real mosquitto, and a subscriber that waits for messages."""

from __future__ import annotations

import queue
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

WAIT_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens on a port of the loopback interface; a closed port refuses at once."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """A broker on a free port of the loopback interface, which can be stopped and started again."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, settings: Iterable[str] = ("allow_anonymous true",)) -> None:
        self.port = free_port()
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin")
        assert program, "mosquitto is not installed; see scripts/need"
        configuration = self._folder / "mosquitto.conf"
        kept = ["persistence true", f"persistence_location {self._folder}/", "user root"]
        lines = [f"listener {self.port} 127.0.0.1", *kept, *self._settings]
        configuration.write_text("".join(f"{line}\n" for line in lines))
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(configuration)], stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT_S
        while not answers(self.port):
            assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text()
            assert time.monotonic() < deadline, "mosquitto does not answer"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process
        return self._process.pid

    def stop(self) -> None:
        """End it; it writes down what it keeps. Once in a hundred times it overlooks a signal."""
        for _ in range(round(WAIT_S)):
            if self._process:
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(1)
                    self._process = None
        assert not self._process, "mosquitto does not end"


@dataclass
class Gate:
    """A port before a broker's, which may be closed, hang up on some, or encrypt.

    Attributes:
        target: the broker's port.
        tls: how to encrypt, if at all.
        deaf_to: versions of MQTT (5; 4 is 3.1.1) on whose clients it hangs up without a word.
        opened: it shakes hands, and reads, when this is set.
        came: one for each client that has come.
        said: of each client that was let in, the version that it spoke; 0 where it hung up without a word.
    """

    target: int
    tls: ssl.SSLContext | None = None
    deaf_to: set[int] = field(default_factory=set)
    opened: threading.Event = field(default_factory=threading.Event)
    came: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)
    said: queue.SimpleQueue[int] = field(default_factory=queue.SimpleQueue)
    _lines: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        gate = self

        class Visit(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    gate.receive(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Visit)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.set()
        self.deaf_to = {4, 5}
        self.cut()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def cut(self) -> None:
        """Break all connections."""
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def receive(self, caller: socket.socket) -> None:
        """See one client through."""
        self.came.put(None)
        self.opened.wait(WAIT_S)
        version = 0
        try:
            line = self.tls.wrap_socket(caller, server_side=True) if self.tls else caller
        except OSError:
            self.said.put(version)
            raise
        with line:
            try:
                first = line.recv(65_536)
                version = first[first.index(b"MQTT") + 4] if first else 0
            finally:
                self.said.put(version)
            if not version or version in self.deaf_to:
                return
            with socket.create_connection(("127.0.0.1", self.target)) as far:
                self._lines += [line, far]
                far.sendall(first)
                back = threading.Thread(target=_pump, args=(far, line))
                back.start()
                _pump(line, far)
                back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    retain: bool
    expiry_s: int | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.payload)


@dataclass
class Subscriber:
    """Receives what is published; one with a session also what was while it was away; one with MQTT 5 properties."""

    port: int
    tls: ssl.SSLContext | None = None
    password: tuple[str, str] | None = None
    host: str = "127.0.0.1"
    session: str = ""
    wait_s: float = WAIT_S
    topic: str = "edgecam/#"
    speaks_5: bool = False
    seen: list[Message] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._arrived: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._subscribed = subscribed = threading.Event()
        if self.speaks_5:
            client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        else:
            client = paho.Client(CallbackAPIVersion.VERSION2, self.session, clean_session=not self.session)
        self._client = client
        if self.tls:
            client.tls_set_context(self.tls)
        if self.password:
            client.username_pw_set(*self.password)
        client.reconnect_delay_set(1, 1)

        @client.connect_callback()
        def _(*_: Any) -> None:
            client.subscribe([(self.topic, 1), ("edgecam/marker", 1)])

        @client.subscribe_callback()
        def _(*_: Any) -> None:
            subscribed.set()

        @client.disconnect_callback()
        def _(*_: Any) -> None:
            subscribed.clear()

        @client.message_callback()
        def _(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
            told = message.properties if self.speaks_5 else None
            expiry_s = getattr(told, "MessageExpiryInterval", None)
            properties = dict(getattr(told, "UserProperty", ()))
            self._arrived.put(Message(message.topic, bytes(message.payload), message.retain, expiry_s, properties))

        client.connect(self.host, self.port)
        client.loop_start()
        assert subscribed.wait(self.wait_s), "the broker did not answer"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # noqa: SLF001  paho leaves it to the garbage collector, which warns

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish, once the broker is there."""
        assert self._subscribed.wait(self.wait_s), "the broker did not come back"
        try:
            self._client.publish(topic, payload, qos=1).wait_for_publish(self.wait_s)
        except RuntimeError:  # the connection was lost just now
            self.publish(topic, payload)

    def wait_for(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for the next message that is wanted."""
        deadline = time.monotonic() + self.wait_s
        while True:
            try:
                message = self._arrived.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                topics = [(each.topic, each.payload[:80]) for each in self.seen]
                message_text = f"the message did not come; there were {topics}"
                raise AssertionError(message_text) from None
            self.seen.append(message)
            if wanted(message):
                return message

    def catch_up(self) -> None:
        """Receive all that was published until now."""
        self.publish("edgecam/marker", b"")
        self.wait_for(lambda each: each.topic == "edgecam/marker")

    def wait_for_topic(self, name: str, payload: bytes | None = None) -> Message:
        """Wait for a message on ``edgecam/<camera>/<name>``."""
        return self.wait_for(lambda each: each.topic.split("/", 2)[2:] == [name] and payload in (None, each.payload))

    def wait_for_event(self, kind: str) -> dict[str, Any]:
        """Wait for an event of a type."""
        return dict(self.wait_for(lambda each: each.topic.endswith("/events") and each.json["type"] == kind).json)

    def wait_for_camera(self, state: str) -> None:
        """Wait until ``state`` says that the camera is ``online`` or ``lost``."""
        wanted = f'"camera":"{state}"'.encode()
        self.wait_for(lambda each: each.topic.endswith("/state") and wanted in each.payload)

    def until_offline(self) -> list[Message]:
        """All messages up to the daemon's last one."""
        self.wait_for_topic("availability", b"offline")
        return self.seen


def events(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [message.json for message in messages if message.topic.endswith("/events")]
