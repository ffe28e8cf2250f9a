"""``evaluate`` shows a model what is new to it, and tells the same figures as the report."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")

from tests import tflite
from tests.trainer import pictures
from tests.trainer.command import trainer
from trainer.data.parts import Parts
from trainer.quantisation.metadata import with_own

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.data.listing import Part

LABELS = ("red", "green", "blue")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """It tells by the mean colour, with the scores of a picture's colours as they are."""
    return tflite.saved(tmp_path, tflite.means([1, 16, 16, 3]), LABELS)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return pictures.data_set(tmp_path / "my data", 8)


def evaluated(model: Path, data: Path, *options: str) -> dict[str, Any]:
    ended = trainer("evaluate", model, data, "--json", "--set", "model.pixels=0..1", *options)
    assert ended.code == 0, ended.stderr
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def said(model: Path, data: Path, *options: str) -> str:
    ended = trainer("evaluate", model, data, "--set", "model.pixels=0..1", *options)
    assert ended.code == 0, ended.stderr
    return ended.stdout + ended.stderr


def record(data: Path, tested: int, *, new: int = 0) -> Parts:
    """A split of which the first ``tested`` files of each class are the test, and the last ``new`` are not in it."""
    parts: dict[bytes, Part] = {}
    for folder in sorted(data.iterdir()):
        files = sorted(folder.iterdir())
        for place, file in enumerate(files[: len(files) - new]):
            digest = hashlib.sha256(file.read_bytes()).digest()[:8]
            parts[digest] = "test" if place < tested else "validation" if place < tested + 2 else "train"
    return Parts(parts)


class TestWhatItWasTrainedOn:
    """The split that a model carries, or that lies beside it."""

    def test_the_test_part_is_taken_and_the_rest_is_told(self, model: Path, data: Path) -> None:
        model.with_name("split.json").write_bytes(record(data, 2).encode())
        figures = evaluated(model, data)
        assert (figures["photographs"], figures["trained_on"]) == (6, 18)
        assert "it was trained on 18 of the 24 in the folder" in said(model, data)

    def test_all_can_be_taken_and_flatter(self, model: Path, data: Path) -> None:
        model.with_name("split.json").write_bytes(record(data, 2).encode())
        assert evaluated(model, data, "--all")["photographs"] == 24
        assert "it was trained on 18 of these 24 photographs: the figures flatter it" in said(model, data, "--all")

    def test_photographs_that_were_added_are_not_mixed_with_the_test(self, model: Path, data: Path) -> None:
        model.with_name("split.json").write_bytes(record(data, 2, new=3).encode())
        assert evaluated(model, data)["photographs"] == 6

    def test_photographs_that_are_all_new_are_all_taken(self, model: Path, data: Path, tmp_path: Path) -> None:
        model.with_name("split.json").write_bytes(record(data, 2).encode())
        fresh = tmp_path / "fresh"
        for colour in pictures.CLASSES:
            pictures.save(fresh / colour, colour, range(100, 103))
        figures = evaluated(model, fresh)
        assert (figures["photographs"], figures["trained_on"]) == (9, 0)

    def test_none_that_is_new_is_told_in_one_line(self, model: Path, data: Path) -> None:
        model.with_name("split.json").write_bytes(record(data, 0).encode())
        ended = trainer("evaluate", model, data)
        assert (ended.code, ended.stderr.count("\n")) == (2, 1)
        assert "trained with all 24 of these photographs" in ended.stderr
        assert "--all" in ended.stderr

    def test_a_model_of_others_tells_nothing_of_it(self, model: Path, data: Path) -> None:
        assert evaluated(model, data)["trained_on"] is None
        assert "does not tell whether it was trained on them" in said(model, data)


