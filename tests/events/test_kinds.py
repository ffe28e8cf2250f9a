"""Both kinds of questions: what holds for their events whatever is seen, ordered, and broken off."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import EventsSettings
from edgecam.events.answers import AnswerTracker, Certainty
from edgecam.events.kinds import tracker_of
from edgecam.events.labels import Labels
from edgecam.events.leader import REACHABLE
from edgecam.events.thresholds import thresholds
from edgecam.events.tracker import Event, EventTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam.events.kinds import Tracker

LABELS = Labels(("open", "closed", "ajar", "unknown"))
NEUTRAL = 3
MS = 1_000_000
S = 1_000_000_000

Scores = tuple[float, ...]


@dataclass(frozen=True)
class Frame:
    after_ms: int
    scores: Scores


@dataclass(frozen=True)
class Finish:
    """No frames for a time, after which the clock has moved by ``jump_ms``."""

    jump_ms: int


@dataclass(frozen=True)
class End:
    """The events become another's."""


@dataclass(frozen=True)
class Order:
    threshold: float | None


Entry = Frame | Finish | End | Order


@dataclass(frozen=True)
class Step:
    """What was told at an entry, at a time by the frames' clock."""

    entry: Entry
    at_ns: int
    told: tuple[Event | Certainty, ...]


score = st.sampled_from([0.0, 0.05, 0.3, 0.45, 0.5, 0.55, 0.6, 0.65, 0.9, 1.0]) | st.floats(0, 1)
# What mostly stands still, as a door does, so that something is decided.
scores = st.one_of(
    st.sampled_from(
        [(0.9, 0.0, 0.0, 0.0), (0.0, 0.9, 0.0, 0.0), (0.0, 0.0, 0.9, 0.0), (0.0, 0.0, 0.0, 0.9), (0.2,) * 4]
    ),
    st.tuples(score, score, score, score),
)
later = st.builds(Frame, st.sampled_from([0, 1, 33, 200, 2000]), scores)
frame = st.one_of(later, later, st.builds(Frame, st.just(-50), scores))
stays = st.builds(Finish, st.sampled_from([0, 33, 5000]))
jumps = st.builds(Finish, st.integers(-100_000, 100_000))
order = st.builds(Order, st.none() | score)
any_settings = st.builds(
    EventsSettings,
    kind=st.sampled_from(["visit", "state"]),
    threshold=st.none() | score,
    hysteresis=st.sampled_from([0, 0.1, 0.5, 1]),
    smoothing=st.sampled_from([0, 0.01, 0.3, 5]),
    hold=st.sampled_from([0, 0.1, 1]),
    release=st.sampled_from([0, 0.1, 1]),
    cooldown=st.sampled_from([0, 0, 0.5]),
    thresholds=st.dictionaries(st.sampled_from(LABELS.names), score),
    groups=st.just({}),
)
states = any_settings.map(lambda settings: msgspec.structs.replace(settings, kind="state"))
some_looks = st.integers(1, 3)


def histories(frames: st.SearchStrategy[Frame], *others: st.SearchStrategy[Entry]) -> st.SearchStrategy[list[Entry]]:
    """Frames, and sometimes something else."""
    rarely: st.SearchStrategy[Entry] = st.one_of(*others)
    return st.lists(st.one_of(*[frames] * 5, rarely), max_size=60)


# With one clock that never goes back, and with clocks of all kinds.
one_clock = histories(later, stays, st.builds(End), order)
any_clock = histories(frame, jumps, st.builds(End), order)


def tracker(settings: EventsSettings, looks: int = 1, name: str = "id") -> Tracker:
    numbers = itertools.count()
    return tracker_of(settings, LABELS, lambda: f"{name}-{next(numbers)}", looks=looks)


def take(machine: Tracker, entry: Entry, now_ns: int) -> Step:
    """Let a tracker take one entry, at so many nanoseconds."""
    told: Sequence[Event | Certainty] = ()
    match entry:
        case Frame(after_ms, scores):
            now_ns += after_ms * MS
            told = machine.step(now_ns, np.array(scores))
        case Finish(jump_ms):
            told = machine.finish()
            now_ns += jump_ms * MS
        case End():
            told = machine.end()
        case Order(threshold):
            machine.begin_at(threshold)
    return Step(entry, now_ns, tuple(told))


def play(machine: Tracker, history: Sequence[Entry]) -> list[Step]:
    """Take all of a history, and end."""
    steps: list[Step] = []
    now_ns = 10 * S
    for entry in (*history, End()):
        steps.append(take(machine, entry, now_ns))
        now_ns = steps[-1].at_ns
    return steps


def told(steps: Sequence[Step]) -> list[Event | Certainty]:
    return [each for step in steps for each in step.told]


def events(steps: Sequence[Step]) -> list[Event]:
    return [each for each in told(steps) if isinstance(each, Event)]


