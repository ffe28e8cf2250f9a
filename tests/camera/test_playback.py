"""A file in real time stays live, however slowly it is read, and its clock stays right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.sources.playback import BEHIND_NS, GAP_NS, LATE_NS, Playback, Step

MS = 1_000_000

costs = st.lists(st.one_of(st.integers(0, 20), st.integers(0, 4000)).map(lambda ms: ms * MS), max_size=300)


@given(costs, st.integers(1, 500).map(lambda ms: ms * MS), st.integers(0, 3000).map(lambda ms: ms * MS), st.booleans())
def test_what_is_shown_is_never_long_late_and_never_long_missing(
    costs_ns: list[int],
    interval_ns: int,
    jump_ns: int,
    can_jump: bool,  # noqa: FBT001  hypothesis gives it by its place
) -> None:
    """Of a file whose frames take any time to be read, in which one can jump, at a price, or not."""
    now_ns = 77
    playback = Playback(realtime=True)
    position_ns = shown_ns = 0
    steps: list[Step] = []
    for cost_ns in costs_ns:
        now_ns += cost_ns
        steps.append(playback.step(position_ns, now_ns))
        match steps[-1]:
            case Step.SHOW:
                assert now_ns - playback.due_ns(position_ns) <= BEHIND_NS
                shown_ns = now_ns
                now_ns = max(now_ns, playback.due_ns(position_ns))
            case Step.LEAVE_OUT:
                assert now_ns - playback.due_ns(position_ns) > LATE_NS
                assert now_ns - shown_ns < GAP_NS
            case Step.JUMP:
                assert steps[-2] is not Step.JUMP
                assert now_ns - playback.due_ns(position_ns) > BEHIND_NS
                target_ns = playback.target_ns(now_ns)
                assert target_ns > position_ns
                if can_jump:
                    position_ns = target_ns // interval_ns * interval_ns
                    now_ns += jump_ns
                    continue
        position_ns += interval_ns


@given(st.lists(st.integers(0, 30).map(lambda ms: ms * MS), max_size=100))
def test_all_is_shown_where_reading_keeps_up(costs: list[int]) -> None:
    now_ns = 0
    playback = Playback(realtime=True)
    for number, cost_ns in enumerate(costs):
        now_ns += cost_ns
        assert playback.step(number * 33 * MS, now_ns) is Step.SHOW
        now_ns = max(now_ns, playback.due_ns(number * 33 * MS))


@given(costs)
def test_at_full_speed_all_is_shown(costs: list[int]) -> None:
    now_ns = 0
    playback = Playback(realtime=False)
    for number, cost_ns in enumerate(costs):
        now_ns += cost_ns
        assert playback.step(number * MS, now_ns) is Step.SHOW
