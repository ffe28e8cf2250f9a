"""The state machine of answers: "open or closed"."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgecam.config import EventsSettings
from edgecam.events.answers import AnswerTracker, Certainty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgecam.events.tracker import Event

LABELS = ("open", "closed", "unknown")
S = 1_000_000_000
PLAIN = EventsSettings(kind="state", smoothing=0, hold=0, release=0, groups={})
PATIENT = EventsSettings(kind="state", smoothing=0, hold=1, release=2, groups={})
OPEN, CLOSED, UNKNOWN, DARK = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9), (0.3, 0.3, 0.3)

Scores = tuple[float, float, float]
Told = tuple[str, str, float]  # what, of which label or since when it is so, and at which second


def tracker(settings: EventsSettings, looks: int = 1) -> AnswerTracker:
    numbers = itertools.count()
    return AnswerTracker(settings, LABELS, lambda: f"id-{next(numbers)}", neutral=[2], looks=looks)


def feed(machine: AnswerTracker, frames: Iterable[tuple[float, Scores]]) -> list[Event | Certainty]:
    return [each for at, scores in frames for each in machine.step(round(at * S), np.array(scores))]


def steady(scores: Scores, start: float, seconds: float, rate: float = 10) -> list[tuple[float, Scores]]:
    return [(start + number / rate, scores) for number in range(round(seconds * rate))]


def words(happened: Iterable[Event | Certainty]) -> list[str]:
    return [
        ("certain" if each.certain else "uncertain")
        if isinstance(each, Certainty)
        else f"{each.type} {LABELS[each.label]}"
        for each in happened
    ]


def events(happened: Iterable[Event | Certainty]) -> list[Event]:
    return [each for each in happened if not isinstance(each, Certainty)]


def test_the_first_label_that_is_decided_is_new_and_certain() -> None:
    happened = feed(tracker(PATIENT), steady(OPEN, 0, 3))
    assert words(happened) == ["new open", "certain"]
    assert happened[1] == Certainty(certain=True, at_ns=S)
    assert [(each.start_ns, each.frame_ns) for each in events(happened)] == [(0, S)]


def test_another_one_ends_it_and_is_new() -> None:
    happened = feed(tracker(PATIENT), steady(OPEN, 0, 3) + steady(CLOSED, 3, 3))
    assert words(happened) == ["new open", "certain", "end open", "new closed", "certain"]
    _, end, new = events(happened)
    assert (end.end_ns, end.frame_ns) == (round(2.9 * S), 4 * S)
    assert (new.start_ns, new.frame_ns) == (3 * S, 4 * S)


def test_one_that_leads_for_less_than_hold_does_not() -> None:
    frames = steady(OPEN, 0, 3) + steady(CLOSED, 3, 0.9) + steady(OPEN, 3.9, 3)
    assert words(feed(tracker(PATIENT), frames)) == ["new open", "certain"]


@pytest.mark.parametrize("other", [DARK, UNKNOWN], ids=["below its threshold", "neutral"])
def test_what_is_undecided_leaves_the_answer_but_not_certain(other: Scores) -> None:
    happened = feed(tracker(PATIENT), steady(OPEN, 0, 3) + steady(other, 3, 60) + steady(OPEN, 63, 3))
    assert words(happened) == ["new open", "certain", "uncertain", "certain"]
    assert happened[2:] == [Certainty(certain=False, at_ns=round(2.9 * S)), Certainty(certain=True, at_ns=64 * S)]


def test_a_gap_shorter_than_release_leaves_it_certain() -> None:
    frames = steady(OPEN, 0, 3) + steady(DARK, 3, 1.8) + steady(OPEN, 4.8, 3)
    assert words(feed(tracker(PATIENT), frames)) == ["new open", "certain"]


def test_an_uncertain_answer_ends_when_it_was_last_certain() -> None:
    flicker = [(10.0, OPEN), (10.1, DARK)]  # too short to decide for it again
    frames = steady(OPEN, 0, 3) + steady(DARK, 3, 7) + flicker + steady(CLOSED, 11, 3)
    end = events(feed(tracker(PATIENT), frames))[1]
    assert (end.type, end.end_ns) == ("end", round(2.9 * S))


def test_a_lead_of_less_than_the_hysteresis_changes_no_answer_that_is_certain() -> None:
    settings = msgspec.structs.replace(PLAIN, threshold=0.3)
    frames = [(0, (0.5, 0.4, 0.0)), (1, (0.45, 0.5, 0.0)), (2, (0.45, 0.5, 0.0)), (3, (0.4, 0.55, 0.0))]
    happened = feed(tracker(settings), frames)
    assert words(happened) == ["new open", "certain", "end open", "new closed", "certain"]
    _, end, new = events(happened)
    assert (end.end_ns, new.start_ns) == (2 * S, 2 * S)  # though it led from 1 on


def test_but_one_that_is_uncertain() -> None:
    settings = msgspec.structs.replace(PLAIN, threshold=0.3)
    frames: list[tuple[float, Scores]] = [(0, (0.5, 0.4, 0.0)), (1, (0.1, 0.1, 0.1)), (2, (0.45, 0.5, 0.0))]
    happened = words(feed(tracker(settings), frames))
    assert happened == ["new open", "certain", "uncertain", "end open", "new closed", "certain"]


def test_a_neutral_label_is_never_an_answer() -> None:
    assert feed(tracker(PLAIN), steady(UNKNOWN, 0, 5)) == []


def test_a_cooldown_has_no_effect() -> None:
    settings = msgspec.structs.replace(PLAIN, cooldown=100)
    happened = events(feed(tracker(settings), [(0, OPEN), (1, CLOSED), (2, OPEN)]))
    assert words(happened) == ["new open", "end open", "new closed", "end closed", "new open"]


def test_there_are_no_updates_but_the_end_tells_the_top_score() -> None:
    happened = feed(tracker(PLAIN), [(0, (0.7, 0, 0)), (2, (0.95, 0, 0)), (4, (0.7, 0, 0)), (6, CLOSED)])
    new, end, _ = events(happened)
    assert (new.type, end.type) == ("new", "end")
    assert (new.top_score, end.top_score, end.score) == (0.7, 0.95, 0.05)


class TestFinish:
    """No more frames come for now."""

    def test_it_is_uncertain_at_once_and_told_so_once(self) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 0, 3))
        assert machine.finish() + machine.finish() == [Certainty(certain=False, at_ns=round(2.9 * S))]
        assert machine.leading() is None

    def test_without_an_answer_there_is_nothing_to_tell(self) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 0, 0.5))
        assert machine.finish() == []

    @pytest.mark.parametrize("start", [0, 3, 1000])
    def test_the_same_answer_goes_on_by_a_clock_that_may_be_behind(self, start: float) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 500, 3))
        machine.finish()
        assert feed(machine, steady(OPEN, start, 3)) == [Certainty(certain=True, at_ns=round((start + 1) * S))]

    @pytest.mark.parametrize("start", [0, 3, 1000])
    def test_another_ends_it_when_it_was_last_certain(self, start: float) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 500, 3))
        machine.finish()
        happened = feed(machine, steady(CLOSED, start, 3))
        assert words(happened) == ["end open", "new closed", "certain"]
        end, new = events(happened)
        assert end.end_ns == round(502.9 * S)
        assert (new.start_ns, new.frame_ns) == (start * S, (start + 1) * S)

    def test_an_answer_that_a_clock_ahead_began_does_not_end_before_it_began(self) -> None:
        machine = tracker(PLAIN)
        feed(machine, [(500, OPEN)])
        machine.finish()
        end = events(feed(machine, [(5, OPEN), (6, CLOSED)]))[0]
        assert (end.start_ns, end.end_ns) == (500 * S, 500 * S)


class TestEnd:
    """Whose answers come is another's matter."""

    def test_it_ends_when_it_was_last_certain(self) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 0, 3) + steady(DARK, 3, 10))
        (end,) = events(machine.end())
        assert (end.type, end.end_ns, end.frame_ns, end.score) == ("end", round(2.9 * S), round(12.9 * S), 0.3)
        assert machine.end() == []

    def test_one_that_is_certain_is_told_to_be_no_longer(self) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 0, 3))
        assert words(machine.end()) == ["uncertain", "end open"]

    def test_after_the_frames_are_finished_it_tells_of_the_last(self) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 0, 3))
        machine.finish()
        (end,) = events(machine.end())
        assert (end.end_ns, end.frame_ns, end.score) == (round(2.9 * S), round(2.9 * S), 0.9)

    def test_after_it_the_same_label_is_new(self) -> None:
        machine = tracker(PATIENT)
        feed(machine, steady(OPEN, 0, 3))
        machine.end()
        assert words(feed(machine, steady(OPEN, 3, 3))) == ["new open", "certain"]


