"""The trainer's other commands: evaluate, convert, compare, cost."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras

from edgecam.model.metadata import read_metadata
from tests.trainer import networks, pictures
from tests.trainer.command import SMALL, trainer
from tests.trainer.networks import classifier
from trainer.quantisation.metadata import with_own

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.conftest import Trained

PRICES = ["--device-price", "120", "--years", "5", "--watts", "5", "--kwh-price", "0.30", "--cloud-price", "0.0015"]
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("trained")]  # one process has that training


class TestEvaluate:
    """``evaluate MODEL DATA``."""

    def test_it_tells_how_good_a_model_is(self, trained: Trained, tmp_path: Path) -> None:
        fresh = pictures.data_set(tmp_path / "fresh", 5, pictures.CLASSES, size=100)
        ended = trainer("evaluate", trained.output / "model.tflite", fresh, "--json")
        assert ended.code == 0, ended.stderr
        figures = json.loads(ended.stdout)
        assert figures["photographs"] == 15
        assert figures["accuracy"] >= 0.9
        assert [each["name"] for each in figures["per_class"]] == list(pictures.CLASSES)

    def test_it_prints_a_table_for_people(self, trained: Trained, tmp_path: Path) -> None:
        fresh = pictures.data_set(tmp_path / "fresh", 3, size=100)
        ended = trainer("evaluate", trained.output / "model.tflite", fresh)
        assert re.search(r"^class +photographs +accuracy +95 % confidence +precision", ended.stdout)
        assert re.search(
            r"^accuracy \d+\.\d% on 9 photographs, \d+\.\d ms each \(.*\); too few to tell: \d+% to \d+% with 95 % con",
            ended.stdout,
            re.MULTILINE,
        )
        assert f"tested on photographs of {fresh} that are new to it" in ended.stdout

    def test_photographs_fit_as_the_model_says_or_as_is_asked(self, trained: Trained, tmp_path: Path) -> None:
        shown = pictures.between_others(tmp_path / "shown", 5)
        model = tmp_path / "model.tflite"
        model.write_bytes(with_own((trained.output / "model.tflite").read_bytes(), {"fit": "crop"}))
        accuracies = [
            json.loads(trainer("evaluate", model, shown, "--json", *asked).stdout)["accuracy"]
            for asked in ((), ("--fit", "crop"), ("--fit", "stretch"))
        ]
        assert accuracies[0] == accuracies[1] >= 0.9
        assert accuracies[2] < 0.5

    def test_a_folder_of_other_classes_is_refused(self, trained: Trained, tmp_path: Path) -> None:
        others = pictures.data_set(tmp_path / "others", 3, ["yellow"])
        ended = trainer("evaluate", trained.output / "model.tflite", others)
        assert ended.code == 2
        told = f"trainer: {others}: the model does not know yellow; it knows blue, green, red, background\n"
        assert ended.stderr == told


class TestConvert:
    """``convert KERAS_MODEL DATA``."""

    def test_it_gives_what_the_training_gave(self, trained: Trained, tmp_path: Path) -> None:
        ended = trainer(
            "convert", trained.output / "model.keras", trained.data, "--format", "int8", "--output", tmp_path / "out"
        )
        assert ended.code == 0, ended.stderr
        before, after = (json.loads((each / "report.json").read_bytes()) for each in (trained.output, tmp_path / "out"))
        assert after["accuracy"] == before["accuracy"]
        assert after["classes"] == before["classes"]

    def test_how_photographs_fit_is_in_the_model_and_in_the_report(self, trained: Trained, tmp_path: Path) -> None:
        shown = pictures.between_others(tmp_path / "shown", 20)
        output = tmp_path / "out"
        ended = trainer(
            *("convert", trained.output / "model.keras", shown, "--fit", "crop"),
            *("--format", "float32", "--output", output),
        )
        assert ended.code == 0, ended.stderr
        told = json.loads((output / "report.json").read_bytes())
        assert told["accuracy"]["float"] >= 0.9
        assert told["settings"]["fit"] == "crop"
        assert "<td>fit</td><td>crop</td>" in (output / "report.html").read_text("utf-8")
        assert read_metadata((output / "model.tflite").read_bytes()).fit == "crop"

    def test_of_a_state_nothing_is_an_answer(self, tmp_path: Path) -> None:
        networks.classifier([]).save(tmp_path / "state.keras")
        (tmp_path / "labels.txt").write_text("blue\nnothing\nbackground\n")
        data = pictures.data_set(tmp_path / "data", 10, ["blue", "green"])
        (data / "green").rename(data / "nothing")
        asked = ("convert", tmp_path / "state.keras", data, "--format", "float32", "--output", tmp_path / "out")
        ended = trainer(*asked, "--kind", "state")
        assert ended.code == 0, ended.stderr
        told = json.loads((tmp_path / "out" / "report.json").read_bytes())
        assert told["labels"] == ["blue", "nothing", "background"]
        assert told["neutral"] == ["background"]
        assert told["accuracy"]["converted"] == 1

    def test_another_number_of_classes_is_refused(self, trained: Trained, tmp_path: Path) -> None:
        more = pictures.data_set(tmp_path / "more", 12, pictures.COLOURS)
        ended = trainer("convert", trained.output / "model.keras", more, "--output", tmp_path / "out")
        assert ended.code == 2
        assert f"model.keras: 4 scores, but {more} has 4 classes, and background" in ended.stderr
        assert not (tmp_path / "out").exists()

    def test_nothing_is_an_answer_of_a_state(self, tmp_path: Path) -> None:
        pictures.save(tmp_path / "data" / "blue", "blue", range(20))
        pictures.save(tmp_path / "data" / "nothing", "green", range(20))
        classifier((1.0,)).save(tmp_path / "model.keras")
        (tmp_path / "labels.txt").write_text("blue\nnothing\nbackground\n")  # as `train --kind state` writes them
        converted = ("convert", tmp_path / "model.keras", tmp_path / "data", "--format", "float32", "--output")
        refused = trainer(*converted, tmp_path / "visit")
        assert refused.code == 2
        assert "3 scores, but" in refused.stderr
        ended = trainer(*converted, tmp_path / "state", "--kind", "state")
        assert ended.code == 0, ended.stderr
        assert (tmp_path / "state" / "labels.txt").read_text() == "blue\nnothing\nbackground\n"
        assert read_metadata((tmp_path / "state" / "model.tflite").read_bytes()).neutral == ("background",)

    @pytest.mark.parametrize("name", ["no.keras", "text.keras", "scores.keras"])
    def test_what_is_no_classifier_is_refused_in_one_line(self, trained: Trained, tmp_path: Path, name: str) -> None:
        (tmp_path / "text.keras").write_text("no model")
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "scores.keras")
        ended = trainer("convert", tmp_path / name, trained.data, "--output", tmp_path / "out")
        assert ended.code == 2
        assert ended.stderr.startswith(f"trainer: {tmp_path / name}: ")
        assert ended.stderr.count("\n") == 1


def test_compare_takes_nothing_that_was_trained_on_photographs_that_fit_in_another_way(
    trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.output, tmp_path / "out" / "efficientnet_lite0")
    compared = ("compare", trained.data, *SMALL, "--output", tmp_path / "out", "--backbone", "efficientnet_lite0")
    ended = trainer(*compared, "--fit", "crop")
    assert ended.code == 2
    assert "report.json: of other settings; choose another --output, or give --overwrite" in ended.stderr


def test_compare_trains_what_is_missing_and_shows_all(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.output, tmp_path / "out" / "efficientnet_lite0")
    ended = trainer(
        *("compare", trained.data, *SMALL, "--output", tmp_path / "out"),
        *("--backbone", "efficientnet_lite0", "--backbone", "mobilenet_v3_small_minimalistic"),
        *("--weights", "mobilenet_v3_small_minimalistic=none"),
    )
    assert ended.code == 0, ended.stderr
    assert "efficientnet_lite0: taken from" in ended.stderr
    assert "mobilenet_v3_small_minimalistic: training" in ended.stderr
    assert re.search(r"^model +size \(MB\) +latency \(ms\) +float +as converted +images a second", ended.stdout)
    rows = json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    assert [row["backbone"] for row in rows] == ["efficientnet_lite0", "mobilenet_v3_small_minimalistic"]
    assert (tmp_path / "out" / "comparison.svg").read_text("utf-8").startswith("<svg")


class TestCost:
    """``cost``, the edge against the cloud."""

    def test_the_figures_are_those_that_a_pencil_gives(self) -> None:
        ended = trainer("cost", *PRICES, "--images-per-second", 20, "--json")
        figures = json.loads(ended.stdout)
        assert figures["cloud_month"] == pytest.approx(1500)
        assert figures["edge_month"] == pytest.approx(120 / 60 + 5 * 730.5 / 1000 * 0.30)
        assert figures["devices"] == 1

    def test_many_images_need_many_devices(self) -> None:
        ended = trainer("cost", *PRICES, "--images-per-second", 20, "--images", 100_000_000, "--json")
        assert json.loads(ended.stdout)["devices"] == 2

    def test_the_speed_may_come_from_a_report(self, trained: Trained) -> None:
        ended = trainer("cost", *PRICES, "--report", trained.output / "report.json")
        assert ended.code == 0, ended.stderr
        assert re.search(r"time for an image.* ms \(measured on ", ended.stdout)
        assert re.search(r"^saving: 99\.\d% a month; paid back after 0\.1 months$", ended.stdout, re.MULTILINE)

    def test_where_the_cloud_is_cheaper_it_says_so(self) -> None:
        ended = trainer("cost", *PRICES, "--images-per-second", 20, "--images", 100)
        assert ended.stdout.splitlines()[-1] == "the cloud is cheaper by 2.95 a month"

    @pytest.mark.parametrize("more", [[], ["--images-per-second", "5", "--report", "x.json"]])
    def test_the_speed_comes_from_one_place(self, more: list[str]) -> None:
        ended = trainer("cost", *PRICES, *more)
        assert (ended.code, ended.stderr) == (
            2,
            "trainer: give either --report FILE or --images-per-second N\n",
        )
