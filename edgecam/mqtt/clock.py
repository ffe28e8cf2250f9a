"""From the monotonic clock, by which everything is measured, to the time of day, in which it is told."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERANCE_NS = 1_000_000
STEP_NS = 1_000_000_000  # what moves the time of day by more at once is somebody who sets the clock
NARROW_NS = 50_000  # clocks that are read within so short a time show one moment
TRIES = 10
SLEEPS = 50  # that are remembered: an event that is open over more of them tells a start that is too late
TIMESYNC = Path("/run/systemd/timesync")  # made by systemd-timesyncd, and a file in it when it has set the clock


class Clocks(NamedTuple):
    """One moment by three clocks, in nanoseconds."""

    day: int
    """Since 1970, in UTC."""
    monotonic: int
    """What runs on whatever the time of day is set to, but not while the machine sleeps."""
    boot: int
    """The same, and also while the machine sleeps."""


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def now(
    day: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], int] = time.monotonic_ns,
    boot: Callable[[], int] = _boot_ns,
) -> Clocks:
    """Read all clocks, again if the thread was interrupted, or the machine slept, while it did so."""
    best, width = Clocks(0, 0, 0), -1
    for _ in range(TRIES):
        before, clocks = boot(), (day(), monotonic())
        took = boot() - before
        if width < 0 or took < width:
            best, width = Clocks(*clocks, boot=before + took // 2), took
        if width <= NARROW_NS:
            break
    return best


@dataclass(frozen=True, slots=True)
class Era:
    """The time between two sleeps of the machine, in nanoseconds of the monotonic clock.

    Attributes:
        after_ns: the moment after which it begins.
        asleep_ns: how much further the clock is in it that runs on while the machine sleeps.
    """

    after_ns: int
    asleep_ns: int


@dataclass(frozen=True, slots=True)
class Times:
    """How moments of the monotonic clock are told until somebody sets the clock; all in nanoseconds.

    Attributes:
        ahead_ns: how much further the time of day is than the clock that runs on while the machine sleeps.
        eras: at least one, from the oldest on; the first also stands for all that was before.
        stepped_ns: the sum of all that `Clock.step_ns` has returned. What is told by these times is right later when
            it is `shifted` by as much as the sum has grown.
    """

    ahead_ns: int
    eras: tuple[Era, ...]
    stepped_ns: int = 0

    def seconds(self, monotonic_ns: int) -> float:
        """Return the time of day of a moment of the monotonic clock in seconds since 1970."""
        return self._day_ns(monotonic_ns) / 1e9

    def iso(self, monotonic_ns: int) -> str:
        """Return the UTC time of a moment of the monotonic clock as ISO 8601 with microseconds and Z."""
        return _iso(self._day_ns(monotonic_ns))

    def _day_ns(self, monotonic_ns: int) -> int:
        place = bisect_left(self.eras, monotonic_ns, key=attrgetter("after_ns"))
        return monotonic_ns + self.eras[max(0, place - 1)].asleep_ns + self.ahead_ns


class Clock:
    """Tells the time of day of a moment of the monotonic clock; any thread may ask.

    One moment has one time of day in all messages until `step_ns` returns by how much what was told is to be
    `shifted`, or until `follow`.

    The monotonic clock stands still while the machine sleeps, and each call looks whether it has slept since the last
    one. Moments until the last look lie before the sleep, all later ones after it: who tells moments of before, such as
    the times of frames that wait, looks at each.
    """

    def __init__(self, read: Callable[[], Clocks] = now, timesync: Path = TIMESYNC) -> None:
        """Tell times by what ``read`` returns; ``timesync`` is the folder of systemd-timesyncd."""
        self._read = read
        self._timesync = timesync
        self._lock = threading.Lock()
        clocks = read()
        self._looked_ns = clocks.monotonic
        self._times = Times(clocks.day - clocks.boot, (Era(0, clocks.boot - clocks.monotonic),))

    def is_set(self) -> bool:
        """Whether the time of day can be believed: false while systemd-timesyncd has not set it since the boot.

        A machine without a clock battery starts with the time at which it was last switched off. Where another
        program keeps the time, nothing tells.
        """
        return not self._timesync.is_dir() or (self._timesync / "synchronized").exists()

    def times(self) -> Times:
        """Look at the clocks, in some microseconds, and return how moments are told now."""
        with self._lock:
            self._look()
            return self._times

    def follow(self) -> None:
        """Take over what a time service has adjusted, which is less than STEP_NS; best while no event is open."""
        with self._lock:
            behind_ns = self._look()
            if TOLERANCE_NS < abs(behind_ns) < STEP_NS:
                self._times = replace(self._times, ahead_ns=self._times.ahead_ns + behind_ns)

    def step_ns(self) -> int:
        """Return by how many nanoseconds the system's clock was set, else 0, and take it over.

        What was told before is to be `shifted` by it: for a moment that gives what is told of it from now on. Sleep of
        the machine is no such step, nor is what a time service adjusts until it has added up to STEP_NS.
        """
        with self._lock:
            behind_ns = self._look()
            if abs(behind_ns) < STEP_NS:
                return 0
            times = self._times
            self._times = Times(times.ahead_ns + behind_ns, times.eras, times.stepped_ns + behind_ns)
            return behind_ns

    def seconds(self, monotonic_ns: int) -> float:
        """Return the time of day of a moment of the monotonic clock in seconds since 1970."""
        return self.times().seconds(monotonic_ns)

    def iso(self, monotonic_ns: int) -> str:
        """Return the UTC time of a moment of the monotonic clock as ISO 8601 with microseconds and Z."""
        return self.times().iso(monotonic_ns)

    def _look(self) -> int:
        """Note whether the machine has slept since the last look; return how far behind the system's time we tell."""
        clocks = self._read()
        asleep_ns, eras = clocks.boot - clocks.monotonic, self._times.eras
        if abs(asleep_ns - eras[-1].asleep_ns) > TOLERANCE_NS:
            self._times = replace(self._times, eras=(*eras[-SLEEPS:], Era(self._looked_ns, asleep_ns)))
        self._looked_ns = clocks.monotonic
        behind_ns = clocks.day - clocks.boot - self._times.ahead_ns
        return behind_ns // 1000 * 1000  # whole microseconds, as in what is told


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