class TestLooks:
    """A look a minute: one of them may go wrong."""

    def test_one_that_misses_the_answer_changes_nothing(self) -> None:
        frames = [(0, OPEN), (60, CLOSED), (120, OPEN), (180, DARK), (240, OPEN)]
        assert words(feed(tracker(PLAIN, looks=2), frames)) == ["new open", "certain"]

    def test_two_in_a_row_do(self) -> None:
        frames = [(0, OPEN), (60, CLOSED), (120, CLOSED), (180, DARK), (240, DARK)]
        happened = feed(tracker(PLAIN, looks=2), frames)
        assert words(happened) == ["new open", "certain", "end open", "new closed", "certain", "uncertain"]
        assert [each.start_ns // S for each in events(happened)] == [0, 0, 60]
        assert happened[-1] == Certainty(certain=False, at_ns=120 * S)

    def test_that_count_only_what_came_since_the_last_finish(self) -> None:
        machine = tracker(PLAIN, looks=2)
        feed(machine, [(0, OPEN), (60, CLOSED)])
        machine.finish()
        assert feed(machine, [(120, CLOSED)]) == []
        assert words(feed(machine, [(180, CLOSED)])) == ["end open", "new closed", "certain"]


@pytest.mark.parametrize("rate", [2, 5, 30, 240])
def test_a_slow_device_gives_the_answers_of_a_fast_one(rate: int) -> None:
    frames = steady(OPEN, 0, 4, rate) + steady(DARK, 4, 4, rate) + steady(CLOSED, 8, 4, rate)
    happened = feed(tracker(EventsSettings(kind="state", groups={})), frames)
    assert words(happened) == ["new open", "certain", "uncertain", "end open", "new closed", "certain"]
    first, end, second = events(happened)
    assert first.frame_ns / S == pytest.approx(0.2, abs=1 / rate + 0.15)
    assert (end.end_ns or 0) / S == pytest.approx(4.3, abs=2 / rate + 0.15)
    assert second.frame_ns / S == pytest.approx(8.4, abs=1 / rate + 0.3)
