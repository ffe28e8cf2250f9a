"""How fast a network learns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.learning.learning_rate import learning_rate


@given(st.integers(1, 300), st.floats(1e-6, 1))
def test_it_rises_once_and_then_falls(steps: int, peak: float) -> None:
    rates = [learning_rate(step, steps, peak) for step in range(steps)]
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@given(st.integers(1, 300), st.floats(1e-6, 1))
def test_it_reaches_the_peak_and_never_more(steps: int, peak: float) -> None:
    rates = [learning_rate(step, steps, peak) for step in range(steps)]
    assert max(rates) == pytest.approx(peak)
    assert min(rates) > 0


def test_it_ends_near_nothing() -> None:
    assert learning_rate(999, 1000, 1.0) < 1e-5
