"""Times of day on a machine whose clock may be set at any moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from edgecam.mqtt.clock import SLEEPS, STEP_NS, TOLERANCE_NS, Clock, Clocks, now, seconds_of, shifted
from edgecam.mqtt.messages import corrected_message, message_of, read_left
from edgecam.mqtt.outbox_file import OpenEvent
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload, ModelPayload

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

S = 1_000_000_000
EVENT = EventPayload(
    schema=SCHEMA,
    id="id",
    type="new",
    camera="porch",
    label="cat",
    index=1,
    score=0.9,
    top_score=0.95,
    frame_time="2024-01-01T00:00:10.000001Z",
    start_time="2024-01-01T00:00:09.900000Z",
    end_time=None,
    top=(LabelPayload("cat", 0.9),),
    model=ModelPayload("m", "0"),
)


class Machine:
    """Three clocks that can be moved."""

    def __init__(self) -> None:
        self.at = Clocks(day=1_700_000_000 * S, monotonic=5 * S, boot=5 * S)

    def read(self) -> Clocks:
        return self.at

    def runs(self, ns: int) -> None:
        self.at = Clocks(*(each + ns for each in self.at))

    def is_set(self, by_ns: int) -> None:
        self.at = self.at._replace(day=self.at.day + by_ns)

    def sleeps(self, ns: int) -> None:
        self.at = self.at._replace(day=self.at.day + ns, boot=self.at.boot + ns)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine, tmp_path: Path) -> Clock:
    return Clock(machine.read, tmp_path / "timesync")


def test_a_clock_that_runs_is_not_set(clock: Clock, machine: Machine) -> None:
    machine.runs(3600 * S)
    assert clock.step_ns() == 0


def test_a_clock_that_is_set_tells_by_how_much_once(clock: Clock, machine: Machine) -> None:
    machine.is_set(-7 * S)
    assert (clock.step_ns(), clock.step_ns()) == (-7 * S, 0)


def test_a_moment_before_has_another_time_of_day_then(clock: Clock, machine: Machine) -> None:
    before = clock.iso(5 * S)
    machine.is_set(86_400 * S)
    clock.step_ns()
    assert seconds_of(clock.iso(5 * S)) - seconds_of(before) == 86_400


def test_sleep_is_no_step(clock: Clock, machine: Machine) -> None:
    machine.sleeps(3600 * S)
    assert clock.step_ns() == 0


def test_small_adjustments_are_followed(clock: Clock, machine: Machine) -> None:
    machine.is_set(STEP_NS // 10)
    assert clock.step_ns() == 0
    clock.follow()
    assert clock.seconds(machine.at.monotonic) == machine.at.day / 1e9


def test_small_adjustments_are_a_step_when_they_have_added_up(clock: Clock, machine: Machine) -> None:
    steps = []
    for _ in range(20):
        machine.is_set(STEP_NS // 10)
        steps.append(clock.step_ns())
    assert [step for step in steps if step] == [STEP_NS, STEP_NS]


def test_a_step_is_not_lost_when_the_clock_is_followed_before_anybody_asks(clock: Clock, machine: Machine) -> None:
    machine.is_set(7 * S)
    clock.follow()
    assert clock.step_ns() == 7 * S


def test_what_was_told_before_a_step_is_right_when_shifted(clock: Clock, machine: Machine) -> None:
    times = clock.times()
    machine.is_set(S // 2)
    clock.step_ns()
    machine.is_set(1234 * S + 567)
    clock.step_ns()
    since_then_ns = clock.times().stepped_ns - times.stepped_ns
    assert shifted(times.iso(5 * S), since_then_ns) == clock.iso(5 * S)


def test_a_moment_after_a_sleep_is_told_by_the_clock_on_the_wall(clock: Clock, machine: Machine) -> None:
    start_ns, start = machine.at.monotonic, clock.iso(machine.at.monotonic)
    machine.sleeps(8 * 3600 * S)
    machine.runs(S)
    assert clock.seconds(machine.at.monotonic) == machine.at.day / 1e9
    assert clock.iso(start_ns) == start


def test_a_clock_that_is_set_while_the_machine_sleeps_is_a_step_and_a_sleep(clock: Clock, machine: Machine) -> None:
    start_ns, start = machine.at.monotonic, clock.iso(machine.at.monotonic)
    machine.sleeps(8 * 3600 * S)
    machine.is_set(-60 * S)
    machine.runs(S)
    assert clock.step_ns() == -60 * S
    assert clock.seconds(machine.at.monotonic) == machine.at.day / 1e9
    assert clock.iso(start_ns) == shifted(start, -60 * S)


def test_of_many_sleeps_the_last_are_remembered(clock: Clock, machine: Machine) -> None:
    told = []
    for _ in range(10 * SLEEPS):
        machine.runs(S)
        told.append((machine.at.monotonic, clock.iso(machine.at.monotonic)))
        machine.sleeps(60 * S)
    assert all(clock.iso(moment) == text for moment, text in told[-SLEEPS:])
    assert len(clock.times().eras) == SLEEPS + 1


def test_one_moment_has_one_time_whichever_threads_ask(machine: Machine, tmp_path: Path) -> None:
    reads = count(1)

    def read() -> Clocks:
        number = next(reads)
        asleep = number // 10 * 60 * S
        return Clocks(
            machine.at.day + number + asleep, machine.at.monotonic + number, machine.at.boot + number + asleep
        )

    clock = Clock(read, tmp_path)
    told: list[list[tuple[int, str]]] = [[] for _ in range(4)]

    def tell(mine: list[tuple[int, str]]) -> None:
        for _ in range(1000):
            times = clock.times()
            moment = times.eras[-1].after_ns
            mine.append((moment, times.iso(moment)))

    threads = [threading.Thread(target=tell, args=(mine,)) for mine in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moments = sorted(set(chain(*told)))
    assert len(moments) == len({moment for moment, _ in moments})
    assert all(later[1] > earlier[1] for earlier, later in pairwise(moments))


def test_clocks_are_read_again_when_the_machine_slept_meanwhile() -> None:
    asleep: Iterator[int] = chain([0], iter(lambda: 3600 * S, None))
    clocks = now(lambda: 1_700_000_000 * S + 3600 * S, lambda: 5 * S, lambda: 5 * S + next(asleep))
    assert clocks == Clocks(1_700_003_600 * S, 5 * S, 3605 * S)


def test_the_clocks_of_this_machine_are_read_at_one_moment() -> None:
    first, second = now(), now()
    passed = [after - before for before, after in zip(first, second, strict=True)]
    assert max(passed) - min(passed) < STEP_NS


@dataclass(frozen=True)
class Moment:
    """A moment of a machine's life, and what the truth about it is."""

    monotonic: int
    boot: int
    sleeps: int = 0
    late_ns: int = 0  # of a moment since the last look at which the machine fell asleep: it counts as after the sleep


