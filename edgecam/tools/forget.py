"""``edgecam forget``: what a broker keeps of a camera that is gone, and Home Assistant's device, are cleared."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.addresses import shown, with_address
from edgecam.errors import BrokerError, ConfigError, EdgecamError
from edgecam.mqtt.client import logged_in
from edgecam.mqtt.homeassistant import announcement_topic
from edgecam.mqtt.negotiation import ANSWER_S

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.mqtt.client import Client

QUIET_S = 0.5  # after which a broker has sent all that it keeps
MARKER = "forget"  # below the camera's own topics, where whoever may clear them may write
AVAILABILITY = "availability"
ONLINE = b"online"
WILD = set("/+#")


@dataclass(frozen=True, slots=True)
class _Said:
    topic: str
    payload: bytes
    is_kept: bool


_Inbox = queue.SimpleQueue[_Said]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was cleared: topics below the camera's own, and whether Home Assistant had a device."""

    topics: tuple[str, ...]
    was_announced: bool


def settings_of(settings: config.Config, name: str, broker: str | None) -> config.Config:
    """Return settings with another camera, and another broker if one is named.

    Raises:
        ConfigError: the name is none, or the broker is not HOST:PORT.
    """
    if not name or WILD & set(name) or not name.isprintable():
        message = f"{shown(name)!r}: expected the name of a camera, without / + #"
        raise ConfigError(message)
    mqtt = with_address(settings.mqtt, broker) if broker else settings.mqtt
    camera = msgspec.structs.replace(settings.camera, name=name)
    return msgspec.structs.replace(settings, camera=camera, mqtt=mqtt)


def forget(settings: config.Config, *, force: bool) -> Forgotten:
    """Clear what the broker keeps of the camera that the settings name.

    Args:
        settings: of the camera: its name, the broker, the base topic, and the prefix of Home Assistant.
        force: do it too where the camera is said to be online.

    Raises:
        BrokerError: the broker cannot be reached, refuses us, or does not let us clear what is there.
        ConfigError: a file with a password, certificate or key cannot be read.
        EdgecamError: nothing is known of such a camera, or it is online.
    """
    inbox: _Inbox = queue.SimpleQueue()

    def listen(client: Client) -> None:
        client.on_message = lambda _client, _data, message: inbox.put(
            _Said(message.topic, bytes(message.payload), bool(message.retain))
        )

    try:
        with logged_in(settings.mqtt, ANSWER_S, listen) as client:
            cleared = _cleared(client, inbox, settings, force=force)
    except BrokerError as error:
        another = "; name another with --broker HOST:PORT" if error.__cause__ else ""
        message = f"{_broker(settings)} {error}{another}"
        raise BrokerError(message) from None
    announced = announcement_topic(settings)
    topics = tuple(topic.removeprefix(f"{settings.root}/") for topic in cleared if topic != announced)
    return Forgotten(topics, announced in cleared)


def _cleared(client: Client, inbox: _Inbox, settings: config.Config, *, force: bool) -> list[str]:
    """Clear what is kept; return its topics."""
    name, kept = settings.camera.name, _kept(client, inbox, settings)
    ours = _ours(kept, settings)
    if not ours:
        raise EdgecamError(_unknown(settings, kept))
    if kept.get(f"{settings.root}/{AVAILABILITY}") == ONLINE and not force:
        message = f"{name} is online, and would come back; stop it first, or if it is gone for good, add --force"
        raise EdgecamError(message)
    for topic in ours:
        client.publish(topic, b"", qos=1, retain=True).wait_for_publish(ANSWER_S)
    if left := _ours(_kept(client, inbox, settings), settings):
        message = f"does not let us clear {', '.join(left)}; see what its access list lets this user write"
        raise BrokerError(message)
    return ours


def _broker(settings: config.Config) -> str:
    return f"broker {settings.mqtt.host}:{settings.mqtt.port}"


def _ours(kept: dict[str, bytes], settings: config.Config) -> list[str]:
    announced = announcement_topic(settings)
    return sorted(topic for topic in kept if topic == announced or topic.startswith(f"{settings.root}/"))


def _unknown(settings: config.Config, kept: dict[str, bytes]) -> str:
    prefix, suffix = f"{settings.mqtt.base}/", f"/{AVAILABILITY}"
    others = sorted(topic.removeprefix(prefix).removesuffix(suffix) for topic in kept if topic.endswith(suffix))
    there = f"there are: {', '.join(others)}" if others else "it knows of no camera at all"
    return f"{_broker(settings)} knows of no camera {settings.camera.name} below {prefix}; {there}"


def _kept(client: Client, inbox: _Inbox, settings: config.Config) -> dict[str, bytes]:
    """What the broker keeps of the camera, and which other cameras there are: topics and payloads.

    A broker does not tell when it has sent all that it keeps. A message of ours, which it sends back to us, comes after
    it; with brokers that keep messages elsewhere than where they pass them on, a moment of quiet does.

    Raises:
        BrokerError: the message does not come back.
    """
    root = settings.root
    topics = [f"{root}/#", announcement_topic(settings), f"{settings.mqtt.base}/+/{AVAILABILITY}"]
    client.unsubscribe(topics)
    client.subscribe([(topic, 0) for topic in topics])
    client.publish(f"{root}/{MARKER}", b"?", qos=1)
    kept: dict[str, bytes] = {}
    wait_until, is_marked = time.monotonic() + ANSWER_S, False
    while True:
        try:
            said = inbox.get(timeout=max(0.0, wait_until - time.monotonic()))
        except queue.Empty:
            if is_marked:
                return kept
            message = f"does not let us read and write below {root}/; see what its access list lets this user do"
            raise BrokerError(message) from None
        if said.is_kept:
            kept[said.topic] = said.payload
        elif said.topic == f"{root}/{MARKER}":
            is_marked = True
        else:
            continue  # said just now, by a camera that is there
        if is_marked:
            wait_until = time.monotonic() + QUIET_S
