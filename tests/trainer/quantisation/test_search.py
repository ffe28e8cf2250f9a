"""The search for an int8 model that keeps the accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.quantisation.search import Remedy, keeps, quantise
from trainer.report.evaluation import Evaluation

PHOTOGRAPHS = 200


def evaluation(right: int) -> Evaluation:
    """An evaluation in which so many of PHOTOGRAPHS were told rightly."""
    labels = np.zeros(PHOTOGRAPHS, np.int64)
    scores = np.zeros((PHOTOGRAPHS, 2), np.float32)
    scores[:right, 0] = scores[right:, 1] = 1
    return Evaluation(scores, labels, 1.0)


def measured(tflite: bytes) -> Evaluation:
    """Of a file that holds the number of right ones."""
    return evaluation(int(tflite))


def remedies(*right: int) -> list[Remedy]:
    """Remedies that give so many right ones each."""
    return [Remedy(f"remedy {place}", str(count).encode) for place, count in enumerate(right)]


@pytest.mark.parametrize(("after", "kept"), [(190, True), (188, True), (187, False), (200, True)])
def test_a_loss_up_to_the_limit_is_allowed(after: int, kept: bool) -> None:  # noqa: FBT001
    assert keeps(evaluation(190), evaluation(after), max_loss=1.0) is kept


def test_a_single_photograph_is_never_held_against_a_model() -> None:
    assert keeps(evaluation(190), evaluation(189), max_loss=0.0)


def test_the_first_that_helps_is_taken_and_none_tried_after_it() -> None:
    result = quantise(remedies(150, 189, 190), measured, evaluation(190), 1.0)
    assert result.tflite == b"189"
    assert [(each.remedy, each.kept) for each in result.attempts] == [("remedy 0", False), ("remedy 1", True)]


@given(st.lists(st.integers(0, 150), min_size=1, max_size=6))
def test_if_nothing_helps_the_best_is_given(right: list[int]) -> None:
    result = quantise(remedies(*right), measured, evaluation(190), 1.0)
    assert result.evaluation.right == max(right)
    assert len(result.attempts) == len(right)
    assert not result.attempts[-1].kept
