"""The connection to the broker."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from typing import TYPE_CHECKING, Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edgecam.errors import in_words
from edgecam.mqtt import commands
from edgecam.mqtt.client import ANSWER_S, MAX_PACKET, MQTT_3, MQTT_5, Client, make_client, refusal
from edgecam.mqtt.credentials import read_credentials
from edgecam.mqtt.stability import Stability

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from paho.mqtt import client as paho
    from paho.mqtt.enums import MQTTProtocolVersion

    from edgecam import config
    from edgecam.mqtt.commands import Command

logger = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 1, 30
IN_FLIGHT = 10  # messages that wait for acknowledgement; brokers may allow fewer
SESSION_S = 3_600  # for which the broker keeps orders to us while we are away
DROPS = 2  # in a row, before it has answered, after which a broker is taken for one that does not know MQTT 5


class Connection:
    """Publishes below ``<base>/<camera>/``; connects again with back-off when the broker is away.

    It speaks MQTT 5, and 3.1.1 with a broker that does not know that. It subscribes to commands. The callbacks are
    called in the network thread of paho, which `start` makes.
    """

    def __init__(
        self,
        settings: config.Config,
        *,
        on_connect: Callable[[Connection, bool], None],
        on_disconnect: Callable[[Connection], None],
        on_delivered: Callable[[Connection, int], None],
        on_command: Callable[[Command], None],
    ) -> None:
        """Prepare the connection; no packet is sent yet.

        Args:
            settings: where the broker is, how to log in, and what is listened to.
            on_connect: told when the connection is there, and whether what was sent before must be sent anew.
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
        self._told: str | None = None
        self._on_connected = on_connect
        self._on_disconnected = on_disconnect
        self._on_command = on_command
        self._stability = Stability()
        self._on_delivered = on_delivered
        self._id = settings.mqtt.client_id or f"edgecam-{settings.camera.name}"
        self._credentials = read_credentials(settings.mqtt)
        self._version = MQTT_3 if settings.mqtt.version == "3.1.1" else MQTT_5
        self._in_flight = IN_FLIGHT
        self._drops = 0
        self._renewed = False
        self._refused: str | None = None
        self._client = self._make_client()

    def _make_client(self) -> Client:
        client = make_client(self._settings, self._credentials, self._id, self._version)
        client.reconnect_delay_set(FIRST_RETRY_S, LAST_RETRY_S)
        client.max_inflight_messages_set(self._in_flight)
        client.will_set(self.topic("availability"), b"offline", qos=1, retain=True)
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_publish = self._delivered
        return client

    def topic(self, name: str) -> str:
        """Return the full topic of ``events``, ``state`` and so on."""
        return self._prefix + name

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        address = self._settings.host, self._settings.port, self._settings.keepalive
        if self._version is MQTT_5:
            wanted = _properties(PacketTypes.CONNECT)
            wanted.SessionExpiryInterval = SESSION_S
            wanted.MaximumPacketSize = MAX_PACKET
            self._client.connect_async(*address, clean_start=False, properties=wanted)
        else:  # the session of such a broker would never expire: we have none
            self._client.connect_async(*address)
        self._client.loop_start()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        expiry_s: int | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> int:
        """Hand a message to the network thread; return its number, with which ``on_delivered`` is called.

        Args:
            topic: the full one.
            payload: any bytes.
            qos: 0 or 1.
            retain: whether the broker keeps it for who comes later.
            expiry_s: seconds after which the broker throws it away; only with MQTT 5.
            properties: what is to be told beside the payload; only with MQTT 5.
        """
        told = None
        if self._version is MQTT_5 and (expiry_s or properties):
            told = _properties(PacketTypes.PUBLISH)
            if expiry_s:
                told.MessageExpiryInterval = expiry_s
            if properties:
                told.UserProperty = list(properties.items())
        return self._client.publish(topic, payload, qos, retain, told).mid

    def stop(self, timeout: float, last: bytes = b"offline") -> None:
        """Leave ``last`` as availability, wait at most ``timeout`` seconds for the acknowledgement, and disconnect."""
        if not self._client.is_connected():
            self._client.disconnect()
            return
        offline = self._client.publish(self.topic("availability"), last, qos=1, retain=True)
        with contextlib.suppress(RuntimeError):  # the connection was lost just now: the last will says it
            offline.wait_for_publish(timeout)
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        client.asked_s = math.inf
        if client is not self._client:
            return
        if reason.is_failure and self._may_be_older() and "protocol version" in str(reason):
            self._begin_anew(version=MQTT_3)
            return
        self._drops = 0
        if reason.is_failure:
            self._tell(refusal(reason))
            return
        allowed = getattr(properties, "ReceiveMaximum", IN_FLIGHT)
        if allowed < self._in_flight:
            self._begin_anew(in_flight=allowed)  # an open connection cannot change it
            return
        self._stability.connected(time.monotonic())
        for topic in self._topics:
            self._client.subscribe(topic, qos=1)
        if not self._stability.is_flapping:
            self._told = None
            logger.info("broker %s: connected%s", self._name, "" if self._version is MQTT_5 else ", with MQTT 3.1.1")
        renewed, self._renewed = self._renewed, False
        self._on_connected(self, renewed)

    def _may_be_older(self) -> bool:
        """Whether what goes wrong may be that the broker does not know our version of MQTT."""
        return self._version is MQTT_5 and self._settings.version == "auto"

    def _begin_anew(self, *, version: MQTTProtocolVersion | None = None, in_flight: int | None = None) -> None:
        """Go on with another client."""
        before, self._renewed = self._client, True
        self._version, self._in_flight = version or self._version, in_flight or self._in_flight
        self._client = self._make_client()
        before.disconnect()
        before.loop_stop()  # its thread, which we are in, ends when we return
        self.start()

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
            name = self._topics.get(message.topic, message.topic)
            command = commands.parse(name, bytes(message.payload), is_kept=message.retain)
        except ValueError as error:
            logger.warning("command refused: %s", error)
        else:
            if command:
                self._on_command(command)

    def _failed(self, *_: Any) -> None:
        self._tell(f"cannot be reached: {in_words(self._client.problem)}")

    def _disconnected(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if client is not self._client:
            return
        self._on_disconnected(self)  # before another client may tell that it is connected
        if reason.is_failure and self._stability.is_connected:
            self._client.reconnect_delay_set(self._stability.lost(time.monotonic()), LAST_RETRY_S)
            self._tell(self._problem(str(reason).lower()))
        elif reason.is_failure:
            self._drops += 1
            if self._may_be_older() and (client.is_silent or self._drops == DROPS):
                self._begin_anew(version=MQTT_3)
            elif client.is_silent:
                self._tell(f"does not answer within {ANSWER_S:.0f} s; is it an MQTT broker?")
            elif self._told is None:
                self._tell("drops us before it has answered; is mqtt.port that of an MQTT broker, and mqtt.tls right?")

    def _problem(self, reason: str) -> str:
        size, self._client.too_large = self._client.too_large, 0
        if size:
            return f"sent {size} bytes at once, so we hung up; see who publishes to {self.topic('+/set')}"
        if self._stability.is_flapping:
            return f"drops us again and again: {reason}; does another client use the id {self._id}?"
        return f"connection lost: {reason}"

    def _tell(self, problem: str) -> None:
        """Warn once of each problem, not at each try."""
        if problem != self._told:
            logger.warning("broker %s: %s; trying again until it works", self._name, problem)
        self._told = problem


def _properties(packet: int) -> Any:
    return Properties(packet)  # type: ignore[no-untyped-call]
