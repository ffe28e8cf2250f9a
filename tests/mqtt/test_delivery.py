"""Events and states on their way to the broker, over connections that break."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgecam import config
from edgecam.mqtt.delivery import Delivery
from edgecam.mqtt.link import IN_FLIGHT
from edgecam.mqtt.negotiation import Limits
from edgecam.mqtt.outbox import Outbox
from edgecam.mqtt.outbox_file import Message
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload, ModelPayload

TOP = tuple(LabelPayload(label, 0.3) for label in ("red", "green", "blue"))
EVENT = EventPayload(SCHEMA, "1", "new", "porch", "red", 0, 1.0, 1.0, "", "", None, TOP, ModelPayload("", ""))
WHOLE = len(msgspec.json.encode(EVENT))
BARE = len(msgspec.json.encode(msgspec.structs.replace(EVENT, top=())))


class Sent(NamedTuple):
    number: int
    topic: str
    payload: bytes


@dataclass
class Line:
    """A link to a broker that takes, and acknowledges, when it is told to."""

    limits: Limits = field(default_factory=Limits)
    under_way: deque[Sent] = field(default_factory=deque)
    count: int = 0

    def largest(self, _topic: str, _properties: object = None) -> int:
        return self.limits.packet

    def publish(self, topic: str, payload: bytes, **_: object) -> int | None:
        if len(payload) > self.limits.packet:
            return None
        self.count += 1
        self.under_way.append(Sent(self.count, topic, payload))
        return self.count


def outbox_in(folder: Path) -> Outbox:
    return Outbox(folder / "outbox.sqlite3", config.OutboxSettings(), 0.0, lambda _view, _opened: None)


def event(payload: bytes) -> Message:
    return Message("events", payload, "new", None)


def sent_over(line: Any, *payloads: bytes) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        box, delivery = outbox_in(Path(folder)), Delivery()
        for payload in payloads:
            box.add(event(payload))
        delivery.begin(line, box)
        delivery.send(box)
        box.close(0.0)
    return [each.payload for each in line.under_way]


class TestWhatIsTooLarge:
    """It waits, and nothing waits for it."""

    def test_an_event_goes_without_its_highest_labels(self) -> None:
        (sent,) = sent_over(Line(Limits(packet=BARE)), msgspec.json.encode(EVENT))
        assert msgspec.json.decode(sent, type=EventPayload) == msgspec.structs.replace(EVENT, top=())

    def test_one_that_fits_goes_as_it_is(self) -> None:
        assert sent_over(Line(Limits(packet=WHOLE)), msgspec.json.encode(EVENT)) == [msgspec.json.encode(EVENT)]

    def test_more_than_may_be_on_the_way_do_not_hold_up_the_others(self) -> None:
        large = [msgspec.json.encode(EVENT)] * (3 * IN_FLIGHT)
        assert sent_over(Line(Limits(packet=BARE - 1)), *large, b"small", *large, b"last") == [b"small", b"last"]

    def test_what_is_retained_is_left_out(self, tmp_path: Path) -> None:
        line: Any = Line(Limits(packet=3))
        box, delivery = outbox_in(tmp_path), Delivery()
        delivery.begin(line, box)
        delivery.retain("config", b"large")
        delivery.retain("state", b"on")
        delivery.acknowledge(1, box)
        assert [each.payload for each in line.under_way] == [b"on"]
        assert delivery.is_idle()
        box.close(0.0)


class Lives(RuleBasedStateMachine):
    """The broker comes and goes, allows more or less, and its acknowledgements get lost."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp())
        self._box = outbox_in(self._folder)
        self._delivery = Delivery()
        self._line: Any = None
        self._unacknowledged: deque[int] = deque()
        self._count = 0
        self._added: list[bytes] = []
        self._taken: list[bytes] = []  # events, by the broker
        self._told: dict[str, bytes] = {}
        self._kept: dict[str, bytes] = {}  # by the broker

    @precondition(lambda self: self._line is None)
    @rule(receive=st.sampled_from([1, 2, IN_FLIGHT, 100]))
    def connect(self, receive: int = 100) -> None:
        self._line = Line(Limits(receive=receive))
        self._unacknowledged.clear()
        self._delivery.begin(self._line, self._box)
        self._delivery.send(self._box)

    @precondition(lambda self: self._line)
    @rule()
    def lose(self) -> None:
        self._line = None
        self._delivery.end()

    @rule()
    def see(self) -> None:
        self._count += 1
        self._added.append(b"%d" % self._count)
        self._box.add(event(self._added[-1]))
        self._box.save(float(self._count))
        self._delivery.send(self._box)

    @precondition(lambda self: self._line)
    @rule(topic=st.sampled_from(["state", "enabled/state"]))
    def tell(self, topic: str) -> None:
        self._count += 1
        self._told[topic] = b"%d" % self._count
        self._delivery.retain(topic, self._told[topic])

    @precondition(lambda self: self._line and self._line.under_way)
    @rule()
    def take(self) -> None:
        sent = self._line.under_way.popleft()
        if sent.topic == "events":
            self._taken.append(sent.payload)
        else:
            self._kept[sent.topic] = sent.payload
        self._unacknowledged.append(sent.number)

    @precondition(lambda self: self._line and self._unacknowledged)
    @rule()
    def acknowledge(self) -> None:
        self._delivery.acknowledge(self._unacknowledged.popleft(), self._box)
        self._delivery.send(self._box)

    @invariant()
    def no_more_is_under_way_than_may_be(self) -> None:
        if self._line:
            under_way = len(self._line.under_way) + len(self._unacknowledged)
            assert under_way <= min(IN_FLIGHT, self._line.limits.receive)

    @invariant()
    def all_that_was_taken_was_so_in_order(self) -> None:
        once = list(dict.fromkeys(self._taken))
        assert once == self._added[: len(once)]

    def teardown(self) -> None:
        if not self._line:
            self.connect()
        while self._line.under_way or self._unacknowledged:
            if self._line.under_way:
                self.take()
            else:
                self.acknowledge()
        assert list(dict.fromkeys(self._taken)) == self._added
        assert self._kept == self._told
        assert len(self._box) == 0
        assert self._delivery.is_idle()
        self._box.close(0.0)
        shutil.rmtree(self._folder)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40)
