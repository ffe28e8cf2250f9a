"""Events of several views, and how those of the kind ``state`` go on: whatever ends in between."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgecam.mqtt.clock import shifted
from edgecam.mqtt.messages import ended, read_left
from edgecam.mqtt.open_events import OpenEvents, Told
from edgecam.mqtt.outbox_file import OpenEvent
from edgecam.mqtt.payloads import SCHEMA, EventPayload, ModelPayload

TOPIC = "edgecam/porch/events"
BEGIN = "2026-01-01T00:00:00.000000Z"
S = 1_000_000_000


def at(second: float) -> str:
    return shifted(BEGIN, round(second * S))


def step(
    event_id: str, happens: str, label: str = "open", second: float = 0.0, *, start: float | None = None, **more: Any
) -> EventPayload:
    payload = EventPayload(
        schema=SCHEMA,
        id=event_id,
        type=happens,  # type: ignore[arg-type]
        camera="porch",
        label=label,
        index=0,
        score=0.9,
        top_score=0.9,
        frame_time=at(second),
        start_time=at(second if start is None else start),
        end_time=at(second) if happens == "end" else None,
        top=(),
        model=ModelPayload("m", "0" * 64),
        view="gate",
        kind="state",
    )
    return msgspec.structs.replace(payload, **more)


def told(steps: list[Told]) -> list[tuple[str, str, str]]:
    return [(each.payload.type, each.payload.id, each.payload.label) for each in steps]


def begun() -> OpenEvents:
    events = OpenEvents()
    events.follow("gate", TOPIC, step("1", "new", second=5, start=4))
    return events


def restarted(events: OpenEvents) -> OpenEvents:
    after = OpenEvents()
    for view, left in events.to_keep().items():
        assert after.keep(view, left)
    return after


class TestAnotherRun:
    """Its tracker knows nothing of what was open."""

    def test_the_same_label_goes_on_under_its_id(self) -> None:
        after = restarted(begun())
        assert after.follow("gate", TOPIC, step("2", "new", second=60, top_score=0.95)) == []
        assert (after.now["gate"].id, after.now["gate"].start_time) == ("1", at(4))
        [end] = after.follow("gate", TOPIC, step("2", "end", second=70, start=60, top_score=0.8))
        assert (end.payload.id, end.payload.start_time, end.payload.end_time) == ("1", at(4), at(70))
        assert end.payload.top_score == 0.95

    def test_another_label_ends_it_when_it_was_seen_last(self) -> None:
        before = begun()
        before.be_certain("gate", at(30), certain=False)
        steps = restarted(before).follow("gate", TOPIC, step("2", "new", "closed", 60))
        assert told(steps) == [("end", "1", "open"), ("new", "2", "closed")]
        assert steps[0].payload.end_time == steps[0].payload.frame_time == at(30)

    def test_its_pictures_are_of_the_event_that_goes_on(self) -> None:
        after = restarted(begun())
        after.follow("gate", TOPIC, step("2", "new"))
        assert after.id_of("gate", "2") == "1"
        after.follow("gate", TOPIC, step("2", "end"))
        after.follow("gate", TOPIC, step("3", "new", "closed"))
        assert [after.id_of("gate", called) for called in ("2", "3")] == ["1", "3"]

    def test_only_what_is_certain_is_noted_as_seen(self) -> None:
        events = begun()
        events.go_on(at(60))
        assert events.now["gate"].frame_time == at(60)
        events.be_certain("gate", at(70), certain=False)
        events.go_on(at(120))
        assert events.now["gate"].frame_time == at(70)
        after = restarted(events)
        after.go_on(at(180))
        assert after.now["gate"].frame_time == at(70)

    def test_a_clock_that_is_set_moves_nothing_that_an_earlier_run_told(self) -> None:
        after = restarted(begun())
        after.shift(3600 * S)
        assert (after.now["gate"].start_time, after.now["gate"].frame_time) == (at(4), at(5))
        after.follow("gate", TOPIC, step("2", "new", second=10, clock_set=False))
        after.shift(3600 * S)
        assert (after.now["gate"].start_time, after.now["gate"].frame_time) == (at(4), at(3610))
        assert after.now["gate"].clock_set

    def test_a_clock_that_was_behind_ends_nothing_before_its_start(self) -> None:
        after = restarted(begun())
        after.follow("gate", TOPIC, step("2", "new", second=-500))
        [end] = after.follow("gate", TOPIC, step("2", "end", second=-400))
        assert end.payload.start_time == end.payload.end_time == end.payload.frame_time == at(4)

    def test_a_visit_does_not_go_on(self) -> None:
        visit = step("1", "new", kind="visit")
        assert OpenEvents().keep("gate", OpenEvent(TOPIC, msgspec.json.encode(visit))) is None


@pytest.mark.parametrize("kind", ["visit", "state"])
def test_one_that_was_ended_is_not_ended_again_by_its_tracker(kind: str) -> None:
    events = OpenEvents()
    events.follow("gate", TOPIC, step("1", "new", kind=kind))
    assert told(events.end("gate")) == [("end", "1", "open")]
    assert events.follow("gate", TOPIC, step("1", "end", kind=kind)) == []
    assert events.end("gate") == []


def test_a_camera_with_another_name_ends_it_where_it_began() -> None:
    events = begun()
    steps = events.follow("gate", "edgecam/yard/events", step("2", "new"))
    assert [(each.topic, each.payload.type) for each in steps] == [(TOPIC, "end"), ("edgecam/yard/events", "new")]


VIEWS = ("gate", "bowl", "")
LABELS = ("open", "closed", "ajar")


class _Tracker:
    """What the tracker of one run and one model tells of a view: it knows no other."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._events = 0
        self.open: EventPayload | None = None

    def decide(self, view: str, kind: Literal["visit", "state"], label: str, second: float) -> list[EventPayload]:
        if self.open and self.open.label == label:
            return []
        steps = self.finish(second)
        self._events += 1
        name = f"{view}-{self._number}-{self._events}"
        self.open = step(name, "new", label, second, view=view, kind=kind)
        return [*steps, self.open]

    def finish(self, second: float) -> list[EventPayload]:
        if not self.open:
            return []
        end = msgspec.structs.replace(self.open, type="end", frame_time=at(second), end_time=at(second))
        self.open = None
        return [end]


