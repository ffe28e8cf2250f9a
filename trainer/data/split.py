"""Which photographs serve to train, to validate and to test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.deal import SHARE, deal
from trainer.data.groups import cut, listed, united
from trainer.data.listing import Finding, shown
from trainer.data.near_copies import near_copies
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.data.listing import Listing, Part
    from trainer.data.parts import Parts
    from trainer.data.pixels import Pictures

FEW = 100
LEAST = 3
NAMED = 10  # of photographs with the same fault
MOST_LEFT_OUT = 0.5  # of a class's photographs in a part, as near copies of what is tested with


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the photographs that train, validate and test: int64 each; in no two of them the same picture."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split(listing: Listing, pictures: Pictures, seed: int, kept: Parts | None = None) -> tuple[Split, list[Finding]]:
    """Decide which readable photograph serves what for.

    Photographs that the user put into no part are dealt out at random, a share of each class to each part that the
    user did not make, or made of nothing but copies. Copies and near copies stay together: what the user tests with
    stays there, and its copies elsewhere are left out. The same picture under two labels is left out everywhere.

    Args:
        listing: all files.
        pictures: the readable ones.
        seed: of the deal.
        kept: a split that was made before: what it knows stays in its part, where the user's folders do not say
            otherwise, and near copies of that go there too.

    Raises:
        InputError: a class has no photographs, or too few to train, validate and test.
    """
    sorting = _Sorting(listing, pictures)
    parts = sorting.given()
    wanted: list[Part] = [part for part in ("test", "validation") if not parts[part]]
    free = sorted(parts["train"])
    if wanted:
        old = {} if kept is None else {index: kept.part_of(pictures.digests[index]) for index in free}
        parts |= sorting.dealt(free, wanted, {index: part for index, part in old.items() if part}, seed)
    # Old photographs stay where they were, though a class may have no new one for a part that has none of it.
    _check(listing, parts, wanted if kept is None else ())
    findings = [*sorting.findings(), *_few(listing, pictures.digests)]
    return Split(*(np.array(sorted(parts[part]), np.int64) for part in ("train", "validation", "test"))), findings


class _Sorting:
    """Photographs on their way into parts, and what there is to tell of them.

    Arrays are over all of the listing; what cannot be read has no family.
    """

    def __init__(self, listing: Listing, pictures: Pictures) -> None:
        self._listing = listing
        self._readable = [*pictures.digests]
        count = len(listing.photos)
        self._labels = np.array([photo.label for photo in listing.photos], np.int64)
        self._content = np.full(count, -1)
        known: dict[bytes, int] = {}
        for index, digest in pictures.digests.items():
            self._content[index] = known.setdefault(digest, index)
        names = [shown(listing.photos[index].path) for index in self._readable]
        readable = np.array(self._readable, np.int64)
        found = near_copies([pictures.looks[index] for index in self._readable], self._labels[readable], names)
        self._family = np.full(count, -1)
        self._family[readable] = united(found.family, self._content[readable])
        self._twins = {self._readable[one]: self._readable[other] for one, other in found.twins.items()}
        self._twins |= self._copies_of_other_classes()
        self._held_back: list[int] = []
        self._leaking: set[int] = set()
        self._apart: list[int] = []

    def _copies_of_other_classes(self) -> dict[int, int]:
        """Photographs of which the very same file is there under another label, with that one."""
        of_content: dict[int, dict[int, int]] = {}
        for index in self._readable:
            of_content.setdefault(int(self._content[index]), {}).setdefault(int(self._labels[index]), index)
        twins = {}
        for index in self._readable:
            first = of_content[int(self._content[index])]
            other = next((each for label, each in first.items() if label != self._labels[index]), None)
            if other is not None:
                twins[index] = other
        return twins

    def given(self) -> dict[Part, set[int]]:
        """Sort photographs into the parts that the user made; those of no part are for training."""
        parts: dict[Part, set[int]] = {"train": set(), "validation": set(), "test": set()}
        for index in self._readable:
            if index not in self._twins:
                parts[self._listing.photos[index].part or "train"].add(index)
        if not any(photo.part == "train" for photo in self._listing.photos):
            parts["train"] = {index for index in parts["train"] if self._listing.photos[index].part is None}
        held: set[int] = set()
        for part in ("test", "validation", "train"):
            parts[part] = self._without_copies(parts[part], held)
            held |= parts[part]
        return parts

    def _without_copies(self, chosen: set[int], held: set[int]) -> set[int]:
        """Leave out what is a copy, or a near copy, of what is held for testing or validating."""
        contents, families = ({int(each[index]) for index in held} for each in (self._content, self._family))
        near = {index for index in chosen if int(self._family[index]) in families}
        copies = {index for index in near if int(self._content[index]) in contents}
        all_of_class, near_of_class, copies_of_class = (
            Counter(int(self._labels[index]) for index in some) for some in (chosen, near, copies)
        )
        # Of a class all of whose photographs are alike, as a fixed camera's are, nothing would be left.
        alike = {
            label
            for label, count in near_of_class.items()
            if count > copies_of_class[label] and count > MOST_LEFT_OUT * all_of_class[label]
        }
        self._leaking |= alike
        out = copies | {index for index in near if int(self._labels[index]) not in alike}
        self._held_back += sorted(out)
        return chosen - out

    def dealt(
        self, free: Sequence[int], wanted: Sequence[Part], old: Mapping[int, Part], seed: int
    ) -> dict[Part, set[int]]:
        """Deal photographs out to parts that the user did not make."""
        if not free:
            return {}
        chosen = np.array(free, np.int64)
        group = np.full(len(self._family), -1)
        group[chosen], self._apart = cut(self._family[chosen], self._content[chosen], self._labels[chosen], SHARE)
        return deal(listed(group, free), self._labels, wanted, old, np.random.default_rng(seed))

    def findings(self) -> Iterator[Finding]:
        """Tell what was found, in a line or a few for each kind."""
        photos, root = self._listing.photos, self._listing.root
        for index, other in [*sorted(self._twins.items())][:NAMED]:
            twin = photos[other]
            message = (
                f"the same picture as {shown(twin.path)}, which is of class {self._listing.classes[twin.label]}: "
                "both left out; delete the wrong one"
            )
            yield Finding(photos[index].path, message)
        if (more := len(self._twins) - NAMED) > 0:
            yield Finding(root, f"{more} more photographs are there under two labels: left out")
        copies = self._repeated(self._content)
        if copies:
            yield Finding(root, f"{self._example(copies, self._content, 'the same as')}: kept in one part")
        near = [index for index in self._repeated(self._family) if index not in {*copies}]
        if near:
            yield Finding(root, f"{self._example(near, self._family, 'near copies of')}: kept in one part")
        if self._held_back:
            message = (
                f"{_photographs(len(self._held_back))} ({shown(photos[self._held_back[0]].path)}) are copies or near "
                "copies of those to test or validate with: left out, so that the test stays honest"
            )
            yield Finding(root, message)
        for label in sorted({*self._apart} | self._leaking):
            message = (
                f"class {self._listing.classes[label]} is little but near copies, as of one video or one fixed camera: "
                "they are in several parts all the same, and the test says more of these pictures than of new ones"
            )
            yield Finding(root, message)

    def _repeated(self, kind: NDArray[np.int64]) -> list[int]:
        """All but the first of each set of equals, without what is left out."""
        seen: set[int] = set()
        left_out = {*self._twins, *self._held_back}
        repeated = []
        for index in self._readable:
            if index not in left_out:
                if int(kind[index]) in seen:
                    repeated.append(index)
                seen.add(int(kind[index]))
        return repeated

    def _example(self, repeated: Sequence[int], kind: NDArray[np.int64], relation: str) -> str:
        one = repeated[0]
        other = next(index for index in self._readable if kind[index] == kind[one] and index not in self._twins)
        photos = self._listing.photos
        verb = "are" if len(repeated) > 1 else "is"
        relation = relation if len(repeated) > 1 else relation.replace("near copies", "a near copy")
        others = "others" if len(repeated) > 1 else "another"
        return (
            f"{_photographs(len(repeated))} {verb} {relation} {others} "
            f"({shown(photos[one].path)} of {shown(photos[other].path)})"
        )


def _photographs(count: int) -> str:
    return f"{count:,} photographs" if count != 1 else "1 photograph"


def _check(listing: Listing, parts: Mapping[Part, set[int]], dealt: Sequence[Part]) -> None:
    mistakes = []
    for label, name in enumerate(listing.classes):
        counts = {part: sum(listing.photos[index].label == label for index in chosen) for part, chosen in parts.items()}
        if not sum(counts.values()):
            mistakes.append(f"class {name} has no photographs that can be read")
        elif not all(counts[part] for part in ("train", *dealt)):
            mistakes.append(f"class {name} has too few photographs: at least {LEAST} different ones are needed")
    if mistakes:
        message = f"{listing.root}: {'; '.join(mistakes)}"
        raise InputError(message)


def _few(listing: Listing, readable: Mapping[int, bytes]) -> Iterator[Finding]:
    counts = Counter(listing.photos[index].label for index in readable)
    for label, name in enumerate(listing.classes):
        if counts[label] < FEW:
            message = (
                f"only {counts[label]} photographs of class {name}; with {FEW} or more, taken in different light and "
                "from different sides, it will know more"
            )
            yield Finding(listing.root, message)
