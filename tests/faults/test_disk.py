"""A disk that is full or read-only: a real one, though small."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.conftest import House

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")


@pytest.fixture
def disk(house: House) -> Iterator[Path]:
    """A file system of half a megabyte for what outlives a run."""
    house.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "edgecam-test", house.state], check=True)
    yield house.state
    house.__exit__()
    subprocess.run(["umount", house.state], check=True)


def fill(disk: Path) -> Path:
    """Take all the room that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


@pytest.mark.timeout(240)
def test_a_full_disk_stops_nothing_and_is_used_again_when_there_is_room(house: House, disk: Path) -> None:
    house.broker.stop()
    daemon = house.start()
    daemon.wait_for_log("event end")
    filler = fill(disk)
    daemon.wait_for_log("undelivered events are kept in memory")
    for _ in range(3):
        daemon.wait_for_log("event end")
    filler.unlink()
    daemon.wait_for_log("can be used again", wait_s=90)
    house.kill(daemon)
    house.broker.start()
    house.settle().check()


@pytest.mark.timeout(240)
def test_a_disk_that_is_full_at_the_start_stops_nothing(house: House, disk: Path) -> None:
    filler = fill(disk)
    daemon = house.start()
    daemon.wait_for_log("undelivered events are kept in memory")
    daemon.wait_for_log("connected")
    for _ in range(3):
        daemon.wait_for_log("event end")
    house.stop(daemon)
    filler.unlink()
    house.settle().check()


@pytest.mark.timeout(240)
def test_a_read_only_disk_stops_nothing_and_is_used_when_it_can_be(house: House, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    house.broker.stop()
    daemon = house.start()
    daemon.wait_for_log("undelivered events are kept in memory")
    for _ in range(3):
        daemon.wait_for_log("event end")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    daemon.wait_for_log("can be used again", wait_s=90)
    house.kill(daemon)
    house.broker.start()
    house.settle().check()
