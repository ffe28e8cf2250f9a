"""A publisher in a thread, with what its daemon would tell it."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgecam.config import CameraSettings, Config, HomeAssistantSettings, MqttSettings, StatsSettings
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.notices import SettingsChange, Switched, ViewFacts
from edgecam.mqtt.publisher import Publisher
from edgecam.rollout.record import ModelState
from tests.broker import WAIT_S
from tests.mqtt.test_publisher import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam.mqtt.commands import Command
    from edgecam.mqtt.payloads import EventPayload
    from edgecam.mqtt.publisher import Inbox

SWITCHED = Switched(enabled=True, threshold=0.6)
LONE = (ViewFacts(),)


def settings_of(port: int, name: str = "porch", prefix: str = "homeassistant") -> Config:
    return Config(
        camera=CameraSettings(name=name),
        mqtt=MqttSettings(host="127.0.0.1", port=port),
        homeassistant=HomeAssistantSettings(prefix=prefix),
        stats=StatsSettings(interval=86_400),
    )


class Running:
    """A publisher in a thread."""

    def __init__(self, settings: Config, views: tuple[ViewFacts, ...] = LONE) -> None:
        self.inbox: Inbox = queue.SimpleQueue()
        self.saved: queue.SimpleQueue[EventPayload] = queue.SimpleQueue()
        self.ordered: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.clock = Clock()
        self._publisher = Publisher(
            settings,
            self.clock,
            SWITCHED,
            ModelState("active"),
            self.inbox,
            lambda _outbox, _dropped: None,  # type: ignore[arg-type,return-value]
            views=views,
            on_event=self.saved.put,
            on_report=lambda *_: None,
            on_command=self.ordered.put,
        )
        self._thread = threading.Thread(target=self._publisher.run)

    def start(self) -> None:
        self._thread.start()

    def happens(self, kind: str = "new") -> None:
        """Let an event be saved."""
        self.inbox.put(event(self.clock, kind))
        self.saved.get(timeout=WAIT_S)

    def change(self, settings: Config, views: tuple[ViewFacts, ...] = LONE) -> None:
        """Go elsewhere, as the service does it: what is switched is told before and after it."""
        self.inbox.put(SWITCHED)
        self.inbox.put(SettingsChange(settings, views, self._publisher.connection(settings)))
        self.inbox.put(SWITCHED)

    def change_at_once(self, settings: Config, views: tuple[ViewFacts, ...] = LONE) -> None:
        """Take over settings for which the connection can stay."""
        self.inbox.put(SettingsChange(settings, views))

    def end(self) -> None:
        self._publisher.finish(0.0)
        self._thread.join()


@contextmanager
def running(settings: Config, views: tuple[ViewFacts, ...] = LONE) -> Iterator[Running]:
    made = Running(settings, views)
    made.start()
    try:
        yield made
    finally:
        made.end()
