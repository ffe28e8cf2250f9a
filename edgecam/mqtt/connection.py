"""The connection to the broker."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edgecam.config import MqttSettings
from edgecam.mqtt import commands
from edgecam.mqtt.client import MAX_PACKET, UNREACHABLE, Client, make_client, refusal, unreachable
from edgecam.mqtt.credentials import read_credentials
from edgecam.mqtt.link import Link
from edgecam.mqtt.negotiation import Limits, Negotiation, Refusal
from edgecam.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt import client as paho

    from edgecam import config
    from edgecam.mqtt.commands import Command
    from edgecam.mqtt.negotiation import Attempt

logger = logging.getLogger(__name__)

SESSION_S = 3_600  # for which the broker keeps orders to us while we are away
ROOMY = 1 << 17  # bytes of the largest packet, from which on nothing of ours is too large

# Reason codes of MQTT 5.0, 2.4; paho gives those of 3.1.1 as them.
REFUSALS = {0x84: Refusal.VERSION, 0x9A: Refusal.WILL_RETAIN, 0x9B: Refusal.WILL_QOS}
TAKEN_OVER = 0x8E
UNSPECIFIED = 0x80  # so paho says too where the line was cut without a word


def client_id(settings: config.Config) -> str:
    """Return the name of a camera's client, another one for each camera on a broker.

    It is of the camera's name where ``mqtt.base`` is the default; else of both, and of a digest, as ``a/b`` with ``c``
    would look like ``a`` with ``b-c``, and brokers may allow no ``/`` in it.
    """
    if settings.mqtt.client_id:
        return settings.mqtt.client_id
    if settings.mqtt.base == MqttSettings().base:
        return f"edgecam-{settings.camera.name}"
    return f"{settings.root.replace('/', '-')}-{hashlib.sha256(settings.root.encode()).hexdigest()[:8]}"


class Connection:
    """Connects, now and whenever the connection is lost, with back-off when the broker is away; subscribes to commands.

    It speaks MQTT 5, and 3.1.1 with a broker that does not know that. What is to be published goes over the link that
    ``on_connect`` gets. The callbacks are called in the thread that `start` makes.
    """

    def __init__(
        self,
        settings: config.Config,
        *,
        on_connect: Callable[[Connection, Link], None],
        on_disconnect: Callable[[Connection], None],
        on_delivered: Callable[[Connection, int], None],
        on_command: Callable[[Command], None],
    ) -> None:
        """Prepare the connection; no packet is sent yet.

        Args:
            settings: where the broker is, how to log in, and what is listened to.
            on_connect: told when the connection is there; nothing that was sent before is sent again by itself.
            on_disconnect: told when it is lost.
            on_delivered: told the numbers of messages that the broker has acknowledged.
            on_command: given what was ordered.

        Raises:
            ConfigError: a file with a password, certificate or key cannot be read.
        """
        self._settings = settings.mqtt
        self._prefix = f"{settings.root}/"
        self._topics = commands.topics(settings)
        self._name = f"{settings.mqtt.host}:{settings.mqtt.port}"
        self._id = client_id(settings)
        self._credentials = read_credentials(settings.mqtt)
        self._on_connected = on_connect
        self._on_disconnected = on_disconnect
        self._on_delivered = on_delivered
        self._on_command = on_command
        self._broker = Negotiation(settings.mqtt.version)
        self._told: str | None = None
        self._told_limits = Limits()
        self._too_large: set[str] = set()  # topics, of which that was said
        self._refused: str | None = None
        self._stopped = threading.Event()
        self._task: Task | None = None
        self._client: Client | None = None
        self._link: Link | None = None
        self._answer: Any = None  # the reason in the broker's answer to CONNECT
        self._ending: Any = None  # the reason why the connection has ended

    def topic(self, name: str) -> str:
        """Return the full topic of ``events``, ``state`` and so on."""
        return self._prefix + name

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._task = Task("mqtt", self._run, self._ended)

    def stop(self, timeout: float, last: bytes = b"offline") -> None:
        """Leave ``last`` as availability, wait at most ``timeout`` seconds for the acknowledgement, and disconnect.

        Without a connection nothing is waited for: one that is being made is given up, as soon as the system lets go
        of it, and before the broker hears of us.
        """
        link = self._link
        if link:
            link.publish_last(self.topic("availability"), last, timeout)
        self._stopped.set()
        if self._client:
            self._client.wake()
        if link and self._task:
            self._task.join(timeout)

    def _ended(self, task: Task) -> None:
        if task.error:
            logger.error("broker %s: events wait for the next start", self._name, exc_info=task.error)

    def _run(self) -> None:
        while not self._stopped.wait(self._broker.delay_s):
            self._try(self._broker.attempt)

    def _try(self, attempt: Attempt) -> None:
        """Connect once, and stay as long as the connection does."""
        self._answer = self._ending = None
        client = self._client = self._client_for(attempt)
        try:
            self._connect(client, attempt)
        except UNREACHABLE as error:
            if not self._stopped.is_set():  # else it is no longer to be reached
                self._broker.unreachable()
                self._tell(unreachable(error))
        else:
            client.attend(self._stopped, attempt.answer_s)
            if not self._stopped.is_set():
                self._take_in_end(client)
        finally:
            self._link = None
            client.close()

    def _client_for(self, attempt: Attempt) -> Client:
        # A session that a broker keeps for a client of MQTT 5 must outlive the question whether it answers to 3.1.1.
        client = make_client(
            self._settings, self._credentials, self._id, attempt.version, clean_session=not attempt.is_question
        )
        client.max_inflight_messages_set(0)  # no limit: `Delivery` keeps to the broker's
        if not attempt.is_question:
            client.will_set(self.topic("availability"), b"offline", attempt.will_qos, attempt.will_retain)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_publish = self._delivered
        client.on_unsubscribe = lambda _client, _data, mid, *_: self._on_delivered(self, mid)
        return client

    def _connect(self, client: Client, attempt: Attempt) -> None:
        address = self._settings.host, self._settings.port, self._settings.keepalive
        if attempt.version == "5":
            wanted: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            wanted.SessionExpiryInterval = SESSION_S
            wanted.MaximumPacketSize = MAX_PACKET
            client.connect(*address, clean_start=False, properties=wanted)
        else:  # the session of such a broker would never expire: we have none
            client.connect(*address)

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        self._answer = reason
        if reason.is_failure or self._stopped.is_set():
            return
        attempt, limits = self._broker.attempt, _limits(properties)
        self._broker.answered(limits, time.monotonic())
        if attempt.is_question:
            client.disconnect()
            return
        for topic in self._topics:
            client.subscribe(topic, qos=1)
        if not self._broker.is_flapping:
            self._told = None
            logger.info("broker %s: connected%s", self._name, "" if attempt.version == "5" else ", with MQTT 3.1.1")
        self._tell_limits(limits)
        self._link = Link(client, attempt.version, limits, self.topic("delivered"), self._tell_too_large)
        self._on_connected(self, self._link)

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._ending = reason

    def _take_in_end(self, client: Client) -> None:
        """Conclude from how a connection ended how to go on."""
        if self._link:
            self._broker.lost(time.monotonic())
            self._on_disconnected(self)
            self._tell(self._loss(client))
        elif self._answer is None:
            self._broker.unanswered(silent=client.is_silent)
            problem = "does not answer" if client.is_silent else "hangs up before it has answered"
            self._tell_unless_at_once(f"{problem}; is mqtt.port an MQTT broker's, and mqtt.tls right?")
        elif self._answer.is_failure:
            self._broker.refused(REFUSALS.get(self._answer.value, Refusal.OTHER))
            self._tell_unless_at_once(refusal(self._answer))

    def _loss(self, client: Client) -> str:
        """Say why the connection was lost, as far as can be known."""
        name = "mqtt.client_id" if self._settings.client_id else "camera.name"
        remedy = f"is there another of this name? set {name} in one of them (here the client is {self._id})"
        if client.too_large:
            return f"sent {client.too_large} bytes at once, so we hung up; see who publishes to {self.topic('+/set')}"
        if self._ending and self._ending.value == TAKEN_OVER:
            return f"another client took our place: {remedy}"
        is_told = self._ending and self._ending.value != UNSPECIFIED
        reason = f" ({str(self._ending).lower()})" if is_told else ""
        if self._broker.is_flapping:
            return f"drops us again and again{reason}: {remedy}"
        return f"connection lost{reason}"

    def _delivered(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        """Count a message as delivered; one that the broker does not want it would not want later either."""
        if reason.is_failure and str(reason) != self._refused:
            self._refused = str(reason)
            logger.warning(
                "broker %s: does not take a message: %s; see what it allows %s to publish",
                *(self._name, self._refused.lower(), self._settings.username or self._id),
            )
        self._on_delivered(self, mid)

    def _received(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            ordered = self._topics.get(message.topic, commands.Ordered(message.topic))
            command = commands.parse(ordered.name, bytes(message.payload), view=ordered.view, is_kept=message.retain)
        except ValueError as error:
            logger.warning("command refused: %s", error)
        else:
            if command:
                self._on_command(command)

    def _tell(self, problem: str) -> None:
        """Warn once of each problem, not at each try."""
        if problem != self._told:
            logger.warning("broker %s: %s; trying again until it works", self._name, problem)
        self._told = problem

    def _tell_unless_at_once(self, problem: str) -> None:
        """Warn of what is not to be mended by the next try, which is made in another way."""
        if self._broker.delay_s:
            self._tell(problem)

    def _tell_limits(self, limits: Limits) -> None:
        """Warn, once, of what the broker does not allow and we would use."""
        if limits == self._told_limits:
            return
        self._told_limits = limits
        told = {
            f"takes at most {limits.packet} bytes at once: what has more is made smaller, or left out": (
                limits.packet < ROOMY
            ),
            "takes nothing above QoS 0: it is asked after each event": limits.qos < 1,
            "keeps nothing (no retain): who comes later sees a state at its next change": not limits.retain,
        }
        for what, applies in told.items():
            if applies:
                logger.warning("broker %s: %s", self._name, what)

    def _tell_too_large(self, topic: str, size: int) -> None:
        if topic not in self._too_large:
            self._too_large.add(topic)
            logger.warning("broker %s: takes no message of %d bytes: left out on %s", self._name, size, topic)


def _limits(told: Any) -> Limits:
    """Read what the broker allows in the properties of its answer; what it does not tell is as in MQTT 5.0, 3.2.2.3."""
    usual = Limits()
    return Limits(
        packet=getattr(told, "MaximumPacketSize", usual.packet),
        qos=min(usual.qos, getattr(told, "MaximumQoS", usual.qos)),
        retain=bool(getattr(told, "RetainAvailable", usual.retain)),
        receive=getattr(told, "ReceiveMaximum", usual.receive),
    )
