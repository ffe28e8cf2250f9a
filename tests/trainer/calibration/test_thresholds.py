"""From which score on labels count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the trainer is not set up here; make test-trainer sets it up")

from scipy.special import softmax

from trainer.calibration.reliability import coverage, false_event_rate
from trainer.calibration.thresholds import HIGHEST, LOWEST, USUAL, thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = 10
BACKGROUND = CLASSES


def known(each: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores, with those of `background`, of pictures of the classes, of which nine in ten are known."""
    labels = np.repeat(np.arange(CLASSES), each)
    logits = rng.normal(0, 1, (len(labels), CLASSES + 1))
    logits[np.arange(len(labels)), labels] += rng.normal(4.5, 2, len(labels))
    return softmax(logits, axis=1).astype(np.float32), labels


def unrelated(count: int, rng: np.random.Generator, attractive: int | None = None) -> NDArray[np.float32]:
    """Scores of other pictures, of which one in six is taken for something, or one in four for one certain class."""
    logits = rng.normal(0, 1, (count, CLASSES + 1))
    logits[:, BACKGROUND] += rng.normal(4, 2.5, count)
    if attractive is not None:
        of_it = rng.random(count) < 0.25
        logits[of_it, attractive] = logits[of_it, BACKGROUND] + rng.normal(1, 1, of_it.sum())
    return np.asarray(softmax(logits, axis=1), np.float32)


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.03])
def test_the_rate_holds_on_pictures_that_were_not_seen(rate: float) -> None:
    """Of validations as small as they are: 18 pictures a class, 120 unrelated ones."""
    rng = np.random.default_rng(0)
    others = unrelated(5000, rng)
    rates = []
    for _ in range(60):
        scores, labels = known(18, rng)
        chosen = thresholds(scores, labels, unrelated(120, rng), rate=rate, neutral={BACKGROUND})
        rates.append(false_event_rate(others, chosen, {BACKGROUND}))
    assert rate / 2 < np.mean(rates) < 1.1 * rate
    assert np.quantile(rates, 0.9) < 2 * rate


def test_labels_that_are_alike_get_thresholds_that_are_alike() -> None:
    rng = np.random.default_rng(1)
    scores, labels = known(18, rng)
    chosen = thresholds(scores, labels, unrelated(120, rng), rate=0.02, neutral={BACKGROUND})
    assert np.std(chosen[:CLASSES]) < 0.08


def test_a_label_that_attracts_what_is_unrelated_is_held_back_and_the_others_are_not() -> None:
    rng = np.random.default_rng(2)
    scores, labels = known(18, rng)
    more, of_more = known(300, rng)
    negatives = unrelated(150, rng, attractive=3)
    chosen = thresholds(scores, labels, negatives, rate=0.02, neutral={BACKGROUND})
    assert chosen[3] > max(chosen[label] for label in range(CLASSES) if label != 3)
    alike = next(level for level in np.arange(0.2, 1, 0.005) if (events_at(negatives, level)).mean() <= 0.02)
    assert coverage(more, of_more, chosen) > coverage(more, of_more, [alike] * (CLASSES + 1)) + 0.02
    assert false_event_rate(unrelated(5000, rng, attractive=3), chosen, {BACKGROUND}) < 0.03


def events_at(scores: NDArray[np.float32], level: float) -> NDArray[np.bool_]:
    return np.asarray((scores.argmax(1) != BACKGROUND) & (scores.max(1) >= level))


@given(st.integers(0, 1000), st.integers(0, 4), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1))
def test_a_lower_rate_never_lowers_a_threshold(seed: int, each: int, count: int, one: float, other: float) -> None:
    rng = np.random.default_rng(seed)
    scores, labels = known(each, rng)
    negatives = unrelated(count, rng)
    low, high = sorted((one, other))
    at_low, at_high = (thresholds(scores, labels, negatives, rate=rate, neutral={BACKGROUND}) for rate in (low, high))
    assert len(at_low) == CLASSES + 1
    assert all(LOWEST <= more <= less <= HIGHEST for less, more in zip(at_low, at_high, strict=True))


@given(st.integers(0, 1000), st.permutations(range(CLASSES + 1)))
def test_the_order_of_classes_does_not_matter(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    scores, labels = known(3, rng)
    negatives = unrelated(30, rng)
    chosen = thresholds(scores, labels, negatives, rate=0.05, neutral={BACKGROUND})
    places = np.argsort(order)
    again = thresholds(
        scores[:, order], places[labels], negatives[:, order], rate=0.05, neutral={int(places[BACKGROUND])}
    )
    assert again == pytest.approx([chosen[label] for label in order])


def test_few_unrelated_pictures_are_no_proof() -> None:
    """Ten that are all taken for nothing do not say that two in a hundred will be."""
    scores, labels = known(18, np.random.default_rng(0))
    nothing = np.zeros((10, CLASSES + 1), np.float32)
    nothing[:, BACKGROUND] = 1
    chosen = thresholds(scores, labels, nothing, rate=0.02, neutral={BACKGROUND})
    assert min(chosen[:CLASSES]) > USUAL


def test_without_an_unrelated_picture_the_daemons_own_holds() -> None:
    scores, labels = known(3, np.random.default_rng(0))
    assert thresholds(scores, labels, scores[:0], rate=0.02, neutral=()) == (USUAL,) * (CLASSES + 1)


def test_where_no_level_keeps_the_rate_the_highest_is_taken() -> None:
    scores, labels = known(3, np.random.default_rng(0))
    sure = np.zeros((50, CLASSES + 1), np.float32)
    sure[:, 4] = 1
    assert thresholds(scores, labels, sure, rate=0.02, neutral={BACKGROUND})[4] == HIGHEST


def test_thresholds_are_as_high_as_hardly_any_right_answer_minds() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 60)
    sure = rng.uniform(0.8, 0.99, len(labels))
    scores = np.full((len(labels), 4), 0.0)
    scores[np.arange(len(labels)), labels] = sure
    scores[:, 3] = 1 - sure
    known = scores.astype(np.float32)
    unrelated = np.tile(np.array([0.02, 0.02, 0.02, 0.94], np.float32), (100, 1))  # which any threshold would keep out
    chosen = np.array(thresholds(known, labels, unrelated, rate=0.02, neutral=[3]))
    reached = sure >= chosen[labels]
    assert chosen[:3].min() > 0.75
    assert reached.mean() >= 0.97


def test_where_nothing_is_to_be_told_no_label_departs_from_the_level() -> None:
    scores, labels = known(3, np.random.default_rng(0))
    assert len({*thresholds(scores, labels, scores, rate=0.02, neutral=range(CLASSES + 1))}) == 1