def test_the_kind_is_that_of_the_settings() -> None:
    assert isinstance(tracker(EventsSettings()), EventTracker)
    assert isinstance(tracker(EventsSettings(kind="state")), AnswerTracker)


@given(any_settings, any_clock, some_looks)
def test_each_new_has_one_end_before_the_next(settings: EventsSettings, history: list[Entry], looks: int) -> None:
    seen: set[str] = set()
    opened: Event | None = None
    for event in events(play(tracker(settings, looks), history)):
        if event.type == "new":
            assert opened is None
            assert event.id not in seen
            assert event.label != NEUTRAL
            seen.add(event.id)
        else:
            assert opened
            assert (event.id, event.label, event.start_ns) == (opened.id, opened.label, opened.start_ns)
            assert event.type == "end" or settings.kind == "visit"
        assert (event.end_ns is not None) == (event.type == "end")
        assert event.end_ns is None or event.start_ns <= event.end_ns
        opened = None if event.type == "end" else event
    assert opened is None


@given(any_settings, one_clock, some_looks)
def test_no_two_events_overlap(settings: EventsSettings, history: list[Entry], looks: int) -> None:
    ends = [event for event in events(play(tracker(settings, looks), history)) if event.type == "end"]
    assert all((a.end_ns or 0) <= b.start_ns for a, b in itertools.pairwise(ends))


@given(any_settings, one_clock, some_looks)
def test_times_never_go_back_while_the_clock_does_not(
    settings: EventsSettings, history: list[Entry], looks: int
) -> None:
    happened = told(play(tracker(settings, looks), history))
    frames = [each.frame_ns for each in happened if isinstance(each, Event)]
    assert frames == sorted(frames)
    assert all(each.start_ns <= each.frame_ns for each in happened if isinstance(each, Event))
    certainties = [each.at_ns for each in happened if isinstance(each, Certainty)]
    assert certainties == sorted(certainties)


@given(any_settings, any_clock, some_looks)
def test_a_frame_tells_of_its_own_time(settings: EventsSettings, history: list[Entry], looks: int) -> None:
    """Whatever a clock has said before."""
    for step in play(tracker(settings, looks), history):
        for event in step.told:
            if isinstance(step.entry, Frame) and isinstance(event, Event) and event.type == "new":
                assert event.start_ns <= event.frame_ns


@given(any_settings, any_settings, any_clock, any_clock, st.lists(st.booleans(), max_size=60))
def test_two_trackers_do_not_change_each_other(
    settings: EventsSettings, others: EventsSettings, history: list[Entry], other: list[Entry], turns: list[bool]
) -> None:
    alone = told(play(tracker(settings), history)), told(play(tracker(others), other))
    machines = tracker(settings), tracker(others)
    left: tuple[list[Entry], list[Entry]] = [*history, End()], [*other, End()]
    together: tuple[list[Event | Certainty], list[Event | Certainty]] = [], []
    now_ns = [10 * S, 10 * S]
    for which in (*map(int, turns), *[0] * len(left[0]), *[1] * len(left[1])):
        if left[which]:
            step = take(machines[which], left[which].pop(0), now_ns[which])
            now_ns[which] = step.at_ns
            together[which].extend(step.told)
    assert together == alone


@given(states, any_clock, some_looks)
def test_an_answer_changes_by_an_end_and_a_new_alone(
    settings: EventsSettings, history: list[Entry], looks: int
) -> None:
    label: int | None = None
    for step in play(tracker(settings, looks), history):
        happened = [each for each in step.told if isinstance(each, Event)]
        if isinstance(step.entry, Frame) and label is not None and happened:
            end, new = happened
            assert (end.type, end.label, new.type) == ("end", label, "new")
            assert new.label != label
            label = new.label
        elif isinstance(step.entry, Frame):
            assert [each.type for each in happened] in ([], ["new"])
            label = happened[0].label if happened else label
        else:
            assert [each.type for each in happened] == (
                ["end"] if isinstance(step.entry, End) and label is not None else []
            )
            label = None if isinstance(step.entry, End) else label


@given(states, any_clock, some_looks)
def test_certainty_is_told_when_it_changes(settings: EventsSettings, history: list[Entry], looks: int) -> None:
    is_open = certain = False
    for step in play(tracker(settings, looks), history):
        for place, each in enumerate(step.told):
            if isinstance(each, Certainty):
                assert is_open
                assert each.certain != certain
                certain = each.certain
            elif each.type == "new":
                after = step.told[place + 1]
                assert after == Certainty(certain=True, at_ns=each.frame_ns)
                is_open = True
            else:
                is_open = certain = False
        assert not certain or not isinstance(step.entry, Finish | End)


