"""Events, and the account of a run, as people read them."""

from __future__ import annotations

import re
from collections import deque
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.mqtt.payloads import EventPayload, LabelPayload, QuantilesPayload
from edgecam.tools.event_lines import Account, event_line, event_words, nearest_line
from tests.tools.payloads import STATS, event

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
SCORES = st.floats(0, 1)
EVENTS = st.builds(
    lambda kind, label, score, lasted_s: event(kind, label, score=score, lasted_s=lasted_s),
    st.sampled_from(["new", "update", "end"]),
    st.text(max_size=60),
    SCORES,
    st.floats(0, 86_400),
)


@given(EVENTS)
def test_a_line_fits_into_80_columns_and_steers_no_terminal(told: EventPayload) -> None:
    line = ESCAPE.sub("", event_line(told))
    assert len(line) <= 80
    assert line.isprintable()
    assert event_words(told).isprintable()


@given(st.text(max_size=60), SCORES)
def test_so_does_what_is_nearest_to_an_event(label: str, score: float) -> None:
    line = ESCAPE.sub("", nearest_line(LabelPayload(label, score), datetime.now(UTC)))
    assert len(line) <= 80
    assert line.isprintable()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("new", "cat 0.91 new"),
        ("update", "cat 0.91 update"),
        ("end", "cat 0.91 end, seen for 3.7 s, best 0.95"),
    ],
)
def test_a_log_has_label_and_score_first(kind: str, words: str) -> None:
    assert event_words(event(kind, score=0.91, top_score=0.95, lasted_s=3.7)) == words


class TestAccount:
    """What a run comes to."""

    def test_it_counts(self) -> None:
        account = Account()
        for kind in ("new", "update", "end", "new"):
            account.add_event(event(kind))
        assert list(account.lines()) == ["events    2 began, 1 ended"]

    def test_it_sums_reports_up(self) -> None:
        account = Account()
        for fps, ms in ((30.0, 5.0), (29.0, 7.0), (31.0, 6.0)):
            quantiles = QuantilesPayload(ms, 2 * ms)
            account.reports.append(
                msgspec.structs.replace(STATS, fps=fps, latency_ms=quantiles, inference_ms=quantiles)
            )
        assert list(account.lines("the clip's own")) == [
            "frames    1 classified, 0 dropped",
            "speed     30.0 frames a second, the clip's own",
            "model     p50 6.00 ms, p99 14.00 ms a frame",
            "latency   p50 6.00 ms, p99 14.00 ms from exposure to result",
            "daemon    1 % of one core, 1 MB",
            "events    0 began, 0 ended",
        ]

    def test_a_report_without_frames_tells_nothing_of_speed(self) -> None:
        none = QuantilesPayload(None, None)
        account = Account(reports=deque([STATS, msgspec.structs.replace(STATS, fps=0.0, latency_ms=none, outbox=3)]))
        said = "\n".join(account.lines())
        assert "speed" not in said
        assert "latency   p50 5.25 ms, p99 9.00 ms" in said
        assert said.endswith("outbox    3 messages wait for the broker, and are kept")

    def test_a_run_in_which_the_model_rested_has_no_time_of_the_model(self) -> None:
        assert not any(line.startswith("model") for line in Account(reports=deque([STATS])).lines())
