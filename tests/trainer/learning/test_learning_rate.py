"""How fast a network learns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.learning.learning_rate import WARM_UP, learning_rate


@given(st.integers(1, 300))
def test_it_rises_once_and_then_falls(steps: int) -> None:
    rates = [learning_rate(step / steps) for step in range(steps)]
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@given(st.floats(0, 1, exclude_max=True))
def test_it_is_a_share_of_the_peak(share: float) -> None:
    assert 0 <= learning_rate(share) <= 1


def test_it_reaches_the_peak_and_ends_near_nothing() -> None:
    assert learning_rate(WARM_UP) == pytest.approx(1)
    assert learning_rate(0.999) < 1e-5
