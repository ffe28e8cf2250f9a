"""From scores to the figures of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer.report import sample
from trainer.calibration.wrong_labels import WrongLabel
from trainer.data.listing import Photo
from trainer.report.evaluation import Evaluation
from trainer.report.figures import figures, uncalibrated
from trainer.report.mistakes import suspects
from trainer.report.report import Figures, Report, Suspect

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("cat", "dog")


def of(scores: list[list[float]], labels: list[int]) -> Evaluation:
    return Evaluation(np.array(scores, np.float32), np.array(labels), 1.0)


def test_each_figure_is_what_it_says() -> None:
    labels = ("cat", "dog", "background")
    tested = of([[0.9, 0.1, 0], [0.5, 0.4, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1]], [0, 0, 1, 1])
    better = of([[0.9, 0.1, 0], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]], [0, 0, 1, 1])
    strangers = np.array([[0.8, 0.1, 0.1], [0.3, 0.1, 0.6], [0.1, 0.2, 0.7], [0.4, 0.3, 0.3]], np.float32)
    made = figures(
        labels,
        tested,
        float_=better,
        thresholds={"cat": 0.75, "dog": 0.5},
        neutral=("background",),
        unrelated={"patterns": strangers},
        robust={"darkness": of([[0, 1, 0]] * 4, [0, 0, 1, 1]), "noise": tested},
        graphs={"original": tested, "rewritten": better},
    )
    accuracy = made.accuracy
    assert (accuracy.float_, accuracy.int8, accuracy.converted) == (1, 0.75, 0.75)
    assert accuracy.interval == pytest.approx((0.301, 0.954), abs=0.001)
    assert accuracy.balanced == pytest.approx(0.75)
    assert accuracy.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert accuracy.mcnemar is not None
    assert (accuracy.mcnemar.only_float, accuracy.mcnemar.only_converted, accuracy.mcnemar.p) == (1, 0, 1)
    assert accuracy.robust == pytest.approx((0.5 + 0.75) / 2)
    assert [each.name for each in made.per_class] == ["cat", "dog"]
    cat, dog = made.per_class
    assert (cat.recall, dog.recall, dog.precision) == (1, 0.5, 1)
    assert cat.precision == pytest.approx(2 / 3)
    assert dog.taken_for == "cat"
    assert made.coverage == pytest.approx(2 / 3)
    assert made.false_event_rate == 0.25
    assert made.thresholds == {"cat": 0.75, "dog": 0.5}
    assert made.neutral == ("background",)
    assert made.graphs == {"original": 0.75, "rewritten": 1}


def test_photographs_of_a_neutral_class_count_as_unrelated_and_not_for_coverage() -> None:
    tested = of([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.3, 0.7]], [0, 1, 1, 1])
    made = figures(("cat", "nothing"), tested, thresholds={}, neutral=("nothing",))
    (nothing,) = made.unrelated
    assert (nothing.name, nothing.pictures, nothing.events) == ("test photographs of nothing", 3, 1)
    assert made.false_event_rate == pytest.approx(1 / 3)
    assert made.coverage == 1
    assert made.thresholds == {"cat": 0.6}
    assert [each.name for each in made.per_class] == ["cat", "nothing"]


def test_what_cannot_be_told_is_null_and_can_be_read_again() -> None:
    made = figures(CLASSES, of([[0.1, 0.9]], [0]), thresholds={}, neutral=())
    assert (made.coverage, made.false_event_rate, made.accuracy.robust, made.accuracy.mcnemar) == (None,) * 4
    assert made.per_class[1].recall is None
    assert made.per_class[0].precision is None
    encoded = msgspec.json.encode(made)
    assert b"NaN" not in encoded
    assert msgspec.json.decode(encoded, type=Figures) == made


def test_scores_before_the_temperature_are_found_again() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (20, 4))

    def softmax(values: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        powers = np.exp(values)
        return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)

    assert uncalibrated(softmax(logits / 0.6), 0.6) == pytest.approx(softmax(logits), abs=1e-5)


def test_a_report_has_the_keys_that_programs_know() -> None:
    told = msgspec.json.decode(msgspec.json.encode(sample.report(CLASSES, 20)))
    assert told["schema"] == 2
    assert {"ece", "false_event_rate", "coverage", "thresholds", "split", "backbone", "classes", "data"} <= {*told}
    assert {"float", "int8", "converted", "balanced", "robust"} <= {*told["accuracy"]}
    assert {*told["thresholds"]} == {*CLASSES}
    assert told["split"]["tested_on"] == "test"
    assert Report.__struct_config__.frozen


@pytest.mark.parametrize(("each", "words"), [(6, "too few to tell how good the model is: "), (200, None)])
def test_few_photographs_are_called_too_few(each: int, words: str | None) -> None:
    judgements = sample.measured(CLASSES, each).judgements
    assert any(words in line for line in judgements) if words else not judgements
    if words:
        assert any("cat (6), dog (6)" in line for line in judgements)


def test_wrong_labels_are_named(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / f"{at}.jpg", 0, None) for at in range(2)]
    (found,) = suspects([WrongLabel(1, 0, 1, 0.03)], photos, CLASSES)
    assert found == Suspect(str(tmp_path / "1.jpg"), "cat", "dog", 0.03)
