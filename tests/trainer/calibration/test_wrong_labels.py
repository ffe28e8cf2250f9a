"""Photographs in the folder of another class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("cleanlab", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.calibration.wrong_labels import wrong_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def clusters(each: int, classes: int = 4, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features of classes that overlap a little."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    middles = rng.normal(0, 1, (classes, 32))
    return (middles[labels] + rng.normal(0, 1, (len(labels), 32))).astype(np.float32), labels


@pytest.mark.parametrize("seed", range(3))
def test_swapped_labels_are_found_with_what_they_look_like(seed: int) -> None:
    features, right = clusters(60, seed=seed)
    rng = np.random.default_rng(seed)
    swapped = rng.permutation(len(right))[:12]
    labels = right.copy()
    labels[swapped] = (right[swapped] + rng.integers(1, 4, 12)) % 4
    found = wrong_labels(features, labels)
    indices = [each.index for each in found]
    assert len({*indices} & {*swapped.tolist()}) >= 7
    assert len({*indices} - {*swapped.tolist()}) <= 2
    assert [each.score for each in found] == sorted(each.score for each in found)
    of_swapped = [each for each in found if each.index in swapped]
    assert all(each.label == labels[each.index] for each in found)
    assert np.mean([each.looks_like == right[each.index] for each in of_swapped]) > 0.9


def test_the_places_of_classes_are_kept_where_some_have_no_pictures() -> None:
    features, right = clusters(60, classes=2)
    labels = np.where(right == 0, 3, 7)
    labels[:3] = 7
    found = wrong_labels(features, labels)
    assert {0, 1, 2} & {each.index for each in found}
    assert {(each.label, each.looks_like) for each in found} == {(7, 3)}


def test_the_same_seed_finds_the_same() -> None:
    features, labels = clusters(20)
    labels[:3] = 2
    assert wrong_labels(features, labels, seed=1) == wrong_labels(features, labels, seed=1)


@pytest.mark.parametrize("counts", [(), (50,), (50, 4)])
def test_of_few_pictures_nothing_is_said(counts: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(len(counts)), np.array(counts, np.int64))
    assert wrong_labels(np.random.default_rng(0).normal(size=(len(labels), 8)).astype(np.float32), labels) == ()
