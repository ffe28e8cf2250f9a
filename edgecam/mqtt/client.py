"""A client of the broker: paho's, with bounds on what it waits for and reads, and how it logs in."""

from __future__ import annotations

import math
import queue
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edgecam.errors import BrokerError, in_words
from edgecam.mqtt.credentials import read_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam import config
    from edgecam.mqtt.credentials import Credentials

CONNECT_TIMEOUT_S = 5.0
MAX_PACKET = 65_536  # bytes that we read at most of what the broker sends
ANSWER_S = 10.0  # for a broker to answer when we say who we are
MQTT_5, MQTT_3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends with which paho's threads wake each other; paho itself listens at a TCP port for a moment for them."""
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(0)
    return ends


paho._socketpair_compat = _socket_pair  # noqa: SLF001  there is no public way


class Client(paho.Client):
    """paho's client, but it remembers why it could not connect, waits for no broker for ever, and bounds packets."""

    problem: OSError | None = None
    asked_s: float = math.inf
    """When we said who we are, and the broker has not answered since."""
    is_silent: bool = False
    """The last connection was ended as the broker had not answered."""
    too_large: int = 0
    """Bytes of the packet that ended the connection, if one did."""

    def reconnect(self) -> Any:
        """See paho: called for the first connection too."""
        self.is_silent = False
        self.asked_s = time.monotonic()
        try:
            return super().reconnect()
        except OSError as error:
            self.problem = error
            raise

    def loop_misc(self) -> Any:
        """See paho: called every second or so."""
        if time.monotonic() > self.asked_s + ANSWER_S:
            self.asked_s, self.is_silent = math.inf, True
            handle: Any = self.socket()
            if handle:
                handle.shutdown(socket.SHUT_RDWR)
        return super().loop_misc()

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > MAX_PACKET:
            self.too_large = bufsize
            message = f"a packet of {bufsize} bytes"
            raise ConnectionError(message)
        return super()._sock_recv(bufsize)


def make_client(
    settings: config.MqttSettings, credentials: Credentials, client_id: str = "", version: MQTTProtocolVersion = MQTT_3
) -> Client:
    """Make a client that logs in, with TLS if set, as the settings say."""
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=version)
    client.connect_timeout = CONNECT_TIMEOUT_S
    if settings.username:
        client.username_pw_set(settings.username, credentials.password)
    if credentials.tls:
        client.tls_set_context(credentials.tls)
    return client


def refusal(reason: Any) -> str:
    """Say in words why a broker does not let us in, by the reason in its answer; empty: it does."""
    if not reason.is_failure:
        return ""
    words = str(reason).lower()
    asks = "user name or password" in words or "not authorized" in words
    return f"refuses us: {words}" + ("; check mqtt.username and mqtt.password_file" if asks else "")


@contextmanager
def logged_in(
    settings: config.MqttSettings, timeout_s: float, on_login: Callable[[Client], None] = lambda _client: None
) -> Iterator[Client]:
    """Be connected under a name of our own, so that a daemon with the same settings keeps its connection.

    Args:
        settings: where the broker is, and how to log in.
        timeout_s: for the broker to answer.
        on_login: called in the network thread, now and whenever the connection is there again.

    Raises:
        BrokerError: the broker cannot be reached, does not answer in time, or refuses us.
        ConfigError: a file with a password, certificate or key cannot be read.
    """
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def connected(client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            on_login(client)
        answers.put(refusal(reason))

    client = make_client(settings, read_credentials(settings))
    client.on_connect = connected
    try:
        client.connect(settings.host, settings.port, settings.keepalive)
    except OSError as error:
        message = f"cannot be reached: {in_words(error)}"
        raise BrokerError(message) from error
    client.loop_start()
    try:
        try:
            refused = answers.get(timeout=timeout_s)
        except queue.Empty:
            refused = f"does not answer as an MQTT broker within {timeout_s:.0f} s"
        if refused:
            raise BrokerError(refused)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
