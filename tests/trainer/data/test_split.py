"""Which photographs train, validate and test."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("imagehash", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.data.listing import Listing, Part, Photo
from trainer.data.looks import Look, look
from trainer.data.parts import DIGEST_BYTES, Parts
from trainer.data.pixels import Pictures
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
    return {index: index.to_bytes(DIGEST_BYTES) for index in range(count)}


def shots(digests: dict[int, bytes], families: dict[int, int] | None = None) -> Pictures:
    """Pictures with these digests; those of one family, or digest, look nearly alike."""
    looks = {}
    for index, digest in digests.items():
        family = (families or {}).get(index)
        looks[index] = look_of(digest) if family is None else look_of(family.to_bytes(3), 1 + index % 50)
    return Pictures(np.empty(0, np.uint8), digests, looks, ())


@functools.cache
def look_of(seed: bytes, number: int = 0) -> Look:
    """What no other seed looks like; other numbers hardly differ."""
    cells = np.random.default_rng([*seed, len(seed)]).integers(0, 256, (16, 16, 3), np.uint8)
    image = cells.repeat(4, 0).repeat(4, 1)
    if number:
        image[:4, :4] = number * 5  # one cell tells it from its family
    return look(image)


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


@settings(max_examples=30, deadline=None)
@given(data_sets(), st.integers(0, 5))
def test_no_picture_stands_in_two_parts(data: tuple[Listing, dict[int, bytes]], seed: int) -> None:
    photographs, digests = data
    try:
        result, _ = split(photographs, shots(digests), seed)
    except InputError as error:  # so many copies that nothing is left
        assert "too few" in str(error)
        return
    shown = [{digests[index] for index in part} for part in parts_of(result)]
    assert sum(map(len, shown)) == len(set.union(*shown))


@settings(max_examples=30, deadline=None)
@given(data_sets(), st.integers(0, 5))
def test_every_readable_picture_serves_for_something(data: tuple[Listing, dict[int, bytes]], seed: int) -> None:
    photographs, digests = data
    try:
        result, _ = split(photographs, shots(digests), seed)
    except InputError:
        return
    assert {digests[index] for part in parts_of(result) for index in part} == {*digests.values()}


@settings(max_examples=30, deadline=None)
@given(data_sets(), st.integers(0, 5))
def test_what_the_user_tests_with_is_tested_with(data: tuple[Listing, dict[int, bytes]], seed: int) -> None:
    photographs, digests = data
    theirs = {index for index in digests if photographs.photos[index].part == "test"}
    if theirs:
        try:
            result, _ = split(photographs, shots(digests), seed)
        except InputError:
            return
        assert theirs == {*result.test.tolist()}


def test_each_class_gives_the_same_share() -> None:
    photographs = listing(*[(0, None)] * 100, *[(1, None)] * 40)
    result, _ = split(photographs, shots(unlike(140)), 0)
    labels = [
        Counter(photographs.photos[at].label for at in part) for part in (result.train, result.validation, result.test)
    ]
    assert labels == [{0: 70, 1: 28}, {0: 15, 1: 6}, {0: 15, 1: 6}]


def test_the_seed_decides_the_deal() -> None:
    photographs = listing(*[(0, None)] * 50, *[(1, None)] * 50)
    first, again, other = (split(photographs, shots(unlike(100)), seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def others(each: int = 3) -> list[tuple[int, Part | None]]:
    return [(label, part) for label in (0, 1) for part in PARTS[:3] for _ in range(each)]


def told(photographs: Listing, pictures: Pictures) -> tuple[Split, list[str]]:
    """A split, and what is said of it, but not that there are few photographs."""
    result, findings = split(photographs, pictures, 0)
    return result, [str(each) for each in findings if "only" not in each.message]


@pytest.mark.parametrize(
    ("photo", "twin", "finding"),
    [
        ((0, "train"), (0, "test"), "data: 1 photograph (data/0.jpg) are copies or near copies of those to test or"),
        ((0, "train"), (0, "train"), "data: 1 photograph is the same as another (data/1.jpg of data/0.jpg): kept in"),
    ],
)
def test_copies_are_told(photo: Any, twin: Any, finding: str) -> None:
    photographs = listing(photo, twin, *others())
    digests = unlike(len(photographs.photos))
    digests[1] = digests[0]
    _, findings = told(photographs, shots(digests))
    assert any(each.startswith(finding) for each in findings)


@pytest.mark.parametrize("part", ["train", "test", None])
def test_the_same_picture_under_two_labels_is_told_and_left_out(part: Part | None) -> None:
    rest = others() if part else [(label, None) for label in (0, 1) for _ in range(5)]
    photographs = listing((0, part), (1, part), *rest)
    digests = unlike(len(photographs.photos))
    digests[1] = digests[0]
    result, findings = told(photographs, shots(digests))
    assert not {0, 1} & set[int]().union(*parts_of(result))
    assert findings == [
        "data/0.jpg: the same picture as data/1.jpg, which is of class class1: both left out; delete the wrong one",
        "data/1.jpg: the same picture as data/0.jpg, which is of class class0: both left out; delete the wrong one",
    ]


def test_many_pictures_under_two_labels_are_told_in_few_lines() -> None:
    photographs = listing(*[(label, None) for label in (0, 1) for _ in range(40)])
    digests = unlike(80) | {40 + index: unlike(80)[index] for index in range(30)}
    result, findings = told(photographs, shots(digests))
    assert len(findings) == 11
    assert findings[-1] == "data: 50 more photographs are there under two labels: left out"
    assert sum(map(len, parts_of(result))) == 20


def test_near_copies_are_kept_in_one_part_and_told() -> None:
    photographs = listing(*[(label, None) for label in (0, 1) for _ in range(40)])
    families = {index: index // 4 for index in range(40)}  # bursts of four
    result, findings = told(photographs, shots(unlike(80), families))
    for first in range(0, 40, 4):
        assert sum(bool({*range(first, first + 4)} & part) for part in parts_of(result)) == 1
    assert findings == [
        "data: 30 photographs are near copies of others (data/1.jpg of data/0.jpg): kept in one part",
    ]


def test_near_copies_of_what_the_user_tests_with_are_not_learnt_from() -> None:
    photographs = listing((0, "train"), (0, "validation"), (0, "test"), *others())
    result, findings = told(photographs, shots(unlike(len(photographs.photos)), {0: 7, 1: 7, 2: 7}))
    train, validation, test = parts_of(result)
    assert 2 in test
    assert not {0, 1} & (train | validation)
    assert "data: 2 photographs (data/1.jpg) are copies or near copies of those to test" in findings[-1]


def test_a_validation_that_is_a_copy_of_the_test_is_made_anew() -> None:
    photographs = listing(*[(label, part) for part in PARTS[:3] for label in (0, 1) for _ in range(20)])
    digests = unlike(120) | {40 + index: unlike(120)[80 + index] for index in range(40)}
    result, findings = told(photographs, shots(digests))
    train, validation, test = parts_of(result)
    assert test == {*range(80, 120)}
    assert len(validation) == 6
    assert validation < {*range(40)}
    assert len(train) == 34
    assert "data: 40 photographs (data/40.jpg) are copies" in findings[-1]


def test_copies_that_are_left_out_are_not_said_to_be_kept() -> None:
    photographs = listing((0, "train"), (0, "test"), *others())
    _, findings = told(photographs, shots(unlike(len(photographs.photos)), {0: 7, 1: 7}))
    assert [each for each in findings if "kept in one part" in each] == []
    assert [each for each in findings if "left out, so that the test stays honest" in each]


def test_a_class_of_one_video_is_divided_all_the_same_and_told() -> None:
    photographs = listing(*[(label, None) for label in (0, 1) for _ in range(40)])
    result, findings = told(photographs, shots(unlike(80), dict.fromkeys(range(40), 7)))
    shares = [len({*range(40)} & part) for part in parts_of(result)]
    assert sum(shares) == 40
    assert 4 <= shares[1] <= 8
    assert 4 <= shares[2] <= 8
    assert "data: class class0 is little but near copies" in findings[-1]


def test_a_class_of_one_video_in_parts_of_the_users_own_keeps_its_parts() -> None:
    photographs = listing(*others(10))
    result, findings = told(photographs, shots(unlike(60), dict.fromkeys(range(30), 7)))
    assert [len(part) for part in parts_of(result)] == [20, 20, 20]
    assert "data: class class0 is little but near copies" in findings[-1]


def test_plain_pictures_are_no_copies_of_each_other() -> None:
    photographs = listing(*[(label, None) for label in (0, 1) for _ in range(20)])
    plain = {index: look(np.full((40, 40, 3), 5 * index, np.uint8)) for index in range(20)}
    pictures = shots(unlike(40))
    _, findings = told(photographs, Pictures(pictures.pixels, pictures.digests, {**pictures.looks, **plain}, ()))
    assert findings == []


@st.composite
def classes_in_families(draw: st.DrawFn) -> tuple[Listing, dict[int, int]]:
    """20 to 40 photographs a class, some of them in bursts of at most three."""
    photos: list[tuple[int, Part | None]] = []
    families: dict[int, int] = {}
    for label in range(draw(st.integers(2, 3))):
        count = draw(st.integers(20, 40))
        while count > 0:
            size = min(count, draw(st.integers(1, 3)))
            families |= {len(photos) + place: len(photos) for place in range(size)}
            photos += [(label, None)] * size
            count -= size
    photographs = listing(*photos, classes=3 if photos[-1][0] == 2 else 2)
    return photographs, families


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(classes_in_families(), st.integers(0, 2**32 - 1))
def test_every_picture_is_in_one_part_no_family_in_two_and_each_class_gives_its_share(
    data: tuple[Listing, dict[int, int]], seed: int
) -> None:
    photographs, families = data
    pictures = shots(unlike(len(photographs.photos)), families)
    result, _ = split(photographs, pictures, seed)
    parts = parts_of(result)
    assert sum(map(len, parts)) == len(photographs.photos) == len(set.union(*parts))
    groups = [{families[index] for index in part} for part in parts]
    assert sum(map(len, groups)) == len({*families.values()})
    for label in range(len(photographs.classes)):
        total = sum(photo.label == label for photo in photographs.photos)
        for part in parts[1:]:
            there = sum(photographs.photos[index].label == label for index in part)
            assert abs(there - 0.15 * total) <= 2


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(classes_in_families(), st.integers(0, 100), st.data())
def test_old_pictures_stay_in_their_part_and_new_ones_of_their_family_follow(
    data: tuple[Listing, dict[int, int]], seed: int, more: st.DataObject
) -> None:
    photographs, families = data
    pictures = shots(unlike(len(photographs.photos)), families)
    count = len(photographs.photos)
    fresh = more.draw(st.sets(st.integers(0, count - 1), max_size=count // 3))
    before = [photo for index, photo in enumerate(photographs.photos) if index not in fresh]
    if any(sum(photo.label == label for photo in before) < 10 for label in range(len(photographs.classes))):
        return
    kept_of = [index for index in range(count) if index not in fresh]
    smaller = Pictures(
        pictures.pixels,
        {place: pictures.digests[index] for place, index in enumerate(kept_of)},
        {place: pictures.looks[index] for place, index in enumerate(kept_of)},
        (),
    )
    first, _ = split(Listing(photographs.root, photographs.classes, tuple(before)), smaller, seed)
    kept = Parts.of(first, smaller.digests)
    again, _ = split(photographs, pictures, seed + 1, Parts.decode(kept.encode()))
    now = Parts.of(again, pictures.digests)
    assert all(now.part_of(digest) == kept.part_of(digest) for digest in smaller.digests.values())
    where = {families[index]: now.part_of(pictures.digests[index]) for index in kept_of}
    assert all(
        now.part_of(pictures.digests[index]) == where.get(families[index], now.part_of(pictures.digests[index]))
        for index in fresh
    )


def test_few_photographs_of_a_class_are_worth_a_word() -> None:
    photographs = listing(*[(0, None)] * 100, *[(1, None)] * 99)
    _, findings = split(photographs, shots(unlike(199)), 0)
    assert [str(each).partition(";")[0] for each in findings] == ["data: only 99 photographs of class class1"]


def test_a_class_without_a_readable_photograph_is_refused() -> None:
    photographs = listing(*[(0, None)] * 5, (1, None))
    with pytest.raises(InputError, match="data: class class1 has no photographs that can be read"):
        split(photographs, shots(unlike(5)), 0)


def test_a_class_with_too_few_photographs_is_refused() -> None:
    photographs = listing(*[(0, None)] * 5, (1, None), (1, None))
    with pytest.raises(InputError, match="class class1 has too few photographs: at least 3 different ones are needed"):
        split(photographs, shots(unlike(7)), 0)
