"""When a training had better stop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainer.learning.learning_curve import Epoch, best, has_stalled


def epochs(*losses: float) -> list[Epoch]:
    """Epochs of these validation losses."""
    return [Epoch("stage", 0.0, 0.0, loss, 0.0, 0.0) for loss in losses]


def test_the_best_has_the_lowest_validation_loss() -> None:
    assert best(epochs(3, 1, 2)) == 1


def test_what_is_good_on_smaller_pictures_is_not_the_best() -> None:
    small, whole, better = (
        Epoch("stage", 0.0, 0.0, loss, 0.0, 0.0, size) for loss, size in ((1, 16), (3, 32), (2, 32))
    )
    assert best([whole, small, better, small]) == 2


def test_of_none_none_is_best() -> None:
    assert best([]) is None


def test_it_has_stalled_when_nothing_better_came() -> None:
    assert has_stalled(epochs(3, 1, 2, 2), patience=2)
    assert not has_stalled(epochs(3, 1, 2), patience=2)


@given(st.lists(st.floats(0, 10), min_size=1, unique=True), st.integers(1, 10))
def test_a_curve_that_ends_with_its_best_has_not_stalled(losses: list[float], patience: int) -> None:
    lowest_last = sorted(losses, reverse=True)
    assert not has_stalled(epochs(*lowest_last), patience)
