"""Which photographs train, validate and test."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.listing import Listing, Part, Photo
from trainer.data.split import Split, split
from trainer.errors import InputError

PARTS: tuple[Part | None, ...] = ("train", "validation", "test", None)


def listing(*photos: tuple[int, Part | None], classes: int = 2) -> Listing:
    """Photographs as their class and part, named by their place."""
    root = Path("data")
    names = tuple(f"class{label}" for label in range(classes))
    files = (Photo(root / f"{at}.jpg", label, part) for at, (label, part) in enumerate(photos))
    return Listing(root, names, tuple(files))


def unlike(count: int) -> dict[int, bytes]:
    """Digests of so many different pictures."""
    return {index: index.to_bytes(4) for index in range(count)}


def parts_of(result: Split) -> list[set[int]]:
    return [{*part.tolist()} for part in (result.train, result.validation, result.test)]


@st.composite
def data_sets(draw: st.DrawFn) -> tuple[Listing, dict[int, bytes]]:
    """Three pictures or more a class, in given parts or none, some of them copies, some of them unreadable."""
    given_parts: tuple[Part | None, ...] = draw(
        st.sampled_from([(None,), (None, "test"), ("train", "test"), ("train", "validation", "test"), ("train",)])
    )
    classes = draw(st.integers(2, 4))
    photos: list[tuple[int, Part | None]] = []
    for label in range(classes):
        photos += [(label, given_parts[0])] * draw(st.integers(3, 12))
        photos += [(label, part) for part in given_parts[1:] for _ in range(draw(st.integers(1, 3)))]
    digests = unlike(len(photos))
    extra = draw(st.lists(st.tuples(st.sampled_from(range(len(photos))), st.sampled_from(given_parts)), max_size=8))
    for original, part in extra:
        digests[len(photos)] = digests[original]
        photos.append((photos[original][0], part))
    unreadable = draw(st.integers(0, 2))
    photos += [(0, given_parts[0])] * unreadable
    return listing(*photos, classes=classes), digests


@given(data_sets(), st.integers(0, 5))
def test_no_picture_stands_in_two_parts(data: tuple[Listing, dict[int, bytes]], seed: int) -> None:
    photographs, digests = data
    try:
        result, _ = split(photographs, digests, seed)
    except InputError as error:  # so many copies that nothing is left
        assert "too few" in str(error)
        return
    shown = [{digests[index] for index in part} for part in parts_of(result)]
    assert sum(map(len, shown)) == len(set.union(*shown))


@given(data_sets(), st.integers(0, 5))
def test_every_readable_picture_serves_for_something(data: tuple[Listing, dict[int, bytes]], seed: int) -> None:
    photographs, digests = data
    try:
        result, _ = split(photographs, digests, seed)
    except InputError:
        return
    assert {digests[index] for part in parts_of(result) for index in part} == {*digests.values()}


@given(data_sets(), st.integers(0, 5))
def test_what_the_user_tests_with_is_tested_with(data: tuple[Listing, dict[int, bytes]], seed: int) -> None:
    photographs, digests = data
    theirs = {index for index in digests if photographs.photos[index].part == "test"}
    if theirs:
        try:
            result, _ = split(photographs, digests, seed)
        except InputError:
            return
        assert theirs == {*result.test.tolist()}


def test_each_class_gives_the_same_share() -> None:
    photographs = listing(*[(0, None)] * 100, *[(1, None)] * 40)
    result, _ = split(photographs, unlike(140), 0)
    labels = [
        Counter(photographs.photos[at].label for at in part) for part in (result.train, result.validation, result.test)
    ]
    assert labels == [{0: 70, 1: 28}, {0: 15, 1: 6}, {0: 15, 1: 6}]


def test_the_seed_decides_the_deal() -> None:
    photographs = listing(*[(0, None)] * 50, *[(1, None)] * 50)
    first, again, other = (split(photographs, unlike(100), seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize(
    ("photo", "twin", "finding"),
    [
        ((0, "train"), (0, "test"), "data/0.jpg: the same picture as data/1.jpg: left out of training, so that"),
        ((0, "train"), (1, "train"), "data/1.jpg: the same picture as data/0.jpg, which is of another class"),
        ((0, "train"), (0, "train"), "data/1.jpg: the same picture as data/0.jpg"),
    ],
)
def test_copies_are_named(photo: Any, twin: Any, finding: str) -> None:
    others: list[tuple[int, Part | None]] = [(label, part) for label in (0, 1) for part in PARTS[:3] for _ in range(3)]
    photographs = listing(photo, twin, *others)
    digests = unlike(len(photographs.photos))
    digests[1] = digests[0]
    _, findings = split(photographs, digests, 0)
    assert str(findings[0]).startswith(finding)


def test_few_photographs_of_a_class_are_worth_a_word() -> None:
    photographs = listing(*[(0, None)] * 100, *[(1, None)] * 99)
    _, findings = split(photographs, unlike(199), 0)
    assert [str(each).partition(";")[0] for each in findings] == ["data: only 99 photographs of class class1"]


def test_a_class_without_a_readable_photograph_is_refused() -> None:
    photographs = listing(*[(0, None)] * 5, (1, None))
    with pytest.raises(InputError, match="data: class class1 has no photographs that can be read"):
        split(photographs, unlike(5), 0)


def test_a_class_with_too_few_photographs_is_refused() -> None:
    photographs = listing(*[(0, None)] * 5, (1, None), (1, None))
    with pytest.raises(InputError, match="class class1 has too few photographs: at least 3 different ones are needed"):
        split(photographs, unlike(7), 0)
