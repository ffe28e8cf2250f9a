"""Which camera ``camera.source = "auto"`` takes: the one that it took first, where it is found again by its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from edgecam import config
from edgecam.kept import forget_kept, read_kept, taken_file, taken_files, write_kept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

INSTANCE = "EDGECAM_INSTANCE"  # names the instance of the service, in its environment; empty: edgecam.service
GONE_S = 60.0  # after which one that is not there any more is replaced by another


class Taken(msgspec.Struct, frozen=True):
    """The place of the camera that was taken; empty: none was yet."""

    place: str = ""


def to_try(found: Iterable[str], mine: str, others: Collection[str], gone_s: float) -> tuple[str, ...]:
    """Say which cameras to try, one after the other until one is free.

    What was taken once stays: while it is there no other is tried, though it be in use, and while another's is not in
    use it is left alone. Who has none yet takes even that of another, who may be a service that is used no more.

    Args:
        found: the places of those that are there, the best first.
        mine: the place of the one that was taken; empty: none was.
        others: the places of those that other instances have taken.
        gone_s: for how many seconds mine was not among those found.
    """
    there = tuple(found)
    if mine in there:
        return (mine,)
    left = tuple(place for place in there if place not in others)
    if mine:
        return left if gone_s >= GONE_S else ()
    return left + tuple(place for place in there if place in others)


class Memory:
    """Remembers for an instance of the service which camera it took; elsewhere nothing is remembered."""

    def __init__(self, instance: str | None) -> None:
        """Belong to an instance by name; None: to a daemon that is no service, or to what only looks."""
        self._instance = instance

    @property
    def mine(self) -> str:
        """The place of the camera that was taken; empty: none was."""
        if self._instance is None:
            return ""
        return _place(self._instance)

    @property
    def others(self) -> frozenset[str]:
        """The places of those that other instances have taken; one whose settings are gone has none."""
        if self._instance is None:
            return frozenset()
        instances = taken_files().keys() - {self._instance}
        return frozenset(_place(each) for each in instances if config.settings_of(each).exists())

    def take(self, place: str) -> None:
        """Remember a camera, and that it is no other's any more."""
        if self._instance is None or place == self.mine:
            return
        write_kept(taken_file(self._instance), Taken(place))
        for instance, file in taken_files().items():
            if instance != self._instance and _place(instance) == place:
                forget_kept(file)


def memory_of_service() -> Memory:
    """Return the memory of the service that we are, if we are one."""
    return Memory(os.environ.get(INSTANCE))


def _place(instance: str) -> str:
    return read_kept(taken_file(instance), Taken(), "the first camera that is free is taken").place
