"""From a model's classes to the labels that are reported."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam import config

# Names for nothing in particular, where neither the settings nor the model tell others.
UNDECIDED = ("background", "__background__", "???", "unknown")  # also where "nothing" is an answer: is the bin there?
NEUTRAL = (*UNDECIDED, "nothing", "none")
MOST_MISTAKES = 5


class LabelledModel(Protocol):
    """What a model tells of its labels."""

    @property
    def classes(self) -> Sequence[str]:
        """Names, one a score."""

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Classes that count as one, by its name."""

    @property
    def neutral(self) -> Sequence[str] | None:
        """Classes that begin no event; None: those that are usual."""


class Labels:
    """The reported labels of a model: its classes, less ignored ones, with groups counted as one.

    Attributes:
        names: K names.
        indices: for each name the class index in the model, or None for a group.
        neutral: places of the names that begin no event, though they may lead: those of neutral labels, and of groups
            of nothing else.
    """

    def __init__(
        self,
        classes: Sequence[str],
        groups: Mapping[str, Iterable[str]] | None = None,
        ignore: Iterable[str] = (),
        neutral: Iterable[str] = NEUTRAL,
    ) -> None:
        """Group and sort out classes; members and ignored labels that the model lacks have no effect.

        Args:
            classes: the model's, one a score.
            groups: of labels that count as one; none is in two.
            ignore: labels that are left out, of which a group leaves out its members too.
            neutral: names in any case.
        """
        groups, ignored = groups or {}, {*ignore}
        hidden = ignored | {member for group in ignored & {*groups} for member in groups[group]}
        known = {*classes} - hidden
        owners = {member: group for group, members in groups.items() for member in members if member in known}
        grouped = {*owners.values()}
        places: dict[str, int] = {}
        indices: list[int | None] = []
        eventful: set[str] = set()
        plain = {_plain(label) for label in neutral}
        self._places = np.full(len(classes), -1, np.intp)
        for index, label in enumerate(classes):
            if label in hidden:
                continue
            name = owners.get(label, label)
            if name not in places:
                places[name] = len(places)
                indices.append(None if name in grouped else index)
            if _plain(label) not in plain and _plain(name) not in plain:
                eventful.add(name)
            self._places[index] = places[name]
        self.names = tuple(places)
        self.indices = tuple(indices)
        self.neutral = frozenset(place for name, place in places.items() if name not in eventful)
        self._places[self._places < 0] = len(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def scores(self, classes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sum the scores of each label's classes: float32 [classes] to float64 [K] in 0..1."""
        sums = np.bincount(self._places, classes, len(self) + 1)[:-1].astype(np.float64, copy=False)
        np.maximum(sums, 0.0, out=sums)  # with minimum, in half the time of clip
        return np.minimum(sums, 1.0, out=sums)


def labels_of(model: LabelledModel, settings: config.EventsSettings) -> Labels:
    """Return a model's labels: groups and neutral ones as the settings say, else as the model does."""
    neutral = model.neutral if settings.neutral == "auto" else settings.neutral
    if neutral is None:
        neutral = UNDECIDED if settings.kind == "state" else NEUTRAL
    return Labels(model.classes, _groups(model, settings), settings.ignore, neutral)


def mistakes(model: LabelledModel, settings: config.EventsSettings) -> list[str]:
    """Name what the settings say of labels to no effect, a line each; of many, the first few."""
    found = [*islice(_mistakes(model, settings), MOST_MISTAKES + 1)]
    if len(found) > MOST_MISTAKES:
        found[-1] = "events: the settings name more labels that the model lacks"
    return found


def _groups(model: LabelledModel, settings: config.EventsSettings) -> Mapping[str, Sequence[str]]:
    return model.groups if settings.groups is None else settings.groups


def _mistakes(model: LabelledModel, settings: config.EventsSettings) -> Iterator[str]:
    groups = _groups(model, settings)
    named = {*model.classes, *groups}
    for key, labels in (("ignore", settings.ignore), ("thresholds", settings.thresholds)):
        yield from (unknown(f"events.{key}", label, named) for label in labels if label not in named)
    if settings.neutral != "auto":
        plain = {_plain(label) for label in (*named, *NEUTRAL)}
        yield from (unknown("events.neutral", label, named) for label in settings.neutral if _plain(label) not in plain)
    owners = {member: group for group, members in groups.items() for member in members}
    reported = {*labels_of(model, settings).names}
    for label in settings.thresholds:
        group = owners.get(label)
        if group in reported and label not in {*reported, *settings.ignore}:
            yield f"events.thresholds: {label!r} counts for the group {group!r}: only a threshold of {group!r} counts"
    classes = {*model.classes}
    for group, members in (settings.groups or {}).items():
        if members and classes.isdisjoint(members):
            yield f"events.groups.{group}: the model has none of its labels"
            continue
        yield from (
            unknown(f"events.groups.{group}", label, model.classes) for label in members if label not in classes
        )


def unknown(key: str, label: str, known: Iterable[str], problem: str = "the model has no label") -> str:
    """Say that a label in the settings is not known, and which one may have been meant."""
    import difflib  # where nothing is wrong it is not needed

    plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(label), plain, 1)
    return f"{key}: {problem} {label!r}" + (f"; did you mean {plain[near[0]]!r}?" if near else "")


def _plain(label: str) -> str:
    return label.strip().casefold()
