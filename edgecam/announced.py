"""Where a camera was announced to Home Assistant, so that it can be withdrawn from there, by a later run too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.state import read_kept, write_kept

if TYPE_CHECKING:
    from pathlib import Path


class _Kept(msgspec.Struct, frozen=True):
    topic: str = ""


class Announced:
    """Remembers a topic."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run noted at ``path``, which need not be there."""
        self._path = path
        self._kept = read_kept(path, _Kept(), "Home Assistant may show what is no longer there")

    @property
    def topic(self) -> str:
        """On which the camera is announced; empty: on none."""
        return self._kept.topic

    def note(self, topic: str) -> None:
        """Remember another topic; a disk that cannot be written is no reason to stop."""
        if topic != self.topic:
            self._kept = _Kept(topic)
            write_kept(self._path, self._kept)
