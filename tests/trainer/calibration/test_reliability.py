"""Whether scores say how often they are right, and what is told at thresholds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.calibration.reliability import coverage, ece, events, false_event_rate, reliability

if TYPE_CHECKING:
    from numpy.typing import NDArray

BACKGROUND = 2
SCORES = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.3, 0.7, 0], [0.2, 0, 0.8]], np.float32)
LABELS = np.array([0, 0, 0, 1])


@st.composite
def told(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores of some pictures, and what they show."""
    count, classes = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return rng.dirichlet(np.full(classes, 0.4), count).astype(np.float32), rng.integers(0, classes, count)


def test_pictures_lie_in_the_bin_of_their_highest_score() -> None:
    bins = reliability(SCORES, LABELS, bins=2)
    assert [(each.low, each.high, each.pictures) for each in bins] == [(0, 0.5, 0), (0.5, 1, 4)]
    assert bins[1].confidence == pytest.approx(0.75)
    assert bins[1].accuracy == 0.5
    assert math.isnan(bins[0].confidence)


def test_the_calibration_error_is_how_far_confidence_lies_from_accuracy() -> None:
    assert ece(SCORES, LABELS, bins=1) == pytest.approx(0.25)
    # Alone in its bin is each: 0.1 and 0.4 too little, 0.7 and 0.8 too much.
    assert ece(SCORES, LABELS, bins=20) == pytest.approx((0.1 + 0.4 + 0.7 + 0.8) / 4)


def test_a_score_on_an_edge_lies_below_it() -> None:
    bins = reliability(np.array([[1, 0], [0.5, 0.5]], np.float32), np.array([0, 0]), bins=2)
    assert [each.pictures for each in bins] == [1, 1]


@given(told(), st.integers(1, 20))
def test_every_picture_lies_in_one_bin_that_holds_its_score(
    data: tuple[NDArray[np.float32], NDArray[np.int64]], bins: int
) -> None:
    scores, labels = data
    found = reliability(scores, labels, bins)
    assert sum(each.pictures for each in found) == len(labels)
    assert all(each.low - 1e-6 <= each.confidence <= each.high + 1e-6 for each in found if each.pictures)
    assert 0 <= ece(scores, labels, bins) <= 1


def test_an_event_begins_at_the_threshold_of_the_label_that_leads() -> None:
    assert events(SCORES, (0.6, 0.8, 0.1)).tolist() == [True, True, False, True]
    assert events(SCORES, (0.6, 0.8, 0.1), {BACKGROUND}).tolist() == [True, True, False, False]


def test_shares_at_thresholds() -> None:
    assert coverage(SCORES, LABELS, (0.7, 0.5, 0.5)) == 0.5
    assert false_event_rate(SCORES, (0.7, 0.5, 0.5), {BACKGROUND}) == 0.5


@given(told(), st.floats(0, 1), st.floats(0, 1))
def test_less_is_told_at_higher_thresholds(
    data: tuple[NDArray[np.float32], NDArray[np.int64]], one: float, other: float
) -> None:
    scores, _ = data
    low, high = sorted((one, other))
    classes = scores.shape[1]
    assert not (events(scores, [high] * classes, {0}) & ~events(scores, [low] * classes, {0})).any()


def test_of_nothing_nothing_is_known() -> None:
    none = np.zeros((0, 3), np.float32)
    labels = np.zeros(0, np.int64)
    assert math.isnan(ece(none, labels))
    assert math.isnan(coverage(none, labels, (0.5,) * 3))
    assert math.isnan(false_event_rate(none, (0.5,) * 3, set()))
