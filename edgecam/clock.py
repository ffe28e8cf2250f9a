"""From the monotonic clock, by which everything is measured, to the time of day, in which it is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime

TOLERANCE_NS = 1_000_000


class Clock:
    """Tells the time of day of a moment of the monotonic clock.

    The difference of the two clocks is kept, so that one moment has one time of day in all messages; `follow` takes
    over the system's time when that was set.
    """

    def __init__(self) -> None:
        self._ahead_ns = _difference()

    def follow(self) -> None:
        """Take over the system's time of day where it has moved by more than TOLERANCE_NS."""
        ahead_ns = _difference()
        if abs(ahead_ns - self._ahead_ns) > TOLERANCE_NS:
            self._ahead_ns = ahead_ns

    def iso(self, monotonic_ns: int) -> str:
        """Return the UTC time of a moment of the monotonic clock as ISO 8601 with microseconds and Z."""
        seconds, nanoseconds = divmod(self._ahead_ns + monotonic_ns, 1_000_000_000)
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _difference() -> int:
    return time.time_ns() - time.monotonic_ns()
