"""Quantiles of the times of a report."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.daemon.quantiles import quantiles
from tests.command import printed_by

TIMES = st.lists(st.integers(0, 10**11), min_size=1, max_size=300)


@given(TIMES)
def test_quantiles_are_those_of_numpy(times_ns: list[int]) -> None:
    found = quantiles(times_ns)
    assert [found.p50, found.p99] == pytest.approx(np.percentile(times_ns, (50, 99)) / 1e6, abs=0.00501)


def test_there_are_none_without_times() -> None:
    found = quantiles([])
    assert (found.p50, found.p99) == (None, None)


def test_reports_of_any_number_of_frames_keep_nothing() -> None:
    printed = printed_by("""
        import ctypes
        from edgecam.daemon.quantiles import quantiles

        class Use(ctypes.Structure):
            _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]

        libc = ctypes.CDLL(None)
        libc.mallinfo2.restype = Use
        handed_out = lambda: libc.mallinfo2().h
        for first in range(8):
            for number in range(128):
                quantiles(time for time in range(number))
            if not first:
                before = handed_out()
        print(handed_out() - before)
    """)
    assert int(printed) < 10_000
