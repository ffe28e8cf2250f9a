"""The state machine of events."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import EventsSettings
from edgecam.events.tracker import Event, EventTracker

if TYPE_CHECKING:
    from collections.abc import Iterable

LABELS = ("cat", "dog", "fox")
S = 1_000_000_000
PLAIN = EventsSettings(smoothing=0, hold=0, release=0, groups={})


def tracker(settings: EventsSettings) -> EventTracker:
    numbers = itertools.count()
    return EventTracker(settings, LABELS, lambda: f"id-{next(numbers)}")


def play(settings: EventsSettings, frames: Iterable[tuple[float, tuple[float, float, float]]]) -> list[Event]:
    """Feed frames of (seconds, scores) and finish."""
    machine = tracker(settings)
    happened = [event for at, scores in frames for event in machine.step(round(at * S), np.array(scores))]
    return happened + machine.finish()


def steady(
    scores: tuple[float, float, float], start: float, seconds: float, rate: float = 10
) -> list[tuple[float, tuple[float, float, float]]]:
    return [(start + number / rate, scores) for number in range(round(seconds * rate))]


CAT, DOG, NOTHING = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.3, 0.3, 0.3)


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.type, LABELS[event.label]) for event in events if event.type != "update"]


def test_a_label_that_comes_and_goes_makes_a_new_and_an_end() -> None:
    events = play(EventsSettings(groups={}), steady(NOTHING, 0, 1) + steady(CAT, 1, 3) + steady(NOTHING, 4, 3))
    assert told(events) == [("new", "cat"), ("end", "cat")]


def test_nothing_above_the_threshold_makes_no_event() -> None:
    assert play(EventsSettings(groups={}), steady((0.55, 0.2, 0.1), 0, 5)) == []


def test_a_score_that_is_the_threshold_makes_an_event() -> None:
    assert told(play(PLAIN, [(0, (0.6, 0.2, 0.1))])) == [("new", "cat"), ("end", "cat")]


def test_the_end_carries_the_id_and_start_of_its_new() -> None:
    first, last = play(PLAIN, [*steady(CAT, 0, 1), (1, NOTHING)])
    assert (first.id, first.start_ns, first.end_ns) == (last.id, last.start_ns, None)


def test_an_event_ends_at_the_last_frame_that_showed_its_label() -> None:
    settings = EventsSettings(smoothing=0, hold=0, release=0.5, groups={})
    *_, end = play(settings, [*steady(CAT, 0, 1), *steady(NOTHING, 1, 2)])
    assert (end.end_ns, end.frame_ns) == (round(0.9 * S), round(1.4 * S))


def test_a_label_must_lead_for_as_long_as_hold() -> None:
    settings = EventsSettings(smoothing=0, hold=0.5, release=0, groups={})
    assert play(settings, [*steady(CAT, 0, 0.5), (0.5, NOTHING)]) == []
    new = play(settings, steady(CAT, 0, 0.6))[0]
    assert (new.start_ns, new.frame_ns) == (0, S // 2)


def test_a_gap_shorter_than_release_does_not_end_an_event() -> None:
    settings = EventsSettings(smoothing=0, hold=0, release=0.5, groups={})
    events = play(settings, steady(CAT, 0, 1) + steady(NOTHING, 1, 0.4) + steady(CAT, 1.4, 1) + steady(NOTHING, 2.4, 1))
    assert told(events) == [("new", "cat"), ("end", "cat")]


def test_hysteresis_keeps_an_event_that_fell_a_little_below_its_threshold() -> None:
    settings = EventsSettings(smoothing=0, hold=0, release=0, threshold=0.6, hysteresis=0.1, groups={})
    events = play(settings, [(0, CAT), (1, (0.55, 0.2, 0.2)), (2, (0.45, 0.2, 0.2))])
    assert [event.frame_ns for event in events if event.type == "end"] == [2 * S]


def test_cooldown_keeps_a_label_from_coming_back_at_once() -> None:
    settings = EventsSettings(smoothing=0, hold=0, release=0, cooldown=5, groups={})
    events = play(settings, [(0, CAT), (1, NOTHING), (2, CAT), (7, CAT), (8, NOTHING)])
    assert [(event.type, event.frame_ns // S) for event in events] == [("new", 0), ("end", 1), ("new", 7), ("end", 8)]


def test_cooldown_lets_another_label_begin() -> None:
    settings = EventsSettings(smoothing=0, hold=0, release=0, cooldown=5, groups={})
    events = play(settings, [(0, CAT), (1, DOG)])
    assert told(events) == [("new", "cat"), ("end", "cat"), ("new", "dog"), ("end", "dog")]


def test_a_label_can_have_a_threshold_of_its_own() -> None:
    settings = EventsSettings(smoothing=0, hold=0, thresholds={"dog": 0.3}, groups={})
    assert told(play(settings, [(0, (0.5, 0.4, 0.1))])) == [("new", "dog"), ("end", "dog")]


def test_a_label_that_takes_the_lead_takes_over() -> None:
    settings = EventsSettings(threshold=0.2, smoothing=0, hold=0, release=0, groups={})
    events = play(settings, [(0, (0.5, 0.3, 0)), (1, (0.4, 0.45, 0)), (2, (0.3, 0.6, 0))])
    assert told(events) == [("new", "cat"), ("end", "cat"), ("new", "dog"), ("end", "dog")]


def test_an_update_tells_of_a_changed_score_at_most_once_a_second() -> None:
    settings = EventsSettings(smoothing=0, hold=0, groups={})
    frames = [(number / 10, (0.7 + 0.2 * (number % 2), 0, 0)) for number in range(30)]
    updates = [event.frame_ns for event in play(settings, frames) if event.type == "update"]
    assert len(updates) == 2
    assert updates[1] - updates[0] >= S


def test_smoothing_lets_a_single_wrong_frame_pass_by() -> None:
    settings = EventsSettings(smoothing=0.5, hold=0, release=0, groups={})
    events = play(settings, [*steady(CAT, 0, 2), (2.0, DOG), *steady(CAT, 2.1, 1)])
    assert told(events) == [("new", "cat"), ("end", "cat")]


@pytest.mark.parametrize("rate", [2, 5, 30, 240])
def test_a_slow_device_sees_what_a_fast_one_sees(rate: int) -> None:
    frames = steady(NOTHING, 0, 2, rate) + steady(CAT, 2, 4, rate) + steady(NOTHING, 6, 4, rate)
    events = play(EventsSettings(groups={}), frames)
    new, end = (event for event in events if event.type != "update")
    assert new.frame_ns / S == pytest.approx(2.5, abs=1 / rate + 0.15)
    assert end.frame_ns / S == pytest.approx(6.8, abs=1 / rate + 0.3)


def test_finishing_twice_ends_an_event_once() -> None:
    machine = tracker(PLAIN)
    machine.step(0, np.array(CAT))
    assert [event.type for event in machine.finish() + machine.finish()] == ["end"]


def test_what_was_seen_before_a_break_does_not_count_after_it() -> None:
    machine = tracker(EventsSettings(smoothing=10, hold=1, groups={}))
    machine.step(0, np.array(CAT))
    machine.finish()
    assert machine.step(2 * S, np.array(CAT)) == []


def test_the_top_is_sorted_and_no_longer_than_three() -> None:
    machine = EventTracker(PLAIN, tuple("abcdef"), lambda: "id")
    (event,) = machine.step(0, np.array([0.1, 0.7, 0.05, 0.12, 0.02, 0.01]))
    assert event.top == ((1, 0.7), (3, 0.12), (0, 0.1))


History = list[tuple[int, tuple[float, float, float]] | None]

score = st.floats(0, 1)
settings_of_any_kind = st.builds(
    EventsSettings,
    threshold=score,
    hysteresis=score,
    smoothing=st.sampled_from([0, 0.01, 0.3, 5]),
    hold=st.sampled_from([0, 0.1, 1]),
    release=st.sampled_from([0, 0.1, 1]),
    cooldown=st.sampled_from([0, 0.5, 3]),
    thresholds=st.dictionaries(st.sampled_from(LABELS), score),
    groups=st.just({}),
)
step = st.tuples(st.sampled_from([-50, 0, 1, 33, 200, 2000]), st.tuples(score, score, score))
# None stands for a break, as when the camera is lost.
histories = st.lists(st.one_of(step, step, step, st.none()), max_size=60)


def play_clocks(settings: EventsSettings, history: History, machine: EventTracker | None = None) -> list[list[Event]]:
    """The events between two breaks, after which the clock may say anything."""
    machine, now_ms = machine or tracker(settings), 0
    happened: list[Event] = []
    clocks = [happened]
    for entry in history:
        if entry is None:
            happened += machine.finish()
            clocks.append(happened := [])
        else:
            now_ms += entry[0]
            happened += machine.step(now_ms * 1_000_000, np.array(entry[1]))
    happened += machine.finish()
    return clocks


def play_history(settings: EventsSettings, history: History, machine: EventTracker | None = None) -> list[Event]:
    return [event for events in play_clocks(settings, history, machine) for event in events]


@given(settings_of_any_kind, histories)
def test_every_new_has_exactly_one_end(settings: EventsSettings, history: History) -> None:
    events = play_history(settings, history)
    news = [event.id for event in events if event.type == "new"]
    ends = [event.id for event in events if event.type == "end"]
    assert news == ends
    assert len(set(news)) == len(news)


@given(settings_of_any_kind, histories)
def test_no_two_events_overlap(settings: EventsSettings, history: History) -> None:
    for events in play_clocks(settings, history):
        ends = [event for event in events if event.type == "end"]
        assert all(event.end_ns is not None and event.start_ns <= event.end_ns for event in ends)
        assert all((a.end_ns or 0) <= b.start_ns for a, b in itertools.pairwise(ends))


@given(settings_of_any_kind, histories)
def test_an_event_goes_from_new_over_updates_to_end(settings: EventsSettings, history: History) -> None:
    for _, steps in itertools.groupby(play_history(settings, history), key=lambda event: event.id):
        first, *middle, last = [event.type for event in steps]
        assert (first, last) == ("new", "end")
        assert set(middle) <= {"update"}


@given(settings_of_any_kind, histories)
def test_scores_stay_within_0_and_1(settings: EventsSettings, history: History) -> None:
    for event in play_history(settings, history):
        assert 0 <= event.score <= event.top_score <= 1
        assert all(0 <= each <= 1 for _, each in event.top)


@given(settings_of_any_kind, histories)
def test_times_never_go_back_while_a_clock_runs(settings: EventsSettings, history: History) -> None:
    for events in play_clocks(settings, history):
        assert all(event.start_ns <= event.frame_ns for event in events)
        assert all(a.frame_ns <= b.frame_ns for a, b in itertools.pairwise(events))


@given(settings_of_any_kind, histories, histories, st.integers(-(10**6), 10**6))
def test_after_a_break_it_is_as_good_as_new_whatever_the_clock_then_says(
    settings: EventsSettings, before: History, after: History, begin_ms: int
) -> None:
    settings = msgspec.structs.replace(settings, cooldown=0)
    used, fresh = tracker(settings), tracker(settings)
    for number, entry in enumerate(before):
        if entry:
            used.step(10**9 * number, np.array(entry[1]))
    used.finish()
    after = [(begin_ms, (0.0, 0.0, 0.0)), *after]
    assert _without_ids(play_history(settings, after, used)) == _without_ids(play_history(settings, after, fresh))


def test_a_cooldown_lasts_as_long_by_a_clock_that_is_behind() -> None:
    machine = tracker(msgspec.structs.replace(PLAIN, cooldown=5))
    machine.step(100 * S, np.array(CAT))
    machine.step(103 * S, np.array(NOTHING))
    machine.step(104 * S, np.array(NOTHING))
    machine.finish()
    told = [event.type for at in range(10) for event in machine.step(at * S, np.array(CAT))]
    assert told == ["new"]
    assert [event.frame_ns // S for event in machine.finish()] == [9]


class TestLooks:
    """A look a minute: one of them may go wrong."""

    MACHINE = staticmethod(lambda: EventTracker(PLAIN, LABELS, lambda: "id", looks=2))

    def test_one_that_misses_a_label_does_not_end_its_event(self) -> None:
        machine = self.MACHINE()
        looks = [CAT, NOTHING, CAT, DOG, CAT]
        happened = [each for at, scores in enumerate(looks) for each in machine.step(60 * at * S, np.array(scores))]
        assert told(happened) == [("new", "cat")]

    def test_two_in_a_row_do(self) -> None:
        machine = self.MACHINE()
        looks = [CAT, DOG, DOG]
        happened = [each for at, scores in enumerate(looks) for each in machine.step(60 * at * S, np.array(scores))]
        assert told(happened) == [("new", "cat"), ("end", "cat"), ("new", "dog")]
        assert [event.end_ns for event in happened if event.type == "end"] == [0]


class TestLowThresholds:
    """Home Assistant's slider begins at 0."""

    @pytest.mark.parametrize("threshold", [0.0, 0.01, 0.05, 0.1])
    def test_an_event_ends_though_the_hysteresis_is_wider(self, threshold: float) -> None:
        settings = EventsSettings(threshold=threshold, hysteresis=0.1, smoothing=0.3)
        events = play(settings, steady(CAT, 0, 2) + steady((0.0, 0.0, 0.0), 2, 10))
        assert told(events) == [("new", "cat"), ("end", "cat")]
        assert events[-1].frame_ns < 11 * S  # before the frames ended

    @given(settings_of_any_kind)
    def test_what_has_gone_for_long_has_ended(self, settings: EventsSettings) -> None:
        machine = tracker(settings)
        for at in range(20):
            machine.step(at * S, np.array(CAT))
        for at in range(20, 120):
            machine.step(at * S, np.zeros(3))
        assert machine.finish() == []


class TestNeutralLabels:
    """What is a class of the model, but nothing to tell of."""

    MACHINE = staticmethod(lambda: EventTracker(PLAIN, LABELS, lambda: "id", neutral=[2]))

    def test_they_begin_no_event(self) -> None:
        assert self.MACHINE().step(0, np.array((0.1, 0.0, 0.9))) == []

    def test_they_end_that_of_another_by_leading(self) -> None:
        machine = EventTracker(
            EventsSettings(smoothing=0, hold=0, release=0, threshold=0.3), LABELS, lambda: "id", neutral=[2]
        )
        assert [event.type for event in machine.step(0, np.array((0.6, 0.0, 0.4)))] == ["new"]
        assert [event.type for event in machine.step(S, np.array((0.35, 0.0, 0.6)))] == ["end"]

    def test_the_leading_label_is_another(self) -> None:
        machine = self.MACHINE()
        assert machine.leading() is None
        machine.step(0, np.array((0.1, 0.05, 0.8)))
        assert machine.leading() == (0, 0.1)


def _without_ids(events: list[Event]) -> list[Event]:
    return [replace(event, id="") for event in events]
