"""What moves a float hard-swish to where the runtime's kernel rounds it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgecam.model.hard_swish import MOST_NUDGES, OFFSETS, hard_swish, moves

LOWEST, HIGHEST = -128, 127


def rounded(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.clip(np.rint(values), LOWEST, HIGHEST)


@given(
    st.lists(st.floats(-140, 140), min_size=1, max_size=256),
    st.sampled_from(OFFSETS.tolist()),
    st.dictionaries(st.integers(0, 255), st.sampled_from([-1, 1]), max_size=6),
)
def test_what_is_found_rounds_as_wanted(exact: list[float], offset: float, others: dict[int, int]) -> None:
    values = np.array(exact)
    wanted = rounded(values + offset)
    for place, step in others.items():
        if place < len(values):
            wanted[place] = np.clip(wanted[place] + step, LOWEST, HIGHEST)
    found = moves(values, wanted, LOWEST, HIGHEST)
    if found is None:
        return
    moved = values + found.offset
    for level, nudge in found.nudges.items():
        moved[level] += nudge
    assert (rounded(moved) == wanted).all()
    assert len(found.nudges) <= MOST_NUDGES


def test_what_is_right_is_not_moved() -> None:
    values = np.arange(-100, 101) + 0.1
    assert moves(values, np.rint(values), LOWEST, HIGHEST) == (0.0, {})


def test_one_offset_serves_all_that_lie_alike() -> None:
    values = np.arange(-100, 101) + 0.49
    found = moves(values, np.floor(values) + 1, LOWEST, HIGHEST)
    assert found
    assert 0.01 < found.offset < 0.02
    assert not found.nudges


def test_what_lies_far_off_is_left_alone() -> None:
    values = np.arange(-50.0, 50.0)
    assert moves(values, values + 3, LOWEST, HIGHEST) is None


def test_a_hard_swish_is_nothing_at_first_and_the_same_at_last() -> None:
    values = np.array([-9.0, -3.0, -1.5, 0.0, 3.0, 9.0])
    assert hard_swish(values).tolist() == [0, 0, -0.375, 0, 3, 9]
