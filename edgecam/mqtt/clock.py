"""From the monotonic clock, by which everything is measured, to the time of day, in which it is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERANCE_NS = 1_000_000
STEP_NS = 1_000_000_000  # what moves the time of day by more at once is somebody who sets the clock
TIMESYNC = Path("/run/systemd/timesync")  # made by systemd-timesyncd, and a file in it when it has set the clock


class Clocks(NamedTuple):
    """One moment by three clocks, in nanoseconds."""

    day: int
    """Since 1970, in UTC."""
    monotonic: int
    """What runs on whatever the time of day is set to, but not while the machine sleeps."""
    boot: int
    """The same, and also while the machine sleeps."""


def now() -> Clocks:
    """Read all clocks."""
    return Clocks(time.time_ns(), time.monotonic_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))


class Clock:
    """Tells the time of day of a moment of the monotonic clock.

    The difference of the two clocks is kept, so that one moment has one time of day in all messages; `follow` and
    `step_ns` take over the system's time.

    Attributes:
        stepped_ns: the sum of all steps that were taken over.
    """

    def __init__(self, read: Callable[[], Clocks] = now, timesync: Path = TIMESYNC) -> None:
        """Tell times by what ``read`` returns; ``timesync`` is the folder of systemd-timesyncd."""
        self._read = read
        self._timesync = timesync
        clocks = read()
        self._ahead_ns = clocks.day - clocks.monotonic
        self._ahead_of_boot_ns = clocks.day - clocks.boot
        self.stepped_ns = 0

    def is_set(self) -> bool:
        """Whether the time of day can be believed: false while systemd-timesyncd has not set it since the boot.

        A machine without a clock battery starts with the time at which it was last switched off. Where another
        program keeps the time, nothing tells.
        """
        return not self._timesync.is_dir() or (self._timesync / "synchronized").exists()

    def follow(self) -> None:
        """Take over the system's time of day where it has moved by more than TOLERANCE_NS."""
        clocks = self._read()
        ahead_ns = clocks.day - clocks.monotonic
        if abs(ahead_ns - self._ahead_ns) > TOLERANCE_NS:
            self._ahead_ns = ahead_ns

    def step_ns(self) -> int:
        """Return by how many nanoseconds the system's clock was set since the last call, else 0, and take it over.

        Sleep of the machine is no such step, nor is what a time service adjusts little by little.
        """
        clocks = self._read()
        ahead_of_boot_ns = clocks.day - clocks.boot
        step_ns, self._ahead_of_boot_ns = ahead_of_boot_ns - self._ahead_of_boot_ns, ahead_of_boot_ns
        if abs(step_ns) < STEP_NS:
            return 0
        self.follow()
        self.stepped_ns += step_ns
        return step_ns

    def seconds(self, monotonic_ns: int) -> float:
        """Return the time of day of a moment of the monotonic clock in seconds since 1970."""
        return (self._ahead_ns + monotonic_ns) / 1e9

    def iso(self, monotonic_ns: int) -> str:
        """Return the UTC time of a moment of the monotonic clock as ISO 8601 with microseconds and Z."""
        return _iso(self._ahead_ns + monotonic_ns)


def shifted(moment: str, step_ns: int) -> str:
    """Move a time, in ISO 8601 with Z, by ``step_ns`` nanoseconds; whole microseconds count.

    Raises:
        ValueError: it is no such time.
    """
    then = datetime.fromisoformat(moment)
    epoch = datetime.fromtimestamp(0, UTC)
    microseconds = (then - epoch) // (then.resolution) + step_ns // 1000
    return _iso(microseconds * 1000)


def seconds_of(moment: str) -> float:
    """Return a time in ISO 8601 as seconds since 1970.

    Raises:
        ValueError: it is no such time.
    """
    return datetime.fromisoformat(moment).timestamp()


def _iso(day_ns: int) -> str:
    seconds, nanoseconds = divmod(day_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
