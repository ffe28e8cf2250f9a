"""What a test is worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.calibration.statistics import figures, mcnemar, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.mark.parametrize(
    ("right", "pictures", "low", "high"),
    [(11, 12, 0.6461, 0.9851), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (343, 372, 0.8903, 0.9452), (0, 0, 0, 1)],
)
def test_wilsons_interval(right: int, pictures: int, low: float, high: float) -> None:
    assert wilson(right, pictures) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilsons_interval_is_where_the_share_is_two_standard_errors_away(pictures: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, pictures))
    for bound in wilson(right, pictures):
        if 0 < bound < 1:
            error = math.sqrt(bound * (1 - bound) / pictures)
            assert abs(right / pictures - bound) == pytest.approx(1.959964 * error, rel=1e-4)


def answers(both: int, first: int, second: int, neither: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What two classifiers knew: so many by both, by the first alone, by the second alone, by neither."""
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(
    ("first", "second", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (1, 9, 22 / 1024), (10, 0, 2 / 1024)]
)
def test_mcnemars_test(first: int, second: int, p: float) -> None:
    found = mcnemar(*answers(30, first, second, 4))
    assert (found.only_first, found.only_second) == (first, second)
    assert found.p == pytest.approx(p)


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemars_test_is_a_fair_coin_thrown_for_each_picture_that_differs(first: int, second: int) -> None:
    differing, fewer = first + second, min(first, second)
    tail = sum(math.comb(differing, number) for number in range(fewer + 1)) / 2**differing
    assert mcnemar(*answers(3, first, second, 3)).p == pytest.approx(min(1.0, 2 * tail))


def test_figures_of_a_small_case() -> None:
    labels, predicted = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 3])
    found = figures(predicted, labels, 4)
    assert (found.pictures, found.right) == (6, 4)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.interval == wilson(4, 6)
    assert found.balanced == pytest.approx((0.75 + 0.5) / 2)
    assert [each.pictures for each in found.classes] == [4, 2, 0, 0]
    assert [each.precision for each in found.classes] == [1.0, 0.5, None, 0.0]
    assert [each.recall for each in found.classes] == [0.75, 0.5, None, None]
    assert [each.recall_interval for each in found.classes] == [wilson(3, 4), wilson(1, 2), None, None]
    assert found.macro_f1 == pytest.approx((6 / 7 + 0.5) / 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_figures_are_what_they_are_defined_as(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = (np.array(each) for each in zip(*pairs, strict=True))
    found = figures(predicted, labels, 4)
    recalls, f1s = [], []
    for label, of_class in enumerate(found.classes):
        hit = int(((predicted == label) & (labels == label)).sum())
        shown, taken = int((labels == label).sum()), int((predicted == label).sum())
        assert of_class.pictures == shown
        assert of_class.right == hit
        assert of_class.precision == (pytest.approx(hit / taken) if taken else None)
        assert of_class.precision_interval == (wilson(hit, taken) if taken else None)
        assert of_class.recall == (pytest.approx(hit / shown) if shown else None)
        assert of_class.f1 == pytest.approx(2 * hit / (shown + taken) if hit else 0)
        if shown:
            recalls.append(hit / shown)
            f1s.append(of_class.f1)
    assert found.balanced == pytest.approx(np.mean(recalls))
    assert found.macro_f1 == pytest.approx(np.mean(f1s))
    assert found.interval.low <= found.accuracy <= found.interval.high


def test_they_can_be_written_into_a_report() -> None:
    found = figures(np.array([0, 1]), np.array([0, 0]), 2)
    assert msgspec.json.decode(msgspec.json.encode(found))["accuracy"] == 0.5