@given(states, any_clock, some_looks)
def test_what_is_certain_is_seen(settings: EventsSettings, history: list[Entry], looks: int) -> None:
    settings = msgspec.structs.replace(settings, smoothing=0)
    account = Account(settings, looks)
    for step in play(tracker(settings, looks), history):
        account.enter(step)
        for each in step.told:
            if isinstance(each, Event):
                account.check_event(each)
            else:
                account.check_certainty(each, step.entry)
        account.close(step.entry)


class Account:
    """Which frames show the answer, each taken by itself, and what must be told then."""

    def __init__(self, settings: EventsSettings, looks: int) -> None:
        self.settings, self.looks = settings, looks
        self.order(None)
        self.label, self.certain, self.seen_ns, self.missed = -1, False, 0, 0
        self.begin_clock()

    def order(self, threshold: float | None) -> None:
        self.least = [float(each) for each in thresholds(self.settings, LABELS.names, {}, threshold)]

    def begin_clock(self) -> None:
        self.now_ns = -1000 * S

    def enter(self, step: Step) -> None:
        if isinstance(step.entry, Order):
            self.order(step.entry.threshold)
        elif isinstance(step.entry, Frame):
            self.now_ns = max(self.now_ns, step.at_ns)
            if self.certain and self.shows(step.entry.scores):
                self.seen_ns, self.missed = self.now_ns, 0
            elif self.certain:
                self.missed += 1

    def check_event(self, event: Event) -> None:
        if event.type == "end":
            assert event.end_ns == max(self.seen_ns, event.start_ns)
            self.certain = False
        else:
            self.label = event.label

    def check_certainty(self, told: Certainty, entry: Entry) -> None:
        self.certain = told.certain
        if told.certain:
            assert isinstance(entry, Frame)
            assert entry.scores[self.label] == self.highest(entry.scores)
            self.missed, self.seen_ns = 0, self.now_ns
        else:
            assert self.is_gone() or isinstance(entry, Finish | End)
        assert told.at_ns == self.seen_ns

    def close(self, entry: Entry) -> None:
        assert not self.certain or not self.is_gone()
        if isinstance(entry, Finish | End):
            assert not self.certain
            self.begin_clock()

    def is_gone(self) -> bool:
        return self.now_ns - self.seen_ns >= self.settings.release * S and self.missed >= self.looks

    def highest(self, scores: Scores) -> float | None:
        return max((each for each, least in zip(scores, self.least, strict=True) if each >= least), default=None)

    def shows(self, scores: Scores) -> bool:
        score, least, hysteresis = scores[self.label], self.least[self.label], self.settings.hysteresis
        highest = self.highest(scores)
        return score >= max(least - hysteresis, REACHABLE * least) and (
            highest is None or highest <= score + hysteresis
        )


@given(any_settings, some_looks)
def test_an_end_needs_as_many_looks_as_are_asked(settings: EventsSettings, looks: int) -> None:
    at_once = msgspec.structs.replace(settings, smoothing=0, hold=0, threshold=0.6, thresholds={}, hysteresis=0.1)
    times = itertools.count(step=60 * S)
    machine = tracker(at_once, looks)

    def look(*scores: float) -> list[str]:
        """What has ended, or is no longer certain, since a look a minute before."""
        happened = machine.step(next(times), np.array(scores))
        return [
            each.type if isinstance(each, Event) else "uncertain"
            for each in happened
            if (each.type == "end" if isinstance(each, Event) else not each.certain)
        ]

    for _ in range(3):
        assert look(0.9, 0.0, 0.0, 0.0) == []
        assert [look(0.0, 0.9, 0.0, 0.0) for _ in range(looks - 1)] == [[]] * (looks - 1)
    assert look(0.9, 0.0, 0.0, 0.0) == []
    assert [look(0.0, 0.9, 0.0, 0.0) for _ in range(looks)] == [*[[]] * (looks - 1), ["end"]]


# Of what a camera sees for so many tenths of a second: one of three states, or none of them.
scenes = st.lists(
    st.tuples(
        st.sampled_from([(0.95, 0.02, 0.02, 0.0), (0.02, 0.95, 0.02, 0.0), (0.2, 0.2, 0.2, 0.2)]), st.integers(25, 60)
    ),
    max_size=8,
)


@pytest.mark.parametrize("kind", ["visit", "state"])
@given(scenes)
def test_5_frames_a_second_tell_what_30_do(kind: str, scene: list[tuple[Scores, int]]) -> None:
    settings = msgspec.convert({"kind": kind, "groups": {}}, EventsSettings)
    seen = []
    for rate in (5, 30):
        shown = [scores for scores, tenths in scene for _ in range(round(tenths / 10 * rate))]
        history: list[Entry] = [Frame(round(1000 / rate), each) for each in shown]
        happened = told(play(tracker(settings), history))
        seen.append(
            [
                (each.type, each.label) if isinstance(each, Event) else each.certain
                for each in happened
                if isinstance(each, Certainty) or each.type != "update"
            ]
        )
    assert seen[0] == seen[1]
