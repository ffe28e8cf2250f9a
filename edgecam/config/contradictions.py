"""What contradicts itself in settings that are right each by itself."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

from edgecam.addresses import is_more_than_a_host
from edgecam.config.device_classes import mistaken_classes
from edgecam.config.sections import PixelSettings
from edgecam.config.views import mistaken_names, view_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam.config.sections import Config, Crop, EventsSettings, ModelSettings, MqttSettings

ALL = "all"  # in a topic, in the place of a camera's name
CHANNELS = 3
KEY_BYTES = 32  # of an Ed25519 public key


def contradictions(config: Config) -> Iterator[str]:
    """Name settings that are right each by itself, but not together, or that only a closer look finds wrong."""
    yield from _contradictions_of_crop("camera.", config.camera.crop)
    yield from _contradictions_of_model("model.", config.model)
    if config.camera.name == ALL:
        yield f"camera.name: {ALL} stands for every camera, in orders to them: choose another name"
    yield from _contradictions_of_mqtt(config.mqtt)
    if config.rollout.public_key and (problem := _public_key_problem(config.rollout.public_key)):
        yield f"rollout.public_key: {problem}"
    yield from mistaken_classes(config.homeassistant)
    yield from _contradictions_of_groups("", config.events)
    yield from mistaken_names(config.views)
    for place, view in enumerate(config.views):
        key = f"{view_key(view, place)}."
        yield from _contradictions_of_crop(key, view.crop)
        if view.model != config.model:  # what is inherited was named
            yield from _contradictions_of_model(f"{key}model.", view.model)
        if view.events.groups != config.events.groups:
            yield from _contradictions_of_groups(key, view.events)


def _contradictions_of_crop(key: str, crop: Crop) -> Iterator[str]:
    x, y, width, height = crop
    if not (width > 0 and height > 0 and x + width <= 1 and y + height <= 1):
        expected = "x + width <= 1 and y + height <= 1" if width > 0 and height > 0 else "width and height above 0"
        yield f"{key}crop: expected {expected}, got {list(crop)}"


def _contradictions_of_groups(key: str, events: EventsSettings) -> Iterator[str]:
    owners: dict[str, str] = {}
    for group, labels in (events.groups or {}).items():
        for label in labels:
            other = owners.setdefault(label, group)
            if other != group:
                yield f"{key}events.groups.{group}: {label} is in the group {other} too"


def _contradictions_of_model(key: str, model: ModelSettings) -> Iterator[str]:
    if isinstance(model.pixels, PixelSettings):
        for name, values in (("mean", model.pixels.mean), ("std", model.pixels.std)):
            if len(values) not in (1, CHANNELS) or not all(math.isfinite(value) for value in values):
                yield f"{key}pixels.{name}: expected one number, or three in the order of model.channels"
        if any(value <= 0 for value in model.pixels.std):
            yield f"{key}pixels.std: expected numbers above 0, got {list(model.pixels.std)}"
    if model.delegate_options and not model.delegate:
        yield f"{key}delegate_options: has no effect without {key}delegate"


def _public_key_problem(text: str) -> str:
    """Say what is wrong with a public key in a setting; empty: nothing."""
    try:
        length = len(base64.b64decode(text, validate=True))
    except ValueError:
        length = 0
    return (
        "" if length == KEY_BYTES else f"expected the {KEY_BYTES} bytes of an Ed25519 key in base64, see edgecam keygen"
    )


def _contradictions_of_mqtt(mqtt: MqttSettings) -> Iterator[str]:
    if is_more_than_a_host(mqtt.host):  # not shown: a password may be in it
        yield "mqtt.host: expected a host's name or address alone; mqtt.port, mqtt.username and mqtt.tls tell the rest"
    if bool(mqtt.cert_file) != bool(mqtt.key_file):
        given, missing = ("cert_file", "key_file") if mqtt.cert_file else ("key_file", "cert_file")
        yield f"mqtt.{missing}: needed where mqtt.{given} is given"
    if not mqtt.tls:
        for key in ("ca_file", "cert_file"):
            if getattr(mqtt, key):
                yield f"mqtt.{key}: has no effect without mqtt.tls = true"
    if mqtt.password_file and not mqtt.username:
        yield "mqtt.username: needed where mqtt.password_file is given"
