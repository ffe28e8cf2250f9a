"""What the publisher does from time to time, though nothing happens."""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest

from edgecam.config import CameraSettings, Config, MqttSettings, StatsSettings
from edgecam.kept import outbox_file
from edgecam.mqtt import publisher
from edgecam.mqtt.clock import Clock, Clocks, now, seconds_of
from edgecam.mqtt.notices import Happened, Origin, Switched
from edgecam.mqtt.outbox_file import OutboxFile
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload, ModelPayload
from edgecam.mqtt.publisher import Inbox, Publisher
from edgecam.rollout.record import ModelState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = Origin("edgecam/porch", "porch")
DAY_NS = 86_400 * 1_000_000_000
WAIT_S = 20.0
NOBODY = MqttSettings(host="127.0.0.1", port=1)


@dataclass
class Day:
    """A machine whose time of day can be set."""

    ahead_ns: int = 0

    def read(self) -> Clocks:
        clocks = now()
        return clocks._replace(day=clocks.day + self.ahead_ns)


def event(clock: Clock, kind: str = "new") -> Happened:
    moment = clock.iso(time.monotonic_ns())
    payload = EventPayload(
        schema=SCHEMA,
        id="id",
        type=kind,  # type: ignore[arg-type]
        camera="porch",
        label="cat",
        index=0,
        score=0.9,
        top_score=0.9,
        frame_time=moment,
        start_time=moment,
        end_time=moment if kind == "end" else None,
        top=(LabelPayload("cat", 0.9),),
        model=ModelPayload("m", "0" * 64),
    )
    return Happened(ORIGIN, payload, clock.times().stepped_ns)


@contextmanager
def running(clock: Clock, told: queue.SimpleQueue[EventPayload]) -> Iterator[Inbox]:
    """A publisher without a broker, whose next stats are a day away."""
    inbox: Inbox = queue.SimpleQueue()
    settings = Config(camera=CameraSettings(name="porch"), mqtt=NOBODY, stats=StatsSettings(interval=86_400))
    made = Publisher(
        settings,
        clock,
        Switched(enabled=True, threshold=0.6),
        ModelState("active"),
        inbox,
        lambda _outbox, _dropped: None,  # type: ignore[arg-type,return-value]
        on_event=told.put,
        on_report=lambda *_: None,
        on_command=lambda _: None,
    )
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield inbox
    finally:
        made.finish(0.0)
        thread.join()


def kept(wanted: str) -> EventPayload:
    """What is on disk once the publisher has ended."""
    file = OutboxFile(outbox_file("porch"))
    try:
        if wanted == "open":
            opened = file.opened()[""]
            return msgspec.json.decode(opened.payload, type=EventPayload)
        [(_, message)] = list(file.after(0))
        return msgspec.json.decode(message.payload, type=EventPayload)
    finally:
        file.close()


@pytest.fixture
def logged() -> Iterator[queue.SimpleQueue[str]]:
    """What the publisher logs, as it does."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    handler = logging.Handler()
    handler.emit = lambda record: lines.put(record.getMessage())  # type: ignore[method-assign]
    publisher.logger.addHandler(handler)
    publisher.logger.setLevel(logging.INFO)
    yield lines
    publisher.logger.removeHandler(handler)
    publisher.logger.setLevel(logging.NOTSET)


class TestTending:
    """The broker is away, and nothing happens."""

    @pytest.fixture(autouse=True)
    def _always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(publisher, "TEND_S", 0.0)
        monkeypatch.setattr(publisher, "NOTED_S", 0.0)

    def test_a_clock_that_was_set_by_a_month_makes_no_event_too_old(
        self, tmp_path: Path, logged: queue.SimpleQueue[str]
    ) -> None:
        day = Day()
        clock, told = Clock(day.read, tmp_path / "none"), queue.SimpleQueue[EventPayload]()
        with running(clock, told) as inbox:
            inbox.put(event(clock))
            before = told.get(timeout=WAIT_S)
            day.ahead_ns = 30 * DAY_NS
            assert "undelivered events are corrected" in logged.get(timeout=WAIT_S)
        after = kept("waiting")
        assert after.id == before.id
        assert clock.seconds(time.monotonic_ns()) - seconds_of(after.frame_time) < 600

    def test_what_was_decided_before_the_clock_was_set_is_corrected_though_it_comes_late(
        self, tmp_path: Path, logged: queue.SimpleQueue[str]
    ) -> None:
        day = Day()
        clock, told = Clock(day.read, tmp_path / "none"), queue.SimpleQueue[EventPayload]()
        with running(clock, told) as inbox:
            late = event(clock)
            day.ahead_ns = 30 * DAY_NS
            assert "undelivered events are corrected" in logged.get(timeout=WAIT_S)
            inbox.put(late)
            assert clock.seconds(time.monotonic_ns()) - seconds_of(told.get(timeout=WAIT_S).frame_time) < 600

    def test_that_an_event_goes_on_is_noted_without_stats(self, tmp_path: Path) -> None:
        clock, told = Clock(timesync=tmp_path / "none"), queue.SimpleQueue[EventPayload]()
        with running(clock, told) as inbox:
            inbox.put(event(clock))
            begun = told.get(timeout=WAIT_S)
        assert seconds_of(kept("open").frame_time) > seconds_of(begun.frame_time)
