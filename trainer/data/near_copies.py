"""Which photographs are nearly the same: saved again, made smaller, mirrored, or a moment later out of one video.

Measured on 1,564 photographs of clothing, 300 of ImageNet and the frames of two videos: ``NEAR`` finds each of 250
photographs after JPEG quality 30 to 95 and at a quarter of its size to twice it, and of all 1.7 million pairs of
different photographs none (the nearest have 0.269). Of neighbours among the frames of a standing camera
99.7 % fall into one family at 0.1 s and 89 % at 0.5 s; of one that sways over gravel and fades from scene to scene 86 %
and 57 %. Where the files are numbered one picture is laid over the next (``SHIFTED``), which makes that 99.7 and 95 %,
100 and 74 %.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from trainer.data.looks import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.data.looks import Look

NEAR = 0.26  # of the cells that grow darker in either picture, how many may do so in one of them alone
LIKE_COLOURS = 10.0  # mean difference of 16 cells, of 255
SAME = 12  # the greatest difference of 4,096 cells, of 255: JPEG quality 30 makes 11
SHIFTED = 0.35  # 1 less the correlation of details where two pictures overlap; 6 in 23,000 different pairs have 0.32
OVERLAP = 0.6
ROWS, CHECKED = 256, 50_000  # at once, so that memory stays small
WINDOW = np.outer(np.hanning(SIDE), np.hanning(SIDE)).astype(np.float32)
NUMBER = re.compile(r"\d+(?=\D*$)")


@dataclass(frozen=True, slots=True)
class NearCopies:
    """What was found among photographs, which are numbered as they were given.

    Attributes:
        family: int64, for each photograph which family it belongs to: those that are linked by near copies.
        twins: for photographs of which the same picture is there under another label, one such.
    """

    family: NDArray[np.int64]
    twins: Mapping[int, int]


def near_copies(looks: Sequence[Look], labels: NDArray[np.int64], names: Sequence[str]) -> NearCopies:
    """Find near copies; plain photographs have none, as nothing tells them apart.

    Args:
        looks: of the photographs.
        labels: their classes.
        names: their files, with folders.
    """
    family = np.arange(len(looks))
    twin = np.full(len(looks), -1)
    for pairs in _alike(looks, labels, family, twin) if looks else ():
        for one, other in pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]].tolist():
            if min(twin[one], twin[other]) < 0 and _is_same(looks[one], looks[other]):
                for each, of_other_class in ((one, other), (other, one)):
                    if twin[each] < 0:
                        twin[each] = of_other_class
        family[:] = _joined(family, pairs)
    shifted = [
        (one, other)
        for one, other in _neighbours(names, labels)
        if family[one] != family[other] and _is_shifted(looks[one], looks[other])
    ]
    family[:] = _joined(family, np.array(shifted, np.int64).reshape(-1, 2))
    return NearCopies(family, {int(index): int(twin[index]) for index in np.flatnonzero(twin >= 0)})


def _is_same(one: Look, other: Look) -> bool:
    return bool(np.abs(one.grey.astype(np.int16) - other.grey).max() <= SAME)


def _joined(family: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Unite the families of pairs; a family is known by the first of its photographs."""
    count = len(family)
    one, other = (np.concatenate([pairs[:, side], each]) for side, each in enumerate((np.arange(count), family)))
    links = coo_array((np.ones(len(one), np.bool_), (one, other)), (count, count))
    component = connected_components(links, directed=False)[1]
    first = np.unique(component, return_index=True)[1]
    return np.asarray(first[component], np.int64)


def _alike(
    looks: Sequence[Look], labels: NDArray[np.int64], family: NDArray[np.int64], twin: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Go through the pairs that look alike, but not through those that would tell nothing new.

    Products of matrices count the cells that two pictures have in common: 20,000 pictures take seconds.
    """
    marked = np.array([each.hash for each in looks], np.float32)
    mirrored = np.array([each.mirrored for each in looks], np.float32)
    colours = np.array([each.colours for each in looks], np.float32).reshape(len(looks), -1)
    turned = np.array([each.colours[:, ::-1] for each in looks], np.float32).reshape(len(looks), -1)
    plain = np.array([each.is_plain for each in looks])
    for start in range(0, len(looks), ROWS):
        rows = slice(start, start + ROWS)
        for others, their_colours in ((marked, colours), (mirrored, turned)):
            # Only with what comes later, as a pair is the same both ways.
            near = _are_near(marked[rows], others[start:], plain[rows], plain[start:])
            one, other = (place + start for place in np.nonzero(near))
            crossing = (labels[one] != labels[other]) & (np.minimum(twin[one], twin[other]) < 0)
            new = (one < other) & ((family[one] != family[other]) | crossing)
            one, other = one[new], other[new]
            for at in range(0, len(one), CHECKED):
                some, theirs = one[at : at + CHECKED], other[at : at + CHECKED]
                like = np.abs(colours[some] - their_colours[theirs]).mean(axis=1) <= LIKE_COLOURS
                yield np.column_stack([some[like], theirs[like]])


def _are_near(
    rows: NDArray[np.float32], others: NDArray[np.float32], plain: NDArray[np.bool_], others_plain: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Bool [rows, others]: either - common <= NEAR * either, with either = one + other - common; not of plain ones."""
    factor = (1 - NEAR) / (2 - NEAR)
    least = np.where(plain, np.inf, rows.sum(axis=1) * factor).astype(np.float32)
    theirs = np.where(others_plain, np.inf, others.sum(axis=1) * factor).astype(np.float32)
    surplus = rows @ others.T
    surplus -= theirs
    near: NDArray[np.bool_] = surplus >= least[:, np.newaxis]
    return near


def _neighbours(names: Sequence[str], labels: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Photographs of one class whose names differ in their last number alone, each with the next of them."""
    numbered = []
    for index, name in enumerate(names):
        if found := NUMBER.search(name):
            around = name[: found.start()], name[found.end() :]
            numbered.append((*around, int(labels[index]), int(found[0]), index))
    numbered.sort()
    for one, other in itertools.pairwise(numbered):
        if one[:3] == other[:3]:
            yield one[-1], other[-1]


def _is_shifted(one: Look, other: Look) -> bool:
    """Whether one picture shows what the other does, elsewhere, as when a camera turns (phase correlation)."""
    if one.is_plain or other.is_plain:
        return False
    first, second = _details(one), _details(other)
    spectrum = np.conj(np.fft.rfft2(first * WINDOW)) * np.fft.rfft2(second * WINDOW)
    peak = np.fft.irfft2(spectrum / np.maximum(np.abs(spectrum), 1e-9), (SIDE, SIDE)).argmax()
    down, right = ((int(each) + SIDE // 2) % SIDE - SIDE // 2 for each in divmod(int(peak), SIDE))
    if (SIDE - abs(down)) * (SIDE - abs(right)) < OVERLAP * SIDE * SIDE:
        return False
    common = first[_shown(-down), _shown(-right)].ravel(), second[_shown(down), _shown(right)].ravel()
    return bool(1 - np.corrcoef(*common)[0, 1] <= SHIFTED)


def _details(look: Look) -> NDArray[np.float32]:
    grey = look.grey.astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 4), np.float32)


def _shown(shift: int) -> slice:
    return slice(max(0, shift), SIDE + min(0, shift))
