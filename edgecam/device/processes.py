"""Which processes have a file or device open."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process; ``unit`` is that of systemd's services that it is of, empty if of none."""

    pid: int
    name: str
    unit: str

    def __str__(self) -> str:
        """For people: what to stop."""
        return f"{self.name} (pid {self.pid}{f' of {self.unit}' if self.unit else ''})"


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has a file open, ourselves left out; where not all processes could be seen there may be others."""

    seen: tuple[Process, ...]
    all_seen: bool


def holders_of(path: Path) -> Holders:
    """Look through all processes for those that have a file or device open; other users' only root can see."""
    try:
        wanted = _identity(path.stat())
    except OSError:
        return Holders((), all_seen=True)
    seen, all_seen = [], True
    for folder in sorted(PROCESSES.glob("[0-9]*"), key=lambda each: int(each.name)):
        if int(folder.name) == os.getpid():
            continue
        try:
            if wanted in _open_in(folder):
                seen.append(Process(int(folder.name), (folder / "comm").read_text().strip(), _unit(folder)))
        except PermissionError:
            all_seen = False
        except OSError:  # it has ended
            continue
    return Holders(tuple(seen), all_seen)


def _open_in(folder: Path) -> Iterator[tuple[int, ...]]:
    for file in (folder / "fd").iterdir():
        try:
            yield _identity(file.stat())
        except FileNotFoundError:  # closed meanwhile
            continue


def _identity(found: os.stat_result) -> tuple[int, ...]:
    """The same for all names of a device, and for all links to a file."""
    return (found.st_rdev,) if stat.S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)


def _unit(folder: Path) -> str:
    last = (folder / "cgroup").read_text().strip().rpartition("/")[2]
    return last if last.endswith(".service") else ""
