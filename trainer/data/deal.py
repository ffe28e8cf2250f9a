"""Deals groups of photographs out to train, validate and test with."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from trainer.data.listing import Part

SHARE = 0.15  # of the photographs of each class, for each of validation and test


def deal(
    groups: Sequence[Sequence[int]],
    labels: NDArray[np.int64],
    wanted: Sequence[Part],
    old: Mapping[int, Part],
    rng: np.random.Generator,
) -> dict[Part, set[int]]:
    """Deal photographs out, each group into one part, so that each class gives its share to each part.

    scikit-learn's StratifiedGroupKFold makes folds of one size, and moves what was dealt before; hence this.

    Args:
        groups: photographs that stay together; of the order nothing depends but the deal.
        labels: of all photographs.
        wanted: which parts to deal to, besides train.
        old: photographs that stay in the part where they were; new ones of their groups follow them.
        rng: decides on the rest.
    """
    return _Table(labels, wanted).dealt(groups, old, rng)


class _Table:
    """The parts, as they fill."""

    def __init__(self, labels: NDArray[np.int64], wanted: Sequence[Part]) -> None:
        self._labels = labels
        self._wanted = wanted
        self._parts: dict[Part, list[Sequence[int]]] = {part: [] for part in ("train", *wanted)}
        self._have: dict[Part, Counter[int]] = {part: Counter() for part in self._parts}
        self._share: dict[int, int] = {}

    def dealt(
        self, groups: Sequence[Sequence[int]], old: Mapping[int, Part], rng: np.random.Generator
    ) -> dict[Part, set[int]]:
        total = Counter(int(self._labels[index]) for group in groups for index in group)
        self._share = {label: max(1, round(SHARE * count)) for label, count in total.items()}
        new = []
        for place in rng.permutation(len(groups)):
            stays = [old[index] for index in groups[place] if old.get(index) in self._parts]
            if stays:
                self._follow(groups[place], old, max(self._parts, key=stays.count))
            else:
                new.append(groups[place])
        for group in new:
            self._put(group, next((part for part in self._wanted if self._fits(group, part)), "train"))
        for label in total:
            for part in self._wanted:
                if not self._have[part][label]:
                    self._move(label, part, {id(group) for group in new})
        return {part: {index for group in held for index in group} for part, held in self._parts.items()}

    def _put(self, group: Sequence[int], part: Part) -> None:
        self._parts[part].append(group)
        self._have[part].update(self._counts(group))

    def _follow(self, group: Sequence[int], old: Mapping[int, Part], most: Part) -> None:
        for part in self._parts:
            staying = [index for index in group if old.get(index, most) == part]
            if part == most:
                staying += [index for index in group if index in old and old[index] not in self._parts]
            if staying:
                self._put(staying, part)

    def _fits(self, group: Sequence[int], part: Part) -> bool:
        """Whether it brings the part nearer to its share of each class."""
        have = self._have[part]
        return all(
            abs(have[label] + count - self._share[label]) < abs(self._share[label] - have[label])
            for label, count in self._counts(group).items()
        )

    def _move(self, label: int, part: Part, movable: set[int]) -> None:
        """Give a part that has none of a class the smallest group that training can do without."""
        for group in sorted(self._parts["train"], key=len):
            counts = self._counts(group)
            spared = all(self._have["train"][each] > count for each, count in counts.items())
            if counts[label] and spared and id(group) in movable:
                self._parts["train"] = [each for each in self._parts["train"] if each is not group]
                self._have["train"].subtract(counts)
                self._put(group, part)
                return

    def _counts(self, group: Sequence[int]) -> Counter[int]:
        return Counter(int(self._labels[index]) for index in group)
