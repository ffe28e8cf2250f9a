"""Remembers what a broker keeps of a camera that a later run may have to clear, and what Home Assistant was shown."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from edgecam.kept import read_kept, write_kept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST = 500  # entities that are remembered; a model that is changed daily may bring others each time


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    topics: tuple[str, ...] = ()
    entities: dict[str, str] = {}


class Announced:
    """The topics on which something may be retained, and the entities that Home Assistant may show, over restarts."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run noted at ``path``, which need not be there."""
        self._path = path
        self._kept = read_kept(path, _Kept(), "Home Assistant and the broker may show what is no longer there")

    @property
    def topics(self) -> tuple[str, ...]:
        """On which something may be retained: what is, and what was not cleared yet, as the broker was away."""
        return self._kept.topics

    @property
    def entities(self) -> Mapping[str, str]:
        """The platform of each entity that was ever shown, by its key."""
        return self._kept.entities

    def note(self, *topics: str) -> None:
        """Remember topics; a disk that cannot be written is no reason to stop."""
        if new := [topic for topic in dict.fromkeys(topics) if topic not in self.topics]:
            self._become(_Kept((*self.topics, *new), self._kept.entities))

    def show(self, entities: Mapping[str, str]) -> None:
        """Remember entities that are shown; of those of before the latest."""
        if new := {key: platform for key, platform in entities.items() if self.entities.get(key) != platform}:
            known = {**new, **{key: platform for key, platform in self.entities.items() if key not in new}}
            self._become(_Kept(self.topics, dict(islice(known.items(), MOST))))

    def forget(self, topic: str) -> None:
        """Take in that nothing is retained any more on a topic."""
        if topic in self.topics:
            self._become(_Kept(tuple(each for each in self.topics if each != topic), self._kept.entities))

    def forget_entities(self) -> None:
        """Take in that Home Assistant shows none any more."""
        if self.entities:
            self._become(_Kept(self.topics))

    def _become(self, kept: _Kept) -> None:
        self._kept = kept
        write_kept(self._path, kept)
