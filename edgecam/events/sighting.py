"""When a label was seen, and when it counts as gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecam import config


class Sighting:
    """Remembers when a label was seen.

    It is gone when it has not been seen for ``release``, and in at least ``looks`` looks in a row: one that comes
    seconds after the last could otherwise end by itself what it happened to miss.

    Attributes:
        at_ns: time of the last frame that showed the label.
        missed: frames since then, which did not.
    """

    def __init__(self, settings: config.EventsSettings, looks: int) -> None:
        """Begin with nothing seen."""
        self._release_ns = round(settings.release * 1e9)
        self._looks = looks
        self.at_ns = 0
        self.missed = 0

    def see(self, time_ns: int) -> None:
        """Take in a frame that shows the label."""
        self.at_ns, self.missed = time_ns, 0

    def miss(self, time_ns: int) -> bool:
        """Take in a frame that does not show it; return whether it is gone."""
        self.missed += 1
        return self.missed >= self._looks and time_ns - self.at_ns >= self._release_ns
