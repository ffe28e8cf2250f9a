"""From a model's classes to the labels that are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

BACKGROUND = frozenset({"background", "__background__", "???"})


class Labels:
    """The reported labels of a model: its classes, less background and ignored ones, with groups counted as one.

    Attributes:
        names: K names.
        indices: for each name the class index in the model, or None for a group.
    """

    def __init__(
        self, classes: Sequence[str], groups: Mapping[str, Iterable[str]] | None = None, ignore: Iterable[str] = ()
    ) -> None:
        """Group and sort out classes; members and ignored labels that the model lacks have no effect."""
        ignored = {*ignore} | BACKGROUND
        known = {*classes} - ignored
        owners = {
            member: group
            for group, members in (groups or {}).items()
            if group not in ignored
            for member in members
            if member in known
        }
        grouped = {*owners.values()}
        hidden = {member for group in {*ignored} & {*(groups or {})} for member in (groups or {})[group]}
        places: dict[str, int] = {}
        indices: list[int | None] = []
        self._places = np.empty(len(classes), np.intp)
        for index, label in enumerate(classes):
            if label in ignored or label in hidden:
                self._places[index] = -1
                continue
            name = owners.get(label, label)
            if name not in places:
                places[name] = len(places)
                indices.append(None if name in grouped else index)
            self._places[index] = places[name]
        self.names = tuple(places)
        self.indices = tuple(indices)
        self._places[self._places < 0] = len(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def scores(self, classes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sum the scores of each label's classes: float32 [classes] to float64 [K] in 0..1."""
        sums = np.bincount(self._places, classes, len(self) + 1)[:-1].astype(np.float64, copy=False)
        np.maximum(sums, 0.0, out=sums)  # with minimum, in half the time of clip
        return np.minimum(sums, 1.0, out=sums)


def unknown_labels(classes: Sequence[str], groups: Mapping[str, Iterable[str]], named: Iterable[str]) -> list[str]:
    """List labels among ``named`` that are neither classes nor groups."""
    known = {*classes, *groups}
    return sorted({*named} - known)
