"""Remembers what a broker keeps of a camera that a later run may have to clear, and what Home Assistant was shown."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from edgecam.kept import read_kept, write_kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MOST = 500  # entities that are remembered; a model that is changed daily may bring others each time


class Shown(msgspec.Struct, frozen=True):
    """What is to be known of an entity to have it dropped: its platform, and its id in Home Assistant."""

    platform: str
    unique_id: str


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    topics: tuple[str, ...] = ()
    entities: dict[str, Shown] = {}


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
    def entities(self) -> Mapping[str, Shown]:
        """All that Home Assistant may show, by key."""
        return self._kept.entities

    def note(self, *topics: str) -> None:
        """Remember topics; a disk that cannot be written is no reason to stop."""
        if new := [topic for topic in dict.fromkeys(topics) if topic not in self.topics]:
            self._become(_Kept((*self.topics, *new), self._kept.entities))

    def show(self, entities: Mapping[str, Shown]) -> None:
        """Remember entities that are shown; of those of before the latest."""
        if new := {key: shown for key, shown in entities.items() if self.entities.get(key) != shown}:
            known = {**new, **{key: shown for key, shown in self.entities.items() if key not in new}}
            self._become(_Kept(self.topics, dict(islice(known.items(), MOST))))

    def forget(self, topic: str) -> None:
        """Take in that nothing is retained any more on a topic."""
        if topic in self.topics:
            self._become(_Kept(tuple(each for each in self.topics if each != topic), self._kept.entities))

    def forget_entities(self, keys: Iterable[str]) -> None:
        """Take in that Home Assistant does not show these any more."""
        left = {key: shown for key, shown in self.entities.items() if key not in {*keys}}
        if left != self.entities:
            self._become(_Kept(self.topics, left))

    def _become(self, kept: _Kept) -> None:
        self._kept = kept
        write_kept(self._path, kept)
