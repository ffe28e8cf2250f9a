"""When a view looks: at each frame, or every so often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam.camera.frame_queue import Look


class Schedule:
    """Remembers when each view is to look next; times are nanoseconds of the frames' clock.

    Looks keep to their rhythm however the frames fall, so that one that comes late does not make all later ones late.
    After a pause the rhythm begins anew.
    """

    def __init__(self) -> None:
        """Begin with every view due."""
        self._next_ns: dict[str, int] = {}

    def begin(self) -> None:
        """Let every view be due: a source begins, with a clock of its own."""
        self._next_ns.clear()

    def due(self, looks: Sequence[Look], time_ns: int) -> list[Look]:
        """Return which views look at the frame of a time, which counts as seen by them."""
        return [look for look in looks if not look.every_ns or self._is_due(look, time_ns)]

    def _is_due(self, look: Look, time_ns: int) -> bool:
        next_ns = self._next_ns.get(look.name, time_ns)
        if next_ns - look.every_ns > time_ns:  # it looks more often than it did
            next_ns = time_ns
        if time_ns < next_ns:
            return False
        is_in_rhythm = time_ns < next_ns + look.every_ns
        self._next_ns[look.name] = (next_ns if is_in_rhythm else time_ns) + look.every_ns
        return True
