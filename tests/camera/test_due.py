"""When a view looks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.due import Schedule
from edgecam.camera.frame_queue import Look
from edgecam.camera.view import View
from edgecam.config import CameraSettings

VIEW = View(CameraSettings(), (8, 8))
SECOND = 1_000_000_000


def times_of_looks(every_ns: int, times: list[int]) -> list[int]:
    schedule = Schedule()
    return [time for time in times if schedule.due([Look(VIEW, "gate", every_ns)], time)]


def test_without_a_pause_each_frame_is_looked_at() -> None:
    assert times_of_looks(0, [5, 5, 4, 9]) == [5, 5, 4, 9]


def test_looks_keep_to_their_rhythm() -> None:
    frames = [number * SECOND // 30 for number in range(300)]
    assert len(times_of_looks(SECOND // 4, frames)) == 40


@given(st.integers(1, 100), st.lists(st.integers(1, 300), max_size=100))
def test_it_is_never_too_early_and_never_waits_for_long(every_ns: int, gaps: list[int]) -> None:
    times = [sum(gaps[:count]) for count in range(1, len(gaps) + 1)]
    looks = times_of_looks(every_ns, times)
    assert looks[:1] == times[:1]
    # One that came late may be followed sooner, but no two of three.
    assert all(third - first >= every_ns for first, third in zip(looks, looks[2:], strict=False))
    for before, after in itertools.pairwise(looks):
        assert all(time < before + every_ns for time in times if before < time < after)


def test_another_clock_begins_anew() -> None:
    schedule = Schedule()
    looks = [Look(VIEW, "gate", SECOND)]
    assert schedule.due(looks, 100 * SECOND)
    schedule.begin()
    assert schedule.due(looks, 0)


@pytest.mark.parametrize("every_ns", [0, SECOND // 2])
def test_who_looks_more_often_from_now_on_does_not_wait(every_ns: int) -> None:
    schedule = Schedule()
    schedule.due([Look(VIEW, "gate", 3600 * SECOND)], 0)
    assert schedule.due([Look(VIEW, "gate", every_ns)], SECOND)


def test_views_are_due_each_by_itself() -> None:
    schedule = Schedule()
    looks = [Look(VIEW, "gate", SECOND), Look(VIEW, "bin", 2 * SECOND), Look(VIEW, "yard")]
    due = [[look.name for look in schedule.due(looks, second * SECOND)] for second in range(3)]
    assert due == [["gate", "bin", "yard"], ["gate", "yard"], ["gate", "bin", "yard"]]
