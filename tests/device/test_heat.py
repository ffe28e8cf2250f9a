"""How heat and a Pi's firmware slow the frames down."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.device.heat import SMALLEST, Pace, next_share
from edgecam.device.processor import parse_throttling, throttling

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIMIT_C = 80.0
DEGREES = st.none() | st.floats(0, 120)


def shares(degrees: Iterable[float | None]) -> list[float]:
    """The share after each look at the thermometer, from every frame on."""
    return list(accumulate(degrees, lambda share, each: next_share(share, each, LIMIT_C), initial=1.0))[1:]


@given(st.lists(DEGREES, max_size=100))
def test_the_share_stays_within_its_bounds(degrees: list[float | None]) -> None:
    assert all(SMALLEST <= share <= 1.0 for share in shares(degrees))


@given(st.lists(DEGREES, max_size=20), st.floats(80.1, 120))
def test_heat_that_lasts_leaves_the_smallest_share(before: list[float | None], degrees: float) -> None:
    assert shares([*before, *[degrees] * 20])[-1] == SMALLEST


@given(st.lists(DEGREES, max_size=20), st.none() | st.floats(0, 76.9))
def test_every_frame_is_classified_again_when_it_has_cooled(before: list[float | None], degrees: float | None) -> None:
    assert shares([*before, *[degrees] * 20])[-1] == 1.0


def test_just_below_the_limit_the_share_stays() -> None:
    hot, warm = shares([81.0, 79.0])
    assert hot < 1.0
    assert warm == hot


@given(st.floats(SMALLEST, 1.0))
def test_the_share_of_frames_is_let_through_evenly(share: float) -> None:
    pace = Pace()
    pace.share = share
    admitted = [pace.admits() for _ in range(1000)]
    assert abs(sum(admitted) - 1000 * share) <= 1.5


@given(st.floats(SMALLEST, 1.0), st.floats(0.001, 1.0))
def test_a_file_rests_so_that_work_has_its_share_of_the_time(share: float, work_s: float) -> None:
    pace = Pace()
    pace.share = share
    now = pace.delay_s(0.0)
    for _ in range(10):
        now += work_s
        now += pace.delay_s(now)
    assert 10 * work_s / now == pytest.approx(share, rel=0.01)


@pytest.mark.parametrize(
    ("text", "now", "since_boot"), [("0", 0, 0), ("50005\n", 2, 2), ("0x4", 1, 0), ("80000", 0, 1)]
)
def test_the_firmwares_bits_become_words(text: str, now: int, since_boot: int) -> None:
    state = parse_throttling(text)
    assert (len(state.now), len(state.since_boot)) == (now, since_boot)


def test_the_firmware_is_found_wherever_its_device_is(tmp_path: Path) -> None:
    device = tmp_path / "soc@107c000000:firmware"
    device.mkdir()
    (device / "get_throttled").write_text("1\n")
    state = throttling(tmp_path)
    assert state
    assert "supply voltage" in state.now[0]


@pytest.mark.parametrize("text", ["", "nonsense", None])
def test_a_firmware_that_does_not_tell_is_not_known(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "device").mkdir()
        (tmp_path / "device" / "get_throttled").write_text(text)
    assert throttling(tmp_path) is None
