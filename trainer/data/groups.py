"""Photographs that stay together: copies of one another, and near copies as far as a class has others besides."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_GROUPS = 3  # one to train, one to validate and one to test with
MOST = 0.5  # of a class in one group


def united(family: NDArray[np.int64], content: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put families together that share a content.

    Args:
        family: of each photograph.
        content: equal for those whose files are the same.
    """
    first: dict[int, int] = {}
    joined: dict[int, int] = {}

    def root(each: int) -> int:
        while joined.get(each, each) != each:
            each = joined[each]
        return each

    for one, same in zip(family.tolist(), content.tolist(), strict=True):
        joined[root(one)] = root(first.setdefault(same, one))
    return np.array([root(each) for each in family.tolist()], np.int64)


def cut(
    family: NDArray[np.int64], content: NDArray[np.int64], labels: NDArray[np.int64], share: float
) -> tuple[NDArray[np.int64], list[int]]:
    """Cut families that hold so much of a class that it could not be divided.

    As those of one fixed camera's photographs do, or of a video. They are cut into runs of photographs that follow each
    other, of ``share`` of the class at the most; copies stay together nevertheless.

    Args:
        family: of each photograph, in the order in which they were taken as far as that is known.
        content: equal for those whose files are the same.
        labels: their classes.
        share: of a class's different photographs.

    Returns:
        The groups, and the classes in which near copies were cut apart.
    """
    group = family.copy()
    apart = []
    for label in np.unique(labels):
        of_class = labels == label
        sizes = {int(each): len(np.unique(content[of_class & (group == each)])) for each in np.unique(group[of_class])}
        count = sum(sizes.values())
        if max(sizes.values()) <= MOST * count and len(sizes) >= LEAST_GROUPS:
            continue
        bound = max(1, int(share * count))
        large = [each for each, size in sizes.items() if size > bound]
        if large:
            apart.append(int(label))
        for each in large:
            _cut(group, content, np.flatnonzero(group == each), bound)
    return group, apart


def _cut(group: NDArray[np.int64], content: NDArray[np.int64], members: NDArray[np.int64], bound: int) -> None:
    place = {each: at for at, each in enumerate(dict.fromkeys(content[members].tolist()))}
    runs = np.array([place[each] // bound for each in content[members].tolist()], np.int64)
    group[members] = group.max() + 1 + runs


def listed(group: NDArray[np.int64], members: Sequence[int]) -> list[list[int]]:
    """List the members of each group, in their order."""
    lists: dict[int, list[int]] = defaultdict(list)
    for index in members:
        lists[int(group[index])].append(index)
    return [*lists.values()]
