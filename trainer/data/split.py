"""Which photographs serve to train, to validate and to test."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.listing import Finding, shown
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.data.listing import Listing, Part

SHARE = 0.15  # of the photographs, for each of validation and test where the user made none
FEW = 100
LEAST = 3


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the photographs that train, validate and test: int64 each; in no two of them the same picture."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split(listing: Listing, digests: Mapping[int, bytes], seed: int) -> tuple[Split, list[Finding]]:
    """Decide which readable photograph serves what for.

    Photographs that the user put into no part are dealt out at random, a share of each class to each part that the
    user did not make. The same picture never stands in two parts: copies follow the first of them, and a copy of what
    the user tests or validates with is not trained with.

    Args:
        listing: all files.
        digests: for the index of each readable one, a digest of its pixels.
        seed: of the deal.

    Raises:
        InputError: a class has no photographs, or too few to train, validate and test.
    """
    findings = list(_copies(listing, digests))
    given = {photo.part for photo in listing.photos}
    chosen: dict[Part, set[int]] = {"train": set(), "validation": set(), "test": set()}
    held_out: set[bytes] = set()
    for part in ("test", "validation", "train"):
        for index, digest in digests.items():
            if listing.photos[index].part == part and digest not in held_out:
                chosen[part].add(index)
        held_out |= {digests[index] for index in chosen[part]}
    if "train" in given:
        free = sorted(chosen["train"])
    else:
        free = [index for index, digest in digests.items() if listing.photos[index].part is None]
        free = [index for index in free if digests[index] not in held_out]
    wanted: list[Part] = [part for part in ("test", "validation") if part not in given]
    dealt = _deal(listing, free, digests, wanted, np.random.default_rng(seed))
    parts = {**chosen, **dealt}
    _check(listing, parts)
    findings += _few(listing, digests)
    return Split(*(np.array(sorted(parts[part]), np.int64) for part in ("train", "validation", "test"))), findings


def _deal(
    listing: Listing,
    free: Sequence[int],
    digests: Mapping[int, bytes],
    wanted: Sequence[Part],
    rng: np.random.Generator,
) -> dict[Part, set[int]]:
    """Deal pictures, all copies of one together, to the wanted parts; the rest is for training."""
    copies: dict[bytes, list[int]] = defaultdict(list)
    for index in free:
        copies[digests[index]].append(index)
    pictures: dict[int, list[list[int]]] = defaultdict(list)
    for group in copies.values():
        pictures[listing.photos[group[0]].label].append(group)
    dealt: dict[Part, set[int]] = {part: set() for part in ("train", *wanted)}
    for groups in pictures.values():
        order = [groups[place] for place in rng.permutation(len(groups))]
        for part in wanted:
            count = max(1, round(SHARE * len(groups)))
            dealt[part].update(*order[:count])
            order = order[count:]
        dealt["train"].update(*order)
    return dealt


def _copies(listing: Listing, digests: Mapping[int, bytes]) -> Iterator[Finding]:
    """Name photographs that are there twice."""
    first: dict[bytes, int] = {}
    rank = {"test": 0, "validation": 1, "train": 2, None: 3}
    for index in sorted(digests, key=lambda each: rank[listing.photos[each].part]):
        other = first.setdefault(digests[index], index)
        if other == index:
            continue
        photo, twin = listing.photos[index], listing.photos[other]
        message = f"the same picture as {shown(twin.path)}"
        if photo.label != twin.label:
            message += ", which is of another class: one of the two is wrong"
        elif photo.part != twin.part:
            message += ": left out of training, so that the test stays honest"
        yield Finding(photo.path, message)


def _check(listing: Listing, parts: Mapping[Part, set[int]]) -> None:
    mistakes = []
    for label, name in enumerate(listing.classes):
        counts = {part: sum(listing.photos[index].label == label for index in chosen) for part, chosen in parts.items()}
        if not sum(counts.values()):
            mistakes.append(f"class {name} has no photographs that can be read")
        elif not counts["train"]:
            mistakes.append(f"class {name} has too few photographs: at least {LEAST} different ones are needed")
    if mistakes:
        message = f"{listing.root}: {'; '.join(mistakes)}"
        raise InputError(message)


def _few(listing: Listing, readable: Iterable[int]) -> Iterator[Finding]:
    counts = Counter(listing.photos[index].label for index in readable)
    for label, name in enumerate(listing.classes):
        if counts[label] < FEW:
            message = (
                f"only {counts[label]} photographs of class {name}; with {FEW} or more, taken in different light and "
                "from different sides, it will know more"
            )
            yield Finding(listing.root, message)