class AnyClock(RuleBasedStateMachine):
    """A machine that runs, sleeps, and has its clock set, slewed and looked at, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine()
        self.clock = Clock(self.look, Path("/nowhere"))
        self.moments = [Moment(self.machine.at.monotonic, self.machine.at.boot)]
        self.told: dict[int, str] = {}  # of undelivered messages, by moment

    def look(self) -> Clocks:
        self.looked_ns = self.machine.at.monotonic
        return self.machine.at

    @rule(ns=st.integers(1, 3600 * S))
    def runs(self, ns: int) -> None:
        self.machine.runs(ns)
        self.moments.append(Moment(self.machine.at.monotonic, self.machine.at.boot))

    @rule(ns=st.integers(10 * TOLERANCE_NS, 10**6 * S))
    def sleeps(self, ns: int) -> None:
        self.machine.sleeps(ns)
        self.moments = [
            replace(each, sleeps=each.sleeps + 1, late_ns=each.late_ns + ns * (each.monotonic > self.looked_ns))
            for each in self.moments
        ]

    @rule(ns=st.integers(-(10**7) * S, 10**7 * S) | st.integers(-STEP_NS, STEP_NS))
    def is_set(self, ns: int) -> None:
        self.machine.is_set(ns)

    @rule(ns=st.integers(-TOLERANCE_NS, TOLERANCE_NS), times=st.integers(1, 30))
    def slews(self, ns: int, times: int) -> None:
        for _ in range(times):
            self.machine.is_set(ns)
            self.runs(S)

    @rule(chance=st.randoms(use_true_random=False))
    def tells(self, chance: random.Random) -> None:
        moment = chance.choice(self.moments).monotonic
        text = self.clock.iso(moment)
        assert self.told.setdefault(moment, text) == text

    @rule()
    def is_looked_at(self) -> None:
        step_ns = self.clock.step_ns()
        self.told = {moment: shifted(text, step_ns) for moment, text in self.told.items()}
        self.compare(STEP_NS)

    @rule()
    def is_followed(self) -> None:
        self.is_looked_at()
        self.clock.follow()
        self.told.clear()
        self.compare(2 * TOLERANCE_NS)

    def compare(self, tolerance_ns: int) -> None:
        at = self.machine.at
        for moment in self.moments:
            if moment.sleeps <= SLEEPS:
                truth_ns = at.day - at.boot + moment.boot + moment.late_ns
                assert abs(self.clock.seconds(moment.monotonic) - truth_ns / 1e9) * 1e9 <= tolerance_ns


TestAnyClock = AnyClock.TestCase


def test_the_time_is_believed_where_no_service_sets_it(clock: Clock) -> None:
    assert clock.is_set()


def test_the_time_is_not_believed_until_the_service_has_set_it(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "timesync").mkdir()
    before = clock.is_set()
    (tmp_path / "timesync" / "synchronized").touch()
    assert (before, clock.is_set()) == (False, True)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-(10**15), 10**18))  # noqa: DTZ001  UTC is set below
def test_a_shifted_time_is_shifted_back(moment: datetime, step_us: int) -> None:
    text = moment.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    step_ns = step_us % 10**15 * 1000
    assert shifted(shifted(text, step_ns), -step_ns) == text


def test_all_times_of_a_message_are_corrected_and_the_mark_is_gone() -> None:
    told = msgspec.structs.replace(EVENT, clock_set=False, end_time=EVENT.frame_time)
    message = corrected_message(message_of(told, "topic"), 86_400 * S)
    assert msgspec.json.decode(message.payload, type=EventPayload) == msgspec.structs.replace(
        EVENT,
        frame_time="2024-01-02T00:00:10.000001Z",
        start_time="2024-01-02T00:00:09.900000Z",
        end_time="2024-01-02T00:00:10.000001Z",
    )
    assert "clock_set" not in msgspec.json.decode(message.payload)


def test_an_event_before_the_clock_was_set_is_marked_and_has_no_age() -> None:
    message = message_of(msgspec.structs.replace(EVENT, clock_set=False), "topic")
    assert msgspec.json.decode(message.payload)["clock_set"] is False
    assert message.at_s is None


def test_an_event_with_a_set_clock_bears_no_mark() -> None:
    assert "clock_set" not in msgspec.json.decode(message_of(EVENT, "topic").payload)


@given(st.binary())
def test_garbage_that_was_left_open_is_not_ended(payload: bytes) -> None:
    assert read_left(OpenEvent("topic", payload)) is None