class Several(RuleBasedStateMachine):
    """Views whose labels change, runs that end at any moment, other models, views that go and come."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, Literal["visit", "state"]] = {"gate": "state", "bowl": "state", "": "visit"}
        self.events = OpenEvents()
        self.kept = self.events.to_keep()
        self.told: dict[str, list[EventPayload]] = {view: [] for view in VIEWS}
        self.durable = dict.fromkeys(VIEWS, 0)  # how many steps are on disk
        self.trackers: dict[str, _Tracker] = {}
        self.runs = 0
        self.second = 0.0
        self._begin_run()

    def _begin_run(self) -> None:
        self.runs += 1
        self.trackers = {view: _Tracker(self.runs) for view in VIEWS}

    def _take(self, view: str, steps: list[Told]) -> None:
        assert all(each.view == view for each in steps)  # no view's steps change another's
        self.told[view] += [each.payload for each in steps]

    def _follow(self, view: str, steps: list[EventPayload]) -> None:
        others = {name: event for name, event in self.events.now.items() if name != view}
        for payload in steps:
            self._take(view, self.events.follow(view, TOPIC, payload))
        assert {name: event for name, event in self.events.now.items() if name != view} == others

    @rule(seconds=st.floats(0.1, 1000))
    def time_passes(self, seconds: float) -> None:
        self.second += seconds

    @rule(view=st.sampled_from(VIEWS), label=st.sampled_from(LABELS))
    def a_label_is_decided(self, view: str, label: str) -> None:
        self._follow(view, self.trackers[view].decide(view, self.kinds[view], label, self.second))
        if self.kinds[view] == "state":
            assert self.events.now[view].label == label

    @rule(view=st.sampled_from(VIEWS), certain=st.booleans())
    def it_becomes_certain_or_not(self, view: str, *, certain: bool) -> None:
        if self.kinds[view] == "state" and self.trackers[view].open:
            self.events.be_certain(view, at(self.second), certain=certain)

    @rule()
    def the_camera_is_lost(self) -> None:
        for view, tracker in self.trackers.items():
            if self.kinds[view] == "visit":
                self._follow(view, tracker.finish(self.second))

    @rule()
    def it_is_noted_that_they_go_on(self) -> None:
        self.events.go_on(at(self.second))

    @rule(view=st.sampled_from(VIEWS))
    def another_model_decides(self, view: str) -> None:
        if self.kinds[view] == "visit":
            self._follow(view, self.trackers[view].finish(self.second))
        self.runs += 1
        self.trackers[view] = _Tracker(self.runs)

    @rule(view=st.sampled_from(VIEWS))
    def a_view_goes_and_comes_as_another_kind(self, view: str) -> None:
        self._take(view, self.events.end(view))
        self._follow(view, self.trackers[view].finish(self.second))  # it may say so late
        self.kinds[view] = "visit" if self.kinds[view] == "state" else "state"
        self.another_model_decides(view)

    @rule(hours=st.integers(-3, 3))
    def the_clock_is_set(self, hours: int) -> None:
        """What waits is corrected too; here all that this run told waits."""
        self.events.shift(hours * 3600 * S)

    @rule()
    def what_happened_is_saved(self) -> None:
        self.kept = self.events.to_keep()
        self.durable = {view: len(steps) for view, steps in self.told.items()}

    @rule(is_killed=st.booleans())
    def it_ends_and_starts_again(self, *, is_killed: bool) -> None:
        """A kill loses what was not saved: what was told of it was never sent."""
        if not is_killed:
            self.the_camera_is_lost()
            self.what_happened_is_saved()
        self.told = {view: steps[: self.durable[view]] for view, steps in self.told.items()}
        self.events = OpenEvents()
        self._begin_run()
        for view, left in self.kept.items():
            if self.kinds[view] == "state" and self.events.keep(view, left):
                continue
            payload = read_left(left)
            assert payload
            self.told[view].append(ended(payload))
        self.what_happened_is_saved()

    @invariant()
    def each_begins_and_ends_once_and_none_overlap(self) -> None:
        for view, steps in self.told.items():
            kinds = [each.type for each in steps]
            assert kinds == [("new", "end")[place % 2] for place in range(len(kinds))]
            for new, end in pairwise(steps):
                if end.type == "end":
                    assert (new.id, new.label) == (end.id, end.label)
                    assert end.end_time
                    assert end.end_time >= end.start_time
            ids = [each.id for each in steps if each.type == "new"]
            assert len(set(ids)) == len(ids)
            is_open = bool(kinds) and kinds[-1] == "new"
            assert is_open == (view in self.events.now)
            if is_open:
                assert self.events.now[view].id == steps[-1].id


TestSeveral = Several.TestCase
TestSeveral.settings = settings(max_examples=60, stateful_step_count=40)
