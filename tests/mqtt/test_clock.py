"""Times of day on a machine whose clock may be set at any moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.mqtt.clock import STEP_NS, Clock, Clocks, seconds_of, shifted
from edgecam.mqtt.messages import corrected_message, ended, message_of, still_open
from edgecam.mqtt.outbox_file import OpenEvent
from edgecam.mqtt.payloads import SCHEMA, EventPayload, LabelPayload, ModelPayload

if TYPE_CHECKING:
    from pathlib import Path

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


def test_small_adjustments_are_followed_and_do_not_add_up_to_a_step(clock: Clock, machine: Machine) -> None:
    for _ in range(20):
        machine.is_set(STEP_NS // 10)
        assert clock.step_ns() == 0
    clock.follow()
    assert clock.seconds(machine.at.monotonic) == machine.at.day / 1e9


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


def test_an_event_that_was_left_open_ends_when_it_was_last_noted() -> None:
    opened = OpenEvent("topic", message_of(EVENT, "topic").payload)
    payload = ended(still_open(opened, "2024-01-01T00:05:00.000000Z"))
    assert payload
    assert (payload.type, payload.id) == ("end", EVENT.id)
    assert payload.end_time == payload.frame_time == "2024-01-01T00:05:00.000000Z"


@given(st.binary())
def test_garbage_that_was_left_open_is_not_ended(payload: bytes) -> None:
    assert ended(OpenEvent("topic", payload)) is None
