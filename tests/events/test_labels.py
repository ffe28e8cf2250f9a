"""From classes to reported labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import EventsSettings
from edgecam.events.labels import MOST_MISTAKES, NEUTRAL, UNDECIDED, Labels, labels_of, mistakes
from edgecam.events.tracker import EventTracker

CLASSES = ("background", "tabby", "Egyptian cat", "fox", "cup")
CATS: dict[str, tuple[str, ...]] = {"cat": ("tabby", "Egyptian cat")}


@dataclass
class Model:
    classes: tuple[str, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    neutral: tuple[str, ...] | None = None


def scored(labels: Labels, scores: list[float]) -> dict[str, float]:
    return dict(zip(labels.names, labels.scores(np.array(scores, np.float32)).tolist(), strict=True))


def neutral_of(labels: Labels) -> set[str]:
    return {labels.names[place] for place in labels.neutral}


class TestGroups:
    def test_a_group_has_the_sum_of_its_labels(self) -> None:
        labels = Labels(CLASSES, CATS)
        assert scored(labels, [0, 0.25, 0.5, 0.125, 0]) == {"background": 0, "cat": 0.75, "fox": 0.125, "cup": 0}

    def test_a_group_has_no_index_and_a_label_keeps_its_own(self) -> None:
        labels = Labels(CLASSES, CATS)
        assert dict(zip(labels.names, labels.indices, strict=True)) == {
            "background": 0,
            "cat": None,
            "fox": 3,
            "cup": 4,
        }

    def test_a_group_of_unknown_labels_has_no_effect(self) -> None:
        assert Labels(CLASSES, {"bird": ["robin"]}).names == CLASSES

    def test_a_class_named_like_a_group_counts_for_it(self) -> None:
        labels = Labels(("cat", "tabby"), {"cat": ["tabby"]})
        assert scored(labels, [0.25, 0.5]) == {"cat": 0.75}

    def test_a_sum_never_exceeds_one(self) -> None:
        assert scored(Labels(CLASSES, CATS), [0, 0.75, 0.75, 0, 0])["cat"] == 1.0

    def test_classes_are_their_own_labels_where_neither_model_nor_settings_tell_groups(self) -> None:
        classes = ("hen", "rooster", "beagle", "pug", "sunglasses")
        assert labels_of(Model(classes), EventsSettings()).names == classes

    def test_those_of_the_model_count_where_none_are_written(self) -> None:
        assert labels_of(Model(CLASSES, CATS), EventsSettings()).names == ("background", "cat", "fox", "cup")

    @pytest.mark.parametrize(
        ("groups", "names"),
        [({}, CLASSES), ({"pet": ("tabby", "fox")}, ("background", "pet", "Egyptian cat", "cup"))],
    )
    def test_those_that_are_written_replace_the_models_whole(
        self, groups: dict[str, tuple[str, ...]], names: tuple[str, ...]
    ) -> None:
        assert labels_of(Model(CLASSES, CATS), EventsSettings(groups=groups)).names == names


class TestIgnore:
    def test_an_ignored_label_is_not_reported(self) -> None:
        assert Labels(CLASSES, ignore=["fox"]).names == ("background", "tabby", "Egyptian cat", "cup")

    def test_an_ignored_label_does_not_count_for_its_group(self) -> None:
        labels = Labels(CLASSES, CATS, ["tabby"])
        assert scored(labels, [0, 0.25, 0.5, 0, 0])["cat"] == 0.5

    def test_an_ignored_group_is_not_reported_under_any_name(self) -> None:
        assert Labels(CLASSES, CATS, ["cat"]).names == ("background", "fox", "cup")

    def test_a_group_named_like_one_of_its_labels_is_ignored_whole_as_it_is_what_is_reported(self) -> None:
        groups = {"sunglasses": ["sunglasses", "dark glasses"]}
        assert Labels(("sunglasses", "dark glasses", "hat"), groups, ["sunglasses"]).names == ("hat",)


class TestNeutral:
    @pytest.mark.parametrize("name", [*NEUTRAL, "Nothing", "NONE", " Background ", "UNKNOWN"])
    def test_what_stands_for_nothing_is_neutral_in_any_case(self, name: str) -> None:
        labels = labels_of(Model(("hen", name)), EventsSettings())
        assert labels.names == ("hen", name)
        assert labels.neutral == {1}

    def test_where_states_are_asked_for_nothing_is_an_answer(self) -> None:
        model = Model(("Nothing", "none", "bin", *UNDECIDED, "Unknown"))
        assert neutral_of(labels_of(model, EventsSettings(kind="state"))) == {*UNDECIDED, "Unknown"}

    def test_but_not_where_the_settings_or_the_model_say_so(self) -> None:
        state = EventsSettings(kind="state")
        assert neutral_of(labels_of(Model(("bin", "nothing", "unknown"), neutral=("nothing",)), state)) == {"nothing"}
        written = EventsSettings(kind="state", neutral=("nothing",))
        assert neutral_of(labels_of(Model(("bin", "nothing", "unknown")), written)) == {"nothing"}

    def test_other_labels_are_not(self) -> None:
        assert neutral_of(Labels(("hen", "nothing much", "anon"))) == set()

    def test_the_models_count_where_the_settings_tell_none(self) -> None:
        model = Model(("hen", "nothing", "empty"), neutral=("Empty",))
        assert neutral_of(labels_of(model, EventsSettings())) == {"empty"}

    @pytest.mark.parametrize(("written", "expected"), [((), set()), ((" HEN",), {"hen"})])
    def test_those_of_the_settings_count_before_all(self, written: tuple[str, ...], expected: set[str]) -> None:
        model = Model(("hen", "nothing", "empty"), neutral=("empty",))
        assert neutral_of(labels_of(model, EventsSettings(neutral=written))) == expected

    def test_a_group_is_neutral_by_its_name_or_if_all_its_labels_are(self) -> None:
        classes = ("grass", "leaves", "none", "unknown", "hen", "background")
        groups = {"nothing": ["grass", "leaves"], "rest": ["none", "unknown"], "mixed": ["hen", "background"]}
        assert neutral_of(Labels(classes, groups)) == {"nothing", "rest"}

    def test_a_neutral_label_begins_no_event_and_ends_that_of_another_by_leading_it(self) -> None:
        settings = EventsSettings(smoothing=0, hold=0, release=0)
        labels = labels_of(Model(("hen", "nothing")), settings)
        ids = map(str, count())
        tracker = EventTracker(settings, labels.names, lambda: next(ids), labels.neutral)
        frames = [(0.1, 0.9), (0.9, 0.1), (0.6, 0.8), (0.1, 0.9), (0.1, 0.9)]
        happened = [
            (time, event.type, labels.names[event.label])
            for time, scores in enumerate(frames)
            for event in tracker.step(time, labels.scores(np.array(scores, np.float32)))
        ]
        assert happened == [(1, "new", "hen"), (2, "end", "hen")]


class TestMistakes:
    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            (EventsSettings(ignore=("fxo",)), "events.ignore: the model has no label 'fxo'; did you mean 'fox'?"),
            (EventsSettings(ignore=("FOX",)), "events.ignore: the model has no label 'FOX'; did you mean 'fox'?"),
            (EventsSettings(ignore=("wholly other",)), "events.ignore: the model has no label 'wholly other'"),
            (
                EventsSettings(thresholds={"cta": 0.5}),
                "events.thresholds: the model has no label 'cta'; did you mean 'cat'?",
            ),
            (EventsSettings(neutral=("cpu",)), "events.neutral: the model has no label 'cpu'; did you mean 'cup'?"),
            (
                EventsSettings(groups={"cat": ("tabby", "Egyptian cta")}),
                "events.groups.cat: the model has no label 'Egyptian cta'; did you mean 'Egyptian cat'?",
            ),
            (
                EventsSettings(groups={"bird": ("robin", "crow")}),
                "events.groups.bird: the model has none of its labels",
            ),
            (
                EventsSettings(thresholds={"tabby": 0.3, "fox": 0.4}),
                "events.thresholds: 'tabby' counts for the group 'cat': only a threshold of 'cat' counts",
            ),
        ],
    )
    def test_a_mistake_is_told_in_a_line(self, settings: EventsSettings, line: str) -> None:
        assert mistakes(Model(CLASSES, CATS), settings) == [line]

    @pytest.mark.parametrize(
        "settings",
        [
            EventsSettings(),
            EventsSettings(ignore=("cat", "cup"), thresholds={"cat": 0.3, "fox": 0.2}),
            EventsSettings(ignore=("tabby",), thresholds={"cat": 0.3}),
            EventsSettings(neutral=(*NEUTRAL, "Cup")),
            EventsSettings(groups={"any": CLASSES}, thresholds={"any": 0.5}),
            EventsSettings(groups={}, thresholds={"tabby": 0.5}),
        ],
    )
    def test_what_has_an_effect_is_none(self, settings: EventsSettings) -> None:
        assert mistakes(Model(CLASSES, CATS), settings) == []

    def test_what_the_model_says_of_labels_that_it_lacks_is_none_of_the_users(self) -> None:
        assert mistakes(Model(CLASSES, {"bird": ("robin",)}, ("empty",)), EventsSettings()) == []

    def test_of_many_the_first_few_are_told(self) -> None:
        groups: dict[str, tuple[str, ...]] = {f"group {number}": (f"{number}",) for number in range(50)}
        told = mistakes(Model(CLASSES), EventsSettings(groups=groups))
        assert len(told) == MOST_MISTAKES + 1
        assert told[-1] == "events: the settings name more labels that the model lacks"


names = st.sampled_from("abcdefg")


@st.composite
def owned(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Groups of which no two have a label in common."""
    members = draw(st.lists(names, unique=True))
    groups: dict[str, tuple[str, ...]] = {}
    for member in members:
        group = draw(st.sampled_from("abxy"))
        groups[group] = (*groups.get(group, ()), member)
    return groups


