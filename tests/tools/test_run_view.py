"""What ``edgecam run`` shows of what it sees."""

from __future__ import annotations

import logging
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pytest

from edgecam.mqtt.payloads import LabelPayload
from edgecam.tools.run_view import RunView
from tests.command import USUAL, as_options, edgecam
from tests.tools.payloads import STATS, event

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clip(colour_clip: Path, colour_model: Path) -> list[str]:
    """Options of a run on a clip with two things to see, without a broker."""
    settings = {**USUAL, "camera.source": colour_clip, "model.path": colour_model, "mqtt.port": 1, "stats.interval": 1}
    return ["run", "--config", os.devnull, *as_options(settings)]


def in_terminal(*arguments: str) -> str:
    """What a terminal of 80 columns shows of a command, colours included."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "edgecam", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while more := os.read(ours, 65_536):
                shown += more
        except OSError:  # the other end was closed
            pass
        assert process.wait(20) == 0, shown
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


class TestCommand:
    """The command as a process."""

    def test_a_terminal_shows_events_and_at_the_end_an_account(self, clip: list[str]) -> None:
        shown = in_terminal(*clip)
        assert re.search(r"^\d\d:\d\d:\d\d\.\d\d  \x1b\[32mnew   \x1b\[0m  red +[01]\.\d\d #+$", shown, re.MULTILINE)
        assert re.search(r"end   \x1b\[0m  green +[01]\.\d\d seen for \d\.\d s, best [01]\.\d\d$", shown, re.MULTILINE)
        assert re.search(r"^\nframes    \d+ classified, 0 dropped$", shown, re.MULTILINE)
        assert "\nevents    2 began, 2 ended\n" in shown
        assert "red 1.00 new" not in shown  # each is told once

    def test_a_file_in_which_nothing_is_told_ends_with_what_came_nearest(self, clip: list[str]) -> None:
        settings = {"stats.interval": 3600, "events.thresholds": '{"red" = 1.0, "green" = 1.0, "blue" = 1.0}'}
        shown = in_terminal(*clip, *as_options({**settings, "events.smoothing": 100}))
        assert "events    0 began, 0 ended\n" in shown
        assert re.search(r"(red|green|blue) +0\.\d\d #+ not told", shown), shown

    def test_its_log_in_a_terminal_has_no_date(self, clip: list[str]) -> None:
        shown = in_terminal(*clip)
        assert re.search(r"^\d\d:\d\d:\d\d\.\d\d  model ", shown, re.MULTILINE)
        assert re.search(r"^\d\d:\d\d:\d\d\.\d\d  warning: broker ", shown, re.MULTILINE)

    def test_quiet_is_quiet(self, clip: list[str]) -> None:
        shown = in_terminal(*clip, "-q")
        assert "new" not in shown
        assert "classified" not in shown

    def test_elsewhere_events_are_logged_with_label_and_score_first(self, clip: list[str]) -> None:
        ended = edgecam(*clip)
        assert (ended.returncode, ended.stdout) == (0, "")
        assert re.search(r" INFO    red [01]\.\d\d new$", ended.stderr, re.MULTILINE)
        assert re.search(
            r" INFO    green [01]\.\d\d end, seen for \d\.\d s, best [01]\.\d\d$", ended.stderr, re.MULTILINE
        )
        assert re.search(
            r" INFO    \d+ frames classified, 0 dropped; 2 events began, 2 ended$", ended.stderr, re.MULTILINE
        )


class TestView:
    """What is shown when."""

    def test_what_is_nearest_is_shown_while_nothing_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        view = RunView(prints=True, logs=False)
        view.take_stats(msgspec.structs.replace(STATS, leading=LabelPayload("fox", 0.41)))
        assert re.search(r"fox +0\.41 ######## not told", capsys.readouterr().out)

    def test_the_same_is_not_shown_again_until_it_moves(self, capsys: pytest.CaptureFixture[str]) -> None:
        view = RunView(prints=True, logs=False)
        for label, score in (("fox", 0.41), ("fox", 0.45), ("fox", 0.52), ("cat", 0.5)):
            view.take_stats(msgspec.structs.replace(STATS, leading=LabelPayload(label, score)))
        assert re.findall(r"\w+ +0\.\d\d", capsys.readouterr().out) == [
            f"{label:16} {score}" for label, score in (("fox", "0.41"), ("fox", "0.52"), ("cat", "0.50"))
        ]

    def test_in_an_event_it_is_not_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        view = RunView(prints=True, logs=False)
        view.take_event(event("new"))
        view.take_stats(msgspec.structs.replace(STATS, leading=LabelPayload("fox", 0.41)))
        assert "not told" not in capsys.readouterr().out
        view.take_event(event("end"))
        view.take_stats(msgspec.structs.replace(STATS, leading=LabelPayload("fox", 0.41)))
        assert "not told" in capsys.readouterr().out

    def test_what_has_just_been_told_is_not_said_to_be_untold(self, capsys: pytest.CaptureFixture[str]) -> None:
        view = RunView(prints=True, logs=False)
        view.take_event(event("new"))
        view.take_event(event("end"))
        for shown in (False, True):
            view.take_stats(msgspec.structs.replace(STATS, leading=LabelPayload("cat", 0.95)))
            assert ("not told" in capsys.readouterr().out) is shown

    def test_verbose_logs_it_every_time(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        view = RunView(prints=False, logs=True)
        view.take_stats(STATS)
        view.take_stats(msgspec.structs.replace(STATS, leading=LabelPayload("fox", 0.41)))
        assert [record.message for record in caplog.records] == [
            "30.0 frames/s, latency p50 5.25 ms, 0 dropped",
            "30.0 frames/s, latency p50 5.25 ms, 0 dropped; highest: fox 0.41",
        ]

    def test_a_score_that_moves_fills_no_journal(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        view = RunView(prints=False, logs=True)
        for kind in ("new", "update", "end"):
            view.take_event(event(kind, lasted_s=1))
        assert [record.message for record in caplog.records] == [
            "cat 0.90 new",
            "cat 0.90 end, seen for 1.0 s, best 0.90",
        ]

    def test_a_terminal_that_is_closed_ends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, theirs = pty.openpty()
        closed = os.fdopen(theirs, "w")
        os.close(ours)
        monkeypatch.setattr(sys, "stdout", closed)
        view = RunView(prints=True, logs=False)
        view.take_event(event("new"))
        view.take_event(event("end"))
        view.end()
        with suppress(OSError):  # what was not written
            closed.close()