class TestFolders:
    """That are not just the model's classes."""

    def test_one_class_is_enough(self, model: Path, tmp_path: Path) -> None:
        pictures.save(tmp_path / "one" / "red", "red", range(5))
        assert [each["name"] for each in evaluated(model, tmp_path / "one")["per_class"]] == ["red"]

    def test_an_unknown_one_is_told_and_left_out(self, model: Path, data: Path) -> None:
        pictures.save(data / "yellow", "yellow", range(5))
        assert evaluated(model, data)["photographs"] == 24
        assert f"warning: {data}/yellow: a class that the model does not know: left out" in said(model, data)

    def test_an_unknown_one_is_refused_where_that_is_asked(self, model: Path, data: Path) -> None:
        pictures.save(data / "yellow", "yellow", range(5))
        ended = trainer("evaluate", model, data, "--strict")
        assert (ended.code, ended.stderr.count("\n")) == (2, 1)
        assert "does not know yellow; it knows red, green, blue" in ended.stderr

    def test_where_none_is_known_nothing_is_tested(self, model: Path, tmp_path: Path) -> None:
        pictures.save(tmp_path / "others" / "yellow", "yellow", range(5))
        ended = trainer("evaluate", model, tmp_path / "others")
        assert (ended.code, ended.stderr.count("\n")) == (2, 1)
        assert "does not know yellow" in ended.stderr

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_letters_may_be_composed_in_any_way(self, tmp_path: Path, form: Any) -> None:
        labels = [unicodedata.normalize("NFC" if form == "NFD" else "NFD", "Köter"), "green", "blue"]
        model = tflite.saved(tmp_path, tflite.means([1, 16, 16, 3]), labels)
        pictures.save(tmp_path / "data" / f"{unicodedata.normalize(form, 'Köter')} ", "red", range(5))
        assert evaluated(model, tmp_path / "data")["accuracy"] == 1


class TestUnrelated:
    """Pictures of nothing that is to be told."""

    def test_a_folder_nothing_tells_how_often_it_speaks_of_what_is_not_there(self, tmp_path: Path, data: Path) -> None:
        model = tflite.saved(tmp_path, tflite.means([1, 16, 16, 3]), ("red", "background", "blue"))
        model.write_bytes(with_own(model.read_bytes(), {"thresholds": {"red": 0.7}, "neutral": ["background"]}))
        (data / "green").rename(data / "nothing")
        pictures.save(data / "nothing", "red", [100])
        figures = evaluated(model, data)
        (nothing,) = figures["unrelated"]
        assert (nothing["name"], nothing["pictures"]) == ("nothing", 9)
        assert figures["false_event_rate"] == nothing["events"] / 9
        assert [each["name"] for each in figures["per_class"]] == ["blue", "red"][::-1]
        assert "9 unrelated pictures" in said(model, data)

    def test_where_states_are_told_nothing_is_an_answer(self, tmp_path: Path, data: Path) -> None:
        model = tflite.saved(tmp_path, tflite.means([1, 16, 16, 3]), ("red", "nothing", "blue"))
        (data / "green").rename(data / "nothing")
        assert [each["name"] for each in evaluated(model, data)["unrelated"]] == ["test photographs of nothing"]
        assert evaluated(model, data, "--kind", "state")["false_event_rate"] is None


def test_what_is_told_is_what_the_report_tells(model: Path, data: Path) -> None:
    told = {"accuracy", "interval", "balanced", "macro_f1", "ece", "coverage", "false_event_rate", "judgements"}
    figures = evaluated(model, data)
    assert told <= {*figures}
    low, high = figures["interval"]
    assert low < figures["accuracy"] <= high
    text = said(model, data)
    assert re.search(
        r"^accuracy \d+\.\d% on 24 photographs, \d+\.\d ms each \(.*\); (too few to tell: )?\d+%", text, re.MULTILINE
    )
    assert re.search(
        r"^balanced \d+\.\d%, macro F1 \d+\.\d%; scores are off by \d+\.\d points \(ECE\)$", text, re.MULTILINE
    )
    assert "of right answers reach their threshold" in text
