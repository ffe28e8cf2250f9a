"""The connection to the broker."""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edgecam.config import CREDENTIAL, SYSTEM_FILE
from edgecam.errors import BrokerError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam import config

logger = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 1, 30
CONNECT_TIMEOUT_S = 5.0
IN_FLIGHT = 20


class _Client(paho.Client):
    """paho's client, but it remembers why it could not connect."""

    problem: OSError | None = None

    def reconnect(self) -> Any:
        try:
            return super().reconnect()
        except OSError as error:
            self.problem = error
            raise


class Mqtt:
    """Publishes below ``<base>/<camera>/``; connects again with back-off when the broker is away.

    The callbacks are called in the network thread of paho, which `start` makes.
    """

    def __init__(
        self,
        settings: config.Mqtt,
        camera: str,
        *,
        on_connect: Callable[[Mqtt], None],
        on_disconnect: Callable[[Mqtt], None],
        on_delivered: Callable[[Mqtt, int], None],
    ) -> None:
        """Prepare the connection; no packet is sent yet.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        self._settings = settings
        self._prefix = f"{settings.base}/{camera}/"
        self._name = f"{settings.host}:{settings.port}"
        self._told: str | None = None
        self._on_connected = on_connect
        self._on_disconnected = on_disconnect
        self._client = make_client(settings, settings.client_id or f"edgecam-{camera}")
        self._client.reconnect_delay_set(FIRST_RETRY_S, LAST_RETRY_S)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.will_set(self.topic("availability"), b"offline", qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = lambda _client, _data, mid, *_: on_delivered(self, mid)

    def topic(self, name: str) -> str:
        """Return the full topic of ``events``, ``state`` and so on."""
        return self._prefix + name

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> int:
        """Hand a message to the network thread; return its number, with which ``on_delivered`` is called."""
        return self._client.publish(topic, payload, qos, retain).mid

    def stop(self, timeout: float) -> None:
        """Publish ``offline``, wait at most ``timeout`` seconds for the acknowledgement, and disconnect."""
        if not self._client.is_connected():
            self._client.disconnect()
            return
        offline = self._client.publish(self.topic("availability"), b"offline", qos=1, retain=True)
        with contextlib.suppress(RuntimeError):  # the connection was lost just now: the last will says it
            offline.wait_for_publish(timeout)
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._tell(f"refuses us: {str(reason).lower()}{_remedy(str(reason))}")
            return
        self._told = None
        logger.info("broker %s: connected", self._name)
        self._on_connected(self)

    def _failed(self, *_: Any) -> None:
        self._tell(f"cannot be reached: {_words(self._client.problem)}")

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure and self._told is None:
            self._tell(f"connection lost: {str(reason).lower()}")
        self._on_disconnected(self)

    def _tell(self, problem: str) -> None:
        """Warn once of each problem, not at each try."""
        if problem != self._told:
            logger.warning("broker %s: %s; trying again until it works", self._name, problem)
        self._told = problem


def make_client(settings: config.Mqtt, client_id: str) -> _Client:
    """Make a client that logs in, with TLS if set, as the settings say.

    Raises:
        ConfigError: a file with a password, certificate or key cannot be read.
    """
    client = _Client(CallbackAPIVersion.VERSION2, client_id)
    client.connect_timeout = CONNECT_TIMEOUT_S
    if settings.username:
        file = settings.password_file or _default_password_file()
        password = _secret(file) if file else None
        client.username_pw_set(settings.username, password)
    if settings.tls:
        try:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
        except OSError as error:
            message = f"mqtt.ca_file: {settings.ca_file}: {_words(error)}"
            raise ConfigError(message) from None
        if settings.cert_file:
            try:
                context.load_cert_chain(settings.cert_file, settings.key_file)
            except OSError as error:
                message = f"mqtt.cert_file: {settings.cert_file} with {settings.key_file}: {_words(error)}"
                raise ConfigError(message) from None
        client.tls_set_context(context)
    return client


def _default_password_file() -> str:
    """Systemd's credential, else the file that it is made from, or none; one with nothing in it is none.

    Raises:
        ConfigError: the file is there, but not for us.
    """
    folders = [os.environ.get("CREDENTIALS_DIRECTORY"), SYSTEM_FILE.parent]
    for file in (Path(folder) / CREDENTIAL for folder in folders if folder):
        try:
            if file.read_bytes().strip():
                return str(file)
        except PermissionError:
            message = f"mqtt.password_file: {file}: permission denied; try with sudo"
            raise ConfigError(message) from None
        except OSError:
            continue
    return ""


def _secret(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        message = f"mqtt.password_file: {file}: {_words(error)}"
    except UnicodeDecodeError:
        message = f"mqtt.password_file: {file}: not UTF-8 text"
    raise ConfigError(message)


def _words(error: OSError | None) -> str:
    """Say what went wrong without the error's number and class."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return str((error and error.strerror) or error or "no answer").lower()


def _remedy(reason: str) -> str:
    if "user name or password" in reason.lower() or "not authorized" in reason.lower():
        return "; check mqtt.username and mqtt.password_file"
    return ""


def probe(settings: config.Mqtt, timeout: float) -> None:
    """Connect once and leave again, under a name of its own, so that a running daemon keeps its connection.

    Raises:
        BrokerError: the broker does not answer within ``timeout`` seconds, or refuses us.
        ConfigError: a file with a password, certificate or key cannot be read.
    """
    answered = threading.Event()
    reasons: list[Any] = []

    def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        reasons.append(reason)
        answered.set()

    client = make_client(settings, "")
    client.on_connect = connected
    try:
        client.connect(settings.host, settings.port, settings.keepalive)
    except OSError as error:
        message = f"cannot be reached: {_words(error)}"
        raise BrokerError(message) from None
    client.loop_start()
    answered.wait(timeout)
    client.disconnect()
    client.loop_stop()
    if not reasons:
        message = f"does not answer as an MQTT broker within {timeout:.0f} s"
        raise BrokerError(message)
    if reasons[0].is_failure:
        message = f"refuses us: {str(reasons[0]).lower()}{_remedy(str(reasons[0]))}"
        raise BrokerError(message)
