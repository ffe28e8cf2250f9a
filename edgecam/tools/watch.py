"""``edgecam watch``: every camera on a broker, live."""

from __future__ import annotations

import queue
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console
from rich.live import Live

from edgecam.errors import BrokerError
from edgecam.mqtt.client import logged_in
from edgecam.mqtt.negotiation import ANSWER_S
from edgecam.tools.cameras import Cameras
from edgecam.tools.watch_table import now_utc, overview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam import config
    from edgecam.mqtt.client import Client

FRESH_S = 0.5  # between two pictures of the table
AROUND = 4  # lines of the terminal that are not cameras


@dataclass(frozen=True, slots=True)
class _Said:
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Connection:
    problem: str  # empty: it is there


_Inbox = queue.SimpleQueue[_Said | _Connection]


def watch(settings: config.MqttSettings, seconds: float | None, *, as_json: bool) -> None:
    """Show a table of all cameras, or print each event as a line of JSON, until interrupted or for some seconds.

    Raises:
        BrokerError: the broker cannot be reached or refuses us.
        ConfigError: a file with a password, certificate or key cannot be read.
    """
    cameras = Cameras(settings.base)
    end = time.monotonic() + seconds if seconds else None
    with _connected(settings, cameras) as inbox:
        try:
            (_print_events if as_json else _show)(settings, cameras, inbox, end)
        except KeyboardInterrupt:  # how it is meant to end
            return


def _print_events(_settings: config.MqttSettings, cameras: Cameras, inbox: _Inbox, end: float | None) -> None:
    for item in _items(inbox, end):
        if isinstance(item, _Said) and (event := cameras.take(item.topic, item.payload)):
            click.echo(msgspec.json.encode(event))


def _show(settings: config.MqttSettings, cameras: Cameras, inbox: _Inbox, end: float | None) -> None:
    console = Console()
    broker = f"{settings.host}:{settings.port}"
    where, shown = broker, 0.0
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for item in _items(inbox, end, FRESH_S):
            match item:
                case _Said(topic, payload):
                    cameras.take(topic, payload)
                case _Connection(problem):
                    where = f"{broker} ({problem})" if problem else broker
            if item is None or time.monotonic() >= shown + FRESH_S:
                live.update(_table(cameras, console, where), refresh=True)
                shown = time.monotonic()
        live.update(_table(cameras, console, where), refresh=True)
    if not console.is_terminal:
        console.print()  # rich leaves the last line open


def _table(cameras: Cameras, console: Console, where: str) -> Any:
    views = sum(1 for camera in cameras.all().values() for _ in camera.rows())
    rows = console.height - AROUND if console.is_terminal else views
    return overview(cameras.all().values(), now_utc(), max(1, rows), where)


def _items(inbox: _Inbox, end: float | None, wake_s: float | None = None) -> Iterator[_Said | _Connection | None]:
    """Give what arrives, and None every ``wake_s`` seconds in which nothing does, until ``end``."""
    while end is None or time.monotonic() < end:
        waits = [wait for wait in (wake_s, end and end - time.monotonic()) if wait is not None]
        try:
            yield inbox.get(timeout=max(0.0, min(waits)) if waits else None)
        except queue.Empty:
            yield None


@contextmanager
def _connected(settings: config.MqttSettings, cameras: Cameras) -> Iterator[_Inbox]:
    """Subscribe, now and whenever the connection is there again."""
    inbox: _Inbox = queue.SimpleQueue()

    def subscribe(client: Client) -> None:
        client.on_disconnect = lambda *_: inbox.put(_Connection("connection lost, trying again"))
        client.on_message = lambda _client, _data, message: inbox.put(_Said(message.topic, bytes(message.payload)))
        client.subscribe([(topic, 1) for topic in cameras.topics()])
        inbox.put(_Connection(""))

    try:
        with logged_in(settings, ANSWER_S, subscribe):
            yield inbox
    except BrokerError as error:
        another = "; name another with --broker HOST:PORT" if error.__cause__ else ""
        message = f"broker {settings.host}:{settings.port} {error}{another}"
        raise BrokerError(message) from None
