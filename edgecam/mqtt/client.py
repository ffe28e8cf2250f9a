"""A client of the broker: paho's, with bounds on what it waits for and reads, and how it logs in."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
import uuid
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edgecam.errors import BrokerError, in_words
from edgecam.mqtt.credentials import read_credentials
from edgecam.mqtt.negotiation import ANSWER_S
from edgecam.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam import config
    from edgecam.mqtt.credentials import Credentials
    from edgecam.mqtt.negotiation import Version

CONNECT_TIMEOUT_S = 5.0
MAX_PACKET = 65_536  # bytes that we read at most of what the broker sends
GOODBYE_S = 1.0  # for what is still to be written when we hang up
RETRY_S = 1.0
KEEPALIVE_CHECK_S = 1.0
UNREACHABLE = (OSError, UnicodeError)  # the latter of what cannot be the name of a host, such as a..b
VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


class Client(paho.Client):
    """paho's client for one thread of ours, which calls `attend`; other threads may publish.

    paho's own thread (``loop_start``) cannot be told to give up while it connects, polls for the end of its waits, and
    listens at a TCP port for a moment, by which its threads wake each other.

    Attributes:
        is_silent: the connection was ended as the broker had not answered.
        too_large: bytes of the packet that ended the connection, if one did.
    """

    def __init__(self, client_id: str, version: Version, *, clean_session: bool = True) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean_session if version == "3.1.1" else None,
            protocol=VERSIONS[version],
            reconnect_on_failure=False,  # what to do then is not paho's to decide
        )
        self.is_silent = False
        self.too_large = 0
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        # With it paho leaves all writing to `attend`.
        self.on_socket_register_write = lambda *_: self.wake()

    def wake(self) -> None:
        """Let `attend` see what is to be written, or that it is to end; called by any thread."""
        with suppress(OSError):  # awake already, or ended
            self._waker.send(b"\0")

    def attend(self, stopped: threading.Event, answer_s: float = ANSWER_S) -> None:
        """Read and write until the connection that was made has ended.

        Args:
            stopped: when it is set (and `wake` was called), hang up: in words if the broker has let us in.
            answer_s: seconds for the broker to let us in.
        """
        patience_s = time.monotonic() + answer_s
        handle: Any = self.socket()
        with closing(handle), selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(handle, selectors.EVENT_READ)
            says_goodbye = False
            while self.socket() is handle:
                if stopped.is_set() and not says_goodbye:
                    if not self.is_connected():
                        break
                    self.disconnect()
                    says_goodbye, patience_s = True, time.monotonic() + GOODBYE_S
                self._pass_on(handle, selector)
                if not self.is_connected() and time.monotonic() >= patience_s:
                    self.is_silent = not says_goodbye
                    break

    def _pass_on(self, handle: Any, selector: selectors.BaseSelector) -> None:
        """Wait for what can be read or written, and do it."""
        writing = selectors.EVENT_WRITE if self.want_write() else 0
        selector.modify(handle, selectors.EVENT_READ | writing)
        has_more = hasattr(handle, "pending") and handle.pending() > 0  # decrypted already
        ready = {key.fileobj: events for key, events in selector.select(0 if has_more else KEEPALIVE_CHECK_S)}
        if self._woken in ready:
            self._woken.recv(MAX_PACKET)
        if has_more or ready.get(handle, 0) & selectors.EVENT_READ:
            self.loop_read()
        if ready.get(handle, 0) & selectors.EVENT_WRITE:
            self.loop_write()
        self.loop_misc()

    def close(self) -> None:
        """Free what `attend` needed."""
        self._woken.close()
        self._waker.close()

    def _sock_recv(self, bufsize: int) -> bytes:
        """Read, but no packet of any size: paho asks for as many bytes as the broker has announced.

        MQTT 5 lets us tell the broker what we take at most; 3.1.1 does not, and paho has no bound and no public way to
        set one. A test sends 20 MB, and fails where paho no longer reads by this method.
        """
        if bufsize > MAX_PACKET:
            self.too_large = bufsize
            message = f"a packet of {bufsize} bytes"
            raise ConnectionError(message)
        return super()._sock_recv(bufsize)


def make_client(
    settings: config.MqttSettings,
    credentials: Credentials,
    client_id: str,
    version: Version = "3.1.1",
    *,
    clean_session: bool = True,
) -> Client:
    """Make a client that logs in, with TLS if set, as the settings say."""
    client = Client(client_id, version, clean_session=clean_session)
    client.connect_timeout = CONNECT_TIMEOUT_S
    if settings.username:
        client.username_pw_set(settings.username, credentials.password)
    if credentials.tls:
        client.tls_set_context(credentials.tls)
    return client


def unreachable(error: Exception) -> str:
    """Say in words why a broker cannot be reached, by one of UNREACHABLE."""
    return f"cannot be reached: {in_words(error) if isinstance(error, OSError) else error}"


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

    client = make_client(settings, read_credentials(settings), f"edgecam-{uuid.uuid4().hex[:16]}")
    client.on_connect = connected
    stopped = threading.Event()

    def stay() -> None:
        client.attend(stopped)
        while not stopped.wait(RETRY_S):
            with suppress(*UNREACHABLE):
                client.reconnect()
                client.attend(stopped)
        client.close()

    try:
        client.connect(settings.host, settings.port, settings.keepalive)
    except UNREACHABLE as error:
        client.close()
        raise BrokerError(unreachable(error)) from error
    staying = Task("mqtt", stay, lambda _task: None)
    try:
        try:
            refused = answers.get(timeout=timeout_s)
        except queue.Empty:
            refused = f"does not answer as an MQTT broker within {timeout_s:.0f} s"
        if refused:
            raise BrokerError(refused)
        yield client
    finally:
        stopped.set()
        client.wake()
        staying.join(GOODBYE_S + KEEPALIVE_CHECK_S)
