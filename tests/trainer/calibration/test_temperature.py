"""By what logits are divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the trainer is not set up here; make test-trainer sets it up")

from scipy.special import softmax

from trainer.calibration.reliability import ece
from trainer.calibration.temperature import HIGHEST, LOWEST, temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(count: int, steep: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, float64 [count, 5], that are ``steep`` times those by which labels were drawn."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 5))
    labels = np.array([rng.choice(5, p=each) for each in softmax(logits, axis=1)])
    return logits * steep, labels


@pytest.mark.parametrize("steep", [0.3, 1.0, 3.0, 10.0])
def test_what_made_a_classifier_too_sure_is_found_and_mends_its_scores(steep: float) -> None:
    logits, labels = drawn(2000, steep)
    found = temperature(logits, labels)
    assert found == pytest.approx(steep, rel=0.12)
    before, after = (softmax(logits / divisor, axis=1).astype(np.float32) for divisor in (1.0, found))
    assert ece(after, labels) < 0.04
    assert ece(after, labels) <= ece(before, labels) + 0.01


def test_it_is_of_the_smallest_log_loss_among_many_pictures() -> None:
    logits, labels = drawn(2000, 2.0)
    found = temperature(logits, labels)

    def loss(divisor: float) -> float:
        return float(-np.log(softmax(logits / divisor, axis=1)[np.arange(len(labels)), labels]).mean())

    assert loss(found) <= min(loss(found * 0.9), loss(found * 1.1), loss(1.0))


def test_all_right_does_not_make_it_sure_without_bound() -> None:
    labels = np.arange(20) % 4
    logits = 3.0 * np.eye(4)[labels]
    found = temperature(logits, labels)
    assert LOWEST * 2 < found < 1
    assert softmax(logits / found, axis=1).max() < 0.9999


def test_all_wrong_makes_it_unsure() -> None:
    labels = np.arange(40) % 4
    assert temperature(8.0 * np.eye(4)[(labels + 1) % 4], labels) > 5


def test_without_pictures_or_with_one_class_nothing_is_changed() -> None:
    assert temperature(np.zeros((0, 3)), np.zeros(0, np.int64)) == 1.0
    assert temperature(np.ones((5, 1)), np.zeros(5, np.int64)) == pytest.approx(1.0, abs=1e-3)


def test_a_class_that_no_picture_shows_does_no_harm() -> None:
    logits, labels = drawn(1000, 2.0)
    shown = labels != 4
    assert temperature(logits[shown], labels[shown]) == pytest.approx(2.0, rel=0.3)


def test_a_picture_of_weight_two_counts_as_two() -> None:
    logits, labels = drawn(40, 2.0)
    weights = np.where(np.arange(40) < 10, 2.0, 1.0)
    twice = temperature(np.concatenate([logits, logits[:10]]), np.concatenate([labels, labels[:10]]))
    assert temperature(logits, labels, weights) == pytest.approx(twice, rel=1e-3)


@given(st.integers(1, 8), st.integers(2, 5), st.floats(0, 1e4), st.integers(0, 100))
def test_it_is_always_within_bounds(count: int, classes: int, steep: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = temperature(rng.normal(0, 1, (count, classes)) * steep, rng.integers(0, classes, count))
    assert LOWEST <= found <= HIGHEST
