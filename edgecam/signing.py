"""``edgecam sign``: the order to take a model, as it goes over MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam import config
from edgecam.errors import ConfigError
from edgecam.rollout import Order
from edgecam.signature import signature_of
from edgecam.trial import tried

if TYPE_CHECKING:
    from pathlib import Path


def order(model: Path, key: Path, url: str) -> bytes:
    """Try a model, sign it with the private key in a file, and return the order to fetch it at ``url``, as JSON.

    Raises:
        ModelError: it is no classifier that edgecam can run.
        ConfigError: the key cannot be read, or the URL is none that cameras take.
    """
    sha256 = tried(config.Model(path=str(model))).sha256
    made = msgspec.json.encode(Order(url, sha256, signature_of(key, sha256)))
    try:
        msgspec.json.decode(made, type=Order)
    except msgspec.ValidationError:
        message = f"--url {url}: expected https://..., http://... or file:///..., without spaces"
        raise ConfigError(message) from None
    return made
