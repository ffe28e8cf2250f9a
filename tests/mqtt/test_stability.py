"""Connections that hold and such that do not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgecam.mqtt.stability import FIRST_DELAY_S, LAST_DELAY_S, OFTEN, SOON_S, Stability


def lose(stability: Stability, after: list[float]) -> list[int]:
    """Connect and lose the connection after so many seconds, again and again; return the delays."""
    now, delays = 0.0, []
    for held in after:
        stability.connected(now)
        now += held
        delays.append(stability.lost(now))
    return delays


def test_the_first_losses_are_tried_again_at_once() -> None:
    assert lose(Stability(), [1.0] * (OFTEN - 1)) == [FIRST_DELAY_S] * (OFTEN - 1)


def test_a_connection_that_never_holds_is_tried_more_and_more_rarely() -> None:
    stability = Stability()
    assert lose(stability, [1.0] * 8) == [1, 1, 2, 4, 8, 10, 10, 10]
    assert stability.is_flapping


def test_one_that_held_is_tried_again_at_once() -> None:
    stability = Stability()
    assert lose(stability, [1.0] * 8 + [SOON_S])[-1] == FIRST_DELAY_S
    assert not stability.is_flapping


@given(st.lists(st.floats(0, 1e6)))
def test_the_delay_is_bounded(held: list[float]) -> None:
    assert all(FIRST_DELAY_S <= delay <= LAST_DELAY_S for delay in lose(Stability(), held))
