"""``scripts/quietly``: what takes long says so in a line, and all of it when it fails."""

from __future__ import annotations

import os
import pty
import subprocess

from tests.documents import ROOT

QUIETLY = ROOT / "scripts" / "quietly"


def test_what_a_command_says_is_left_out() -> None:
    ended = subprocess.run([QUIETLY, "setting up", "echo", "Collecting"], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "setting up ...\n")


def test_a_failure_is_told_whole() -> None:
    command = [str(QUIETLY), "setting up", "sh", "-c", "echo Collecting; echo ERROR: no space >&2; exit 3"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == "setting up ...\nCollecting\nERROR: no space\n"


def test_in_a_terminal_it_is_one_line_that_counts() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([QUIETLY, "setting up", "echo", "Collecting"], stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while not shown.endswith(b"\n"):
            shown += os.read(ours, 1024)
        assert process.wait(20) == 0
    os.close(ours)
    assert b"Collecting" not in shown
    assert shown.count(b"\n") == 1
    assert shown.startswith(b"setting up")
