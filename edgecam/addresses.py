"""Addresses as users name them, and as they may be shown: never with a password."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from edgecam.errors import ConfigError

HIGHEST = 65_535
HIDDEN = "..."

# A slash too few is a usual slip, and the password is in it all the same; so it is where the scheme was left out. JSON
# may write a slash as \/.
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){1,2}")
LOGIN = re.compile(r"[^/]*:.*@", re.DOTALL)
HOST = re.compile(r"(\[[0-9A-Fa-f:.]*(%\w*)?\]|[^\s:@\[\]]*)(:[0-9]{0,5})?")

Settings = TypeVar("Settings", bound=msgspec.Struct)


def shown(address: str) -> str:
    """Return what may be shown of an address, whatever it is: of a URL scheme, host, port and path, else all of it.

    A user, a password and a query are left out, as is a part of the path with a ``=``, in which some cameras want the
    password. A password with ``/``, ``?`` or ``#`` in it, which no URL may have as they are, leaves open where it ends:
    then nothing is shown but the scheme. Three dots stand for what is left out behind the host.
    """
    if scheme := SCHEME.search(address):
        before, rest = address[: scheme.end()], address[scheme.end() :]
    elif LOGIN.match(address):
        before, rest = "", address
    else:
        return address
    return (HIDDEN if "@" in before else before) + _place(rest)


def _place(rest: str) -> str:
    """Host, port and path of what follows a scheme."""
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    host, tail = rest[:end].rpartition("@")[2], rest[end:]
    if "@" in tail or not HOST.fullmatch(host):
        return HIDDEN
    path = re.split("[?#]", tail, maxsplit=1)[0]
    mark = tail[len(path) : len(path) + 1]
    parts = path.split("/")
    clear = next((number for number, part in enumerate(parts) if "=" in part), None)
    if clear is not None:
        return host + "/".join([*parts[:clear], HIDDEN])
    return host + path + (mark and mark + HIDDEN)


def broker_address(named: str) -> tuple[str, int]:
    """Return host and port; an IPv6 address may stand in brackets.

    Raises:
        ConfigError: it is not HOST:PORT.
    """
    host, _, port = named.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) <= HIGHEST or is_more_than_a_host(host):
        message = f"--broker {shown(named)}: expected HOST:PORT, such as localhost:1883"
        raise ConfigError(message)
    return host, int(port)


def with_address(settings: Settings, named: str) -> Settings:
    """Return settings of a broker, which have ``host`` and ``port``, with another one's.

    Raises:
        ConfigError: it is not HOST:PORT.
    """
    host, port = broker_address(named)
    return msgspec.structs.replace(settings, host=host, port=port)


def is_more_than_a_host(host: str) -> bool:
    """Whether a scheme, a login or a path stands where only a host may."""
    return any(mark in host for mark in "/@")