classes = st.lists(names, min_size=1, unique=True)
ignored = st.lists(st.sampled_from("abcdefgxy"), max_size=3)


@given(classes, owned(), ignored)
def test_each_class_counts_once_or_is_ignored(
    classes: list[str], groups: dict[str, tuple[str, ...]], ignore: list[str]
) -> None:
    labels = Labels(classes, groups, ignore)
    hidden = {*ignore} | {member for group in ignore for member in groups.get(group, ())}
    for place, name in enumerate(classes):
        alone = np.eye(len(classes), dtype=np.float32)[place]
        assert labels.scores(alone).sum() == (name not in hidden)
    assert len(labels.names) == len(labels.indices) == len(labels)
    assert all(
        index is None or classes[index] == name for name, index in zip(labels.names, labels.indices, strict=True)
    )


@given(classes, owned(), ignored, names)
def test_ignoring_a_label_that_is_no_group_takes_its_score_and_no_other(
    classes: list[str], groups: dict[str, tuple[str, ...]], ignore: list[str], label: str
) -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(len(classes)))
    before, after = Labels(classes, groups, ignore), Labels(classes, groups, [*ignore, label])
    without = np.where([name == label for name in classes], 0, scores).tolist()
    changed = scored(after, scores.tolist())
    if label not in groups:
        left = {name: score for name, score in scored(before, without).items() if score > 0}
        assert {name: score for name, score in changed.items() if score > 0} == pytest.approx(left)


