"""The demo: the real daemon on the shipped clip, a broker, and a subscriber that prints what it receives."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edgecam import __version__
from edgecam.addresses import broker_address
from edgecam.errors import BrokerError, ConfigError, in_words
from edgecam.mqtt.payloads import EventPayload, StatsPayload
from edgecam.tools.event_lines import Account, event_line

CAMERA = "demo"
BASE = f"edgecam/{CAMERA}"
LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_S = 10.0
ONLINE_TIMEOUT_S = 60.0
LAST_MESSAGE_TIMEOUT_S = 5.0


def shipped_clip() -> Path:
    """Path of the clip that comes with edgecam."""
    return Path(str(resources.files("edgecam") / "assets" / "clip.mp4"))


def run_demo(seconds: int | None, broker: str | None, *, verbose: bool = False) -> bool:
    """Run the demo and return whether events arrived.

    Args:
        seconds: for which the clip is shown, over and over, from when the daemon is online; None: once.
        broker: to use, as HOST:PORT; None: an embedded one.
        verbose: let the daemon log more.

    Raises:
        BrokerError: the named broker cannot be reached.
        ConfigError: it is not named as HOST:PORT, or there is no embedded one.
    """
    return asyncio.run(_demo(seconds, broker_address(broker) if broker else None, verbose=verbose))


@dataclass(slots=True)
class _Received:
    """What the subscriber has seen so far."""

    online: asyncio.Event = field(default_factory=asyncio.Event)
    offline: asyncio.Event = field(default_factory=asyncio.Event)
    account: Account = field(default_factory=Account)
    delays_ms: list[float] = field(default_factory=list)

    async def take_all(self, messages: asyncio.Queue[tuple[str, bytes]]) -> None:
        """Take in messages for ever; OSError if what they say cannot be printed."""
        while True:
            self._take(*await messages.get())

    def _take(self, topic: str, payload: bytes) -> None:
        name = topic.removeprefix(f"{BASE}/")
        if name == "events":
            event = msgspec.json.decode(payload, type=EventPayload)
            self.account.add_event(event)
            self.delays_ms.append((datetime.now(UTC) - datetime.fromisoformat(event.frame_time)).total_seconds() * 1e3)
            click.echo(event_line(event))
        elif name == "stats":
            self.account.reports.append(msgspec.json.decode(payload, type=StatsPayload))
        elif name == "availability":
            if payload == b"online":
                self.online.set()
            elif self.online.is_set():
                self.offline.set()


async def _demo(seconds: int | None, address: tuple[str, int] | None, *, verbose: bool) -> bool:
    received = _Received()
    messages: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    async with _Broker(address) as (host, port):
        subscriber = await _subscribe(host, port, messages)
        where = f"{host}:{port}"
        click.echo(f"edgecam {__version__}: {shipped_clip().name} -> model -> broker {where} -> this subscriber")
        click.echo(f"to listen too: mosquitto_sub -h {host} -p {port} -v -t '{BASE}/#'\n")
        try:
            async with asyncio.TaskGroup() as tasks:  # if printing fails, the daemon is stopped
                taking = tasks.create_task(received.take_all(messages))
                is_named = address is not None
                code = await _run_daemon(host, port, seconds, received.online, is_named=is_named, verbose=verbose)
                if code == 0 and received.online.is_set():
                    await _last_message(received)
                taking.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            subscriber.disconnect()
            subscriber.loop_stop()
    _print_summary(received)
    if code == 0 and received.account.began:
        _print_next_steps()
    return code == 0 and bool(received.account.began)


async def _last_message(received: _Received) -> None:
    try:
        await asyncio.wait_for(received.offline.wait(), LAST_MESSAGE_TIMEOUT_S)
    except TimeoutError:
        click.echo("edgecam: the broker did not pass on the daemon's last message", err=True)


class _Broker:
    """The named broker, or an embedded one on a free port of the loopback interface."""

    def __init__(self, address: tuple[str, int] | None) -> None:
        self._address = address
        self._embedded: Any = None

    async def __aenter__(self) -> tuple[str, int]:
        if self._address:
            return self._address
        try:
            from amqtt.broker import Broker
        except ImportError:
            message = "the embedded broker is not installed: pip install 'edgecam[demo]', or name one with --broker"
            raise ConfigError(message) from None
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        anonymous: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        self._embedded = Broker({"listeners": {"default": {"bind": f"{LOOPBACK}:0"}}, "plugins": anonymous})
        await self._embedded.start()
        listening = self._embedded._servers["default"].instance.sockets[0]  # noqa: SLF001  no public way tells the port
        return LOOPBACK, listening.getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        if self._embedded:
            await self._embedded.shutdown()


async def _subscribe(host: str, port: int, messages: asyncio.Queue[tuple[str, bytes]]) -> paho.Client:
    """Connect a client of its own, which puts topic and payload of what it receives into ``messages``."""
    loop = asyncio.get_running_loop()
    subscribed = asyncio.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2)

    @client.connect_callback()
    def _(*_: Any) -> None:
        client.subscribe(f"{BASE}/#", qos=1)

    @client.subscribe_callback()
    def _(*_: Any) -> None:
        loop.call_soon_threadsafe(subscribed.set)

    @client.message_callback()
    def _(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        loop.call_soon_threadsafe(messages.put_nowait, (message.topic, bytes(message.payload)))

    try:
        await asyncio.to_thread(client.connect, host, port)
        client.loop_start()
        await asyncio.wait_for(subscribed.wait(), CONNECT_TIMEOUT_S)
    except OSError as error:  # TimeoutError is one
        client.loop_stop()
        message = f"--broker {host}:{port}: cannot be reached: {in_words(error)}"
        raise BrokerError(message) from None
    return client


async def _run_daemon(
    host: str, port: int, seconds: int | None, online: asyncio.Event, *, is_named: bool, verbose: bool
) -> int:
    """Run ``edgecam run`` on the clip in a process of its own."""
    settings = {
        "camera.name": CAMERA,
        "camera.source": str(shipped_clip()),
        "camera.realtime": "true",
        "camera.loop": "true" if seconds else "false",
        "mqtt.host": host,
        "mqtt.port": port,
        "mqtt.version": "auto" if is_named else "3.1.1",  # all that the embedded broker knows
        "homeassistant.discovery": "false",  # a named broker may be that of a home
        "stats.interval": 86_400,  # one report, at the end, about all of it
    }
    arguments = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    with tempfile.TemporaryDirectory() as state:
        daemon = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-P",
                "-m",
                "edgecam",
                "run",
                "-v" if verbose else "-q",
                "--config",
                os.devnull,
                *arguments,
            ),
            env={**os.environ, "STATE_DIRECTORY": state},
            stdout=asyncio.subprocess.DEVNULL,  # else it would show each event too, in a terminal
            start_new_session=True,  # Ctrl-C reaches it through us
        )
        started = time.monotonic()
        try:
            ended = asyncio.ensure_future(daemon.wait())
            if seconds:
                is_online = asyncio.ensure_future(online.wait())
                await asyncio.wait({ended, is_online}, timeout=ONLINE_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
                is_online.cancel()
                await asyncio.wait({ended}, timeout=seconds)
                if not ended.done():
                    daemon.send_signal(signal.SIGTERM)
            return await ended
        except asyncio.CancelledError:
            click.echo(f"stopped after {time.monotonic() - started:.0f} s", err=True)
            daemon.send_signal(signal.SIGTERM)
            await daemon.wait()
            raise


def _print_summary(received: _Received) -> None:
    click.echo()
    for line in received.account.lines("the clip's own"):
        click.echo(line)
    if received.delays_ms:
        click.echo(f"delivery  p50 {np.median(received.delays_ms):.1f} ms from exposure to receipt by this subscriber")


def _print_next_steps() -> None:
    """Tell how to go on, in words that can be typed as this command was."""
    typed = Path(sys.argv[0])
    if typed.name != "edgecam":  # it was started as a module
        typed = Path("edgecam")
    elif typed.is_relative_to(Path.cwd()):
        typed = typed.relative_to(Path.cwd())
    for what, command in (
        ("your own camera, and the broker of this machine:", f"{typed} run"),
        ("what is there, and what is missing:", f"{typed} check"),
        ("teach it what you want to see, from photographs (docs/training.md):", "make trainer"),
    ):
        click.echo(f"\n{what}\n    {command}")
