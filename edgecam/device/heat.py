"""Keeps the processor cool: the hotter, the fewer frames are classified."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edgecam.device.processor import temperature, throttling

if TYPE_CHECKING:
    import threading

logger = logging.getLogger(__name__)

LOOK_S = 5.0
COOL_BY_C = 3.0  # the rate rises again when it is so much below the limit, lest it swing
SLOWER, FASTER = 0.7, 1.2
SMALLEST = 0.05


def next_share(share: float, temperature_c: float | None, limit_c: float) -> float:
    """Return the share of the frames, SMALLEST..1, to classify until the next look at the thermometer, from the last.

    Args:
        share: what it was until now.
        temperature_c: of the processor in degrees Celsius; None where no sensor tells.
        limit_c: above it the share falls.
    """
    if temperature_c is None:
        return 1.0
    if temperature_c > limit_c:
        return max(SMALLEST, share * SLOWER)
    if temperature_c < limit_c - COOL_BY_C:
        return min(1.0, share * FASTER)
    return share


class Pace:
    """Lets a share of the frames through; the share is set in one thread and asked for in another."""

    def __init__(self) -> None:
        self.share = 1.0
        self._credit = 0.0
        self._resumed_s: float | None = None

    def admits(self) -> bool:
        """Whether the next frame of a camera is classified."""
        self._credit += self.share
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True

    def delay_s(self, now_s: float) -> float:
        """How long to rest before the next frame of a file, of which none may be lost."""
        busy_s = 0.0 if self._resumed_s is None else max(0.0, now_s - self._resumed_s)
        rest_s = busy_s * (1.0 / self.share - 1.0)
        self._resumed_s = now_s + rest_s
        return rest_s


class Heat:
    """Watches the thermometer and sets the pace."""

    def __init__(self, limit_c: float, pace: Pace, stop: threading.Event) -> None:
        """Keep the processor below ``limit_c`` degrees Celsius until ``stop`` is set."""
        self.limit_c = limit_c
        self._pace = pace
        self._stop = stop
        self._problems: frozenset[str] = frozenset()

    def run(self) -> None:
        """Watch, and log what changes."""
        while not self._stop.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        degrees, before = temperature(), self._pace.share
        self._pace.share = next_share(before, degrees, self.limit_c)
        if self._pace.share < before == 1.0:
            message = "processor: %s C, above limits.temperature = %s: fewer frames are classified until it cools"
            logger.warning(message, degrees, self.limit_c)
        elif before < self._pace.share == 1.0:
            logger.info("processor: %s C: cool enough again for every frame", degrees)
        state = throttling()
        problems = frozenset(state.now if state else ())
        for problem in sorted(problems - self._problems):
            logger.warning("processor: %s", problem)
        self._problems = problems