@given(classes, owned(), ignored, st.lists(names))
def test_what_is_neutral_competes_as_before(
    classes: list[str], groups: dict[str, tuple[str, ...]], ignore: list[str], neutral: list[str]
) -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(len(classes))).astype(np.float32)
    labels, other = Labels(classes, groups, ignore, neutral), Labels(classes, groups, ignore, ())
    assert (labels.names, labels.indices, other.neutral) == (other.names, other.indices, frozenset())
    assert (labels.scores(scores) == other.scores(scores)).all()


@given(classes, owned(), ignored, st.lists(st.sampled_from("abcdefgxyz"), unique=True, max_size=MOST_MISTAKES))
def test_thresholds_are_told_of_only_if_they_have_no_effect(
    classes: list[str], groups: dict[str, tuple[str, ...]], ignore: list[str], thresholds: list[str]
) -> None:
    model = Model(tuple(classes), groups)
    settings = EventsSettings(ignore=tuple(ignore), thresholds=dict.fromkeys(thresholds, 0.5))
    reported = labels_of(model, settings).names
    told = {line.split("'")[1] for line in mistakes(model, settings) if line.startswith("events.thresholds")}
    assert told <= set(thresholds) - set(reported)
    members = {member for group in {*groups} & {*reported} for member in groups[group]} - {*reported, *ignore}
    assert members & set(thresholds) <= told or len(mistakes(model, settings)) > MOST_MISTAKES
