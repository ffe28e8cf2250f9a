"""``evaluate MODEL DATA`` takes what the daemon takes, and settles what the daemon must assume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from edgecam.model.pixel_range import USUAL
from tests import tflite
from tests.command import edgecam
from tests.trainer import pictures
from tests.trainer.command import trainer
from tests.trainer.networks import nearest
from trainer.quantisation.conversion import convert
from trainer.report.ranges import CAFFE, CAFFE_MEAN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few pictures a colour."""
    return pictures.data_set(tmp_path_factory.mktemp("shown") / "colours", 8)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float model of -1..1 that tells nothing of itself, with its labels beside it."""
    content = convert(nearest(*USUAL["-1..1"]), "float32")
    return tflite.saved(tmp_path_factory.mktemp("foreign"), content, pictures.CLASSES)


def evaluated(model: Path, data: Path, *options: str) -> dict[str, Any]:
    ended = trainer("evaluate", model, data, "--json", *options)
    assert ended.code == 0, ended.stderr
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def red_or_not(root: Path) -> Path:
    """Pictures in folders ``nothing`` and ``red``."""
    pictures.save(root / "red", "red", range(6))
    pictures.save(root / "nothing", "blue", range(6))
    return root


class TestPixels:
    """That are assumed."""

    def test_photographs_settle_which_they_are(self, foreign: Path, shown: Path) -> None:
        ended = trainer("evaluate", foreign, shown)
        assert ended.code == 0, ended.stderr
        lines = [line for line in ended.stderr.splitlines() if line.startswith("warning: ")]
        (line,) = [each for each in lines if "assumed" in each]
        assert f"{foreign}: its pixels are assumed to be 0..1 (nothing tells" in line
        assert 'model.pixels = "-1..1" is right 100.0%, "' in line
        assert all(f'"{name}" ' in line for name in USUAL)
        assert line.endswith(" of 24 photographs; set it")

    def test_programs_are_told_too(self, foreign: Path, shown: Path) -> None:
        figures = evaluated(foreign, shown)
        pixels = figures["pixels"]
        assert (pixels["name"], pixels["source"], pixels["best"]) == ("0..1", "assumed", "-1..1")
        assert {*pixels["ranges"]} == {*USUAL, CAFFE}
        assert pixels["ranges"]["0..1"] == figures["accuracy"] < pixels["ranges"]["-1..1"] == 1

    def test_blue_may_come_first(self, shown: Path, tmp_path: Path) -> None:
        content = convert(nearest(CAFFE_MEAN, (1,), turns=True), "float32")
        model = tflite.saved(tmp_path, content, pictures.CLASSES)
        ended = trainer("evaluate", model, shown)
        remedy = 'set model.pixels = {mean = [103.939, 116.779, 123.68]} and model.channels = "bgr"'
        assert ended.stderr.endswith(f"; {remedy}\n")
        settings = remedy.removeprefix("set ").split(" and ")
        assert evaluated(model, shown, "--set", settings[0], "--set", settings[1])["accuracy"] == 1

    def test_where_no_usual_range_fits_there_is_another_line(self, shown: Path, tmp_path: Path) -> None:
        narrow = tflite.means([1, 16, 16, 3], dtype="uint8", scale=0.05 / 255)
        ended = trainer("evaluate", tflite.saved(tmp_path, narrow, pictures.CLASSES), shown)
        assert ended.code == 0, ended.stderr
        assert "assumed to be 0..0.05 (" in ended.stderr
        assert "no usual range fits: set model.pixels = {mean = [...], std = [...]}" in ended.stderr

    def test_what_is_set_counts_and_needs_no_warning(self, foreign: Path, shown: Path) -> None:
        ended = trainer("evaluate", foreign, shown, "--json", "--set", 'model.pixels="-1..1"')
        assert "assumed" not in ended.stderr
        figures = json.loads(ended.stdout)
        assert figures["accuracy"] == 1
        assert (figures["pixels"]["source"], "ranges" in figures["pixels"]) == ("settings", False)


class TestModelsOfOthers:
    """Labels, shapes and outputs."""

    def test_labels_elsewhere(self, foreign: Path, shown: Path, tmp_path: Path) -> None:
        moved = tmp_path / "m.tflite"
        moved.write_bytes(foreign.read_bytes())
        (tmp_path / "elsewhere.csv").write_text("0,blue\n1,green\n2,red\n")
        settings = ("--set", f"model.labels={tmp_path}/elsewhere.csv", "--set", "model.pixels=-1..1")
        assert evaluated(moved, shown, *settings)["accuracy"] == 1

    def test_one_of_several_outputs(self, shown: Path, tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.several())
        refused = trainer("evaluate", model, shown)
        assert refused.code == 3
        assert "set model.output to one of" in refused.stderr
        chosen = ("--set", "model.pixels=0..1", "--set")
        assert evaluated(model, shown, *chosen, "model.output=age")["accuracy"] >= 0.6
        assert evaluated(model, shown, *chosen, "model.output=gender")["accuracy"] <= 0.4

    def test_planes(self, shown: Path, tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.means([1, 3, 12, 16]))
        assert evaluated(model, shown, "--set", "model.pixels=0..1")["photographs"] == 24

    @pytest.mark.parametrize("labels", [("nothing", "red"), ("red",)])
    def test_one_score(self, tmp_path: Path, labels: tuple[str, ...]) -> None:
        data = red_or_not(tmp_path / "data")
        model = tflite.saved(tmp_path, tflite.sigmoid(40), labels)
        figures = evaluated(model, data, "--set", "model.pixels={mean=[0], std=[240]}")
        assert [each["name"] for each in figures["per_class"]] == ["nothing", "red"]
        assert figures["accuracy"] >= 0.9

    def test_one_score_with_one_label_wants_a_folder_of_all_else(self, shown: Path, tmp_path: Path) -> None:
        ended = trainer("evaluate", tflite.saved(tmp_path, tflite.sigmoid(), ["red"]), shown)
        assert ended.code == 2
        assert ended.stderr.endswith("it knows red; call the folder of all else nothing\n")

    def test_two_classes_of_one_name_count_as_one(self, foreign: Path, tmp_path: Path) -> None:
        data = red_or_not(tmp_path / "data")
        model = tflite.saved(tmp_path, foreign.read_bytes(), ("nothing", "nothing", "red"))
        pictures.save(data / "nothing", "green", range(10, 16))
        assert evaluated(model, data, "--set", "model.pixels=-1..1")["accuracy"] == 1


class TestSet:
    """--set."""

    @pytest.mark.parametrize("key", ["model.pixel=0..1", "model.pixels=0..2", "model.threads=many", "model"])
    def test_mistakes_are_told_as_the_daemon_tells_them(self, foreign: Path, shown: Path, key: str) -> None:
        ended = trainer("evaluate", foreign, shown, "--set", key)
        assert (ended.code, ended.stdout) == (2, "")
        assert ended.stderr.partition(": ")[2] == edgecam("run", "--set", key).stderr.partition(": ")[2]

    @pytest.mark.parametrize("key", ["camera.fps=5", 'mqtt . "host"=a', "model.path=x.tflite"])
    def test_only_the_model_is_set(self, foreign: Path, shown: Path, key: str) -> None:
        ended = trainer("evaluate", foreign, shown, "--set", key)
        assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
        assert ended.stderr.endswith(": only how MODEL is read can be set here, such as model.labels=FILE\n")
