"""A broker as users name it: HOST:PORT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.errors import ConfigError

if TYPE_CHECKING:
    from edgecam import config

HIGHEST = 65_535


def broker_address(named: str) -> tuple[str, int]:
    """Return host and port; an IPv6 address may stand in brackets.

    Raises:
        ConfigError: it is not HOST:PORT.
    """
    host, _, port = named.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) <= HIGHEST:
        message = f"--broker {named}: expected HOST:PORT, such as localhost:1883"
        raise ConfigError(message)
    return host, int(port)


def with_address(settings: config.MqttSettings, named: str) -> config.MqttSettings:
    """Return settings with another broker.

    Raises:
        ConfigError: it is not HOST:PORT.
    """
    host, port = broker_address(named)
    return msgspec.structs.replace(settings, host=host, port=port)
