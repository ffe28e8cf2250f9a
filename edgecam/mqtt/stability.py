"""Whether a connection holds, or is lost again and again."""

from __future__ import annotations

SOON_S = 20.0  # a connection that was lost sooner does not hold
OFTEN = 3  # so many of them in a row, and something is wrong that trying again at once does not mend
FIRST_DELAY_S, LAST_DELAY_S = 1, 10


class Stability:
    """Follows connects and losses; all times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._losses = 0

    @property
    def is_connected(self) -> bool:
        """Whether the connection is there."""
        return self._since_s is not None

    @property
    def is_flapping(self) -> bool:
        """Whether the last connections were all lost soon."""
        return self._losses >= OFTEN

    def connected(self, now_s: float) -> None:
        """Take in that the connection is there."""
        self._since_s = now_s

    def lost(self, now_s: float) -> int:
        """Take in that it is lost, and return how many seconds to wait before the next try."""
        held = self._since_s is not None and now_s - self._since_s >= SOON_S
        self._losses = 1 if held else self._losses + 1
        self._since_s = None
        return min(LAST_DELAY_S, FIRST_DELAY_S << max(0, min(8, self._losses - OFTEN + 1)))
