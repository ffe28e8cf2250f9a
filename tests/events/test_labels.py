"""From classes to reported labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import EventsSettings
from edgecam.events.labels import Labels, unknown_labels

CLASSES = ("background", "tabby", "Egyptian cat", "fox", "cup")


def scored(labels: Labels, scores: list[float]) -> dict[str, float]:
    return dict(zip(labels.names, labels.scores(np.array(scores, np.float32)).tolist(), strict=True))


def test_a_group_has_the_sum_of_its_labels() -> None:
    labels = Labels(CLASSES, {"cat": ["tabby", "Egyptian cat"]})
    assert scored(labels, [0, 0.25, 0.5, 0.125, 0]) == {"cat": 0.75, "fox": 0.125, "cup": 0}


def test_a_group_has_no_index_and_a_label_keeps_its_own() -> None:
    labels = Labels(CLASSES, {"cat": ["tabby", "Egyptian cat"]})
    assert dict(zip(labels.names, labels.indices, strict=True)) == {"cat": None, "fox": 3, "cup": 4}


def test_background_is_not_reported() -> None:
    assert "background" not in Labels(CLASSES).names


def test_an_ignored_label_is_not_reported() -> None:
    assert Labels(CLASSES, ignore=["fox"]).names == ("tabby", "Egyptian cat", "cup")


def test_an_ignored_label_does_not_count_for_its_group() -> None:
    labels = Labels(CLASSES, {"cat": ["tabby", "Egyptian cat"]}, ["tabby"])
    assert scored(labels, [0, 0.25, 0.5, 0, 0])["cat"] == 0.5


def test_an_ignored_group_is_not_reported_under_any_name() -> None:
    assert Labels(CLASSES, {"cat": ["tabby", "Egyptian cat"]}, ["cat"]).names == ("fox", "cup")


def test_a_group_of_unknown_labels_has_no_effect() -> None:
    assert Labels(CLASSES, {"bird": ["robin"]}).names == CLASSES[1:]


def test_a_class_named_like_a_group_counts_for_it() -> None:
    labels = Labels(("cat", "tabby"), {"cat": ["tabby"]})
    assert scored(labels, [0.25, 0.5]) == {"cat": 0.75}


def test_a_sum_never_exceeds_one() -> None:
    assert scored(Labels(CLASSES, {"cat": ["tabby", "Egyptian cat"]}), [0, 0.75, 0.75, 0, 0])["cat"] == 1.0


def test_unknown_labels_are_found() -> None:
    assert unknown_labels(CLASSES, {"cat": []}, ["cat", "fox", "fxo"]) == ["fxo"]


@pytest.mark.parametrize("group", ["cat", "dog", "bird", "car"])
def test_the_default_groups_have_the_common_families(group: str) -> None:
    assert group in EventsSettings().groups


names = st.sampled_from("abcdefg")


@given(
    st.lists(names, min_size=1, unique=True),
    st.dictionaries(st.sampled_from("abxy"), st.lists(names, unique=True)),
    st.lists(names),
)
def test_no_score_is_counted_twice(classes: list[str], groups: dict[str, list[str]], ignore: list[str]) -> None:
    labels = Labels(classes, groups, ignore)
    scores = np.full(len(classes), 1 / len(classes), np.float32)
    assert labels.scores(scores).sum() <= 1 + 1e-6
    assert len(labels.names) == len(labels.indices) == len(labels.scores(scores))
