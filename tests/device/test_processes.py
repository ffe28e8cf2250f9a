"""Who has a file or device open."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from edgecam.device.processes import Process, holders_of


def holding(file: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process that has a file open, and does nothing else."""
    return subprocess.Popen(["sleep", "600"], stdin=file)


def test_a_process_that_has_a_file_open_is_found_by_any_name_of_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    with (tmp_path / "file").open("rb") as file, holding(file) as process:
        (seen,) = holders_of(tmp_path / "link").seen
        assert (seen.pid, seen.name) == (process.pid, "sleep")
        process.kill()


def test_a_device_is_the_same_under_another_name(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with holding(theirs) as process:
        device = Path(os.ttyname(theirs))
        os.mknod(tmp_path / "device", device.stat().st_mode, device.stat().st_rdev)
        assert [each.pid for each in holders_of(tmp_path / "device").seen] == [process.pid]
        process.kill()
    os.close(ours)
    os.close(theirs)


def test_we_ourselves_are_left_out(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb"):
        assert holders_of(tmp_path / "file").seen == ()


def test_what_is_not_there_is_open_nowhere(tmp_path: Path) -> None:
    holders = holders_of(tmp_path / "nowhere")
    assert (holders.seen, holders.all_seen) == ((), True)


@pytest.mark.skipif(os.geteuid() != 0, reason="to be somebody else needs root")
def test_what_one_may_not_see_is_told() -> None:
    program = (
        "import os, pathlib, sys; from edgecam.device.processes import holders_of; os.setuid(65534); "
        "print(holders_of(pathlib.Path(sys.argv[1])).all_seen)"
    )
    command = [sys.executable, "-c", program, "/dev/full"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_service_is_named_by_its_unit() -> None:
    assert str(Process(812, "motion", "")) == "motion (pid 812)"
    assert str(Process(7, "edgecam", "edgecam@yard.service")) == "edgecam (pid 7 of edgecam@yard.service)"
