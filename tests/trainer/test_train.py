"""The main job, by its command: from a folder of photographs to a model that the daemon runs."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import tensorflow as tf

from edgecam import config
from edgecam.model.classifier import Classifier
from edgecam.model.metadata import read_metadata
from tests import tflite
from tests.trainer import pictures
from tests.trainer.command import SMALL, UNTAUGHT, process, start, trainer
from trainer.calibration.robustness import CONDITIONS
from trainer.data.parts import Parts, digest_of
from trainer.learning import checkpoint
from trainer.learning.checkpoint import FILE
from trainer.negatives import negatives
from trainer.output import MARK, MARK_FILE, WORK
from trainer.recipe.pictures import by_source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.conftest import Trained

pytestmark = pytest.mark.timeout(300)
LABELS = (*pictures.CLASSES, "background")
SHORT = [*SMALL, "--epochs", "1", "--format", "float16"]


def report(output: Path) -> Any:
    return json.loads((output / "report.json").read_bytes())


@pytest.mark.xdist_group("trained")
class TestWhatComesOut:
    """Everything in the output folder."""

    def test_it_ends_well_and_tells_where_things_are(self, trained: Trained) -> None:
        assert trained.ended.code == 0, trained.ended.stderr
        heads = dict.fromkeys(line[:9].strip(" :") for line in trained.ended.stdout.splitlines())
        assert [head for head in heads if head] == ["accuracy", "beware", "model", "report", "try it"]
        assert re.match(
            r"accuracy: float [\d.]+%, int8 [\d.]+% \(too few to tell: \d+% to \d+% with 95 % confidence\) on 12 test",
            trained.ended.stdout,
        )
        assert trained.ended.stdout.endswith(f"edgecam run --set model.path={trained.output}/model.tflite\n")

    def test_the_folder_holds_what_was_promised_and_nothing_else(self, trained: Trained) -> None:
        names = {path.name for path in trained.output.iterdir()}
        assert names == {"model.tflite", "labels.txt", "split.json", "model.keras", "report.html", "report.json"}

    def test_the_daemon_tells_new_pictures_rightly(self, trained: Trained) -> None:
        model = Classifier(config.ModelSettings(path=str(trained.output / "model.tflite")))
        for colour in pictures.CLASSES:
            for number in range(1000, 1005):
                image = pictures.picture(colour, number)[..., ::-1]
                scores = model.scores(np.ascontiguousarray(image))
                assert model.classes[int(scores.argmax())] == colour

    def test_mediapipe_tells_as_the_daemon_does(self, trained: Trained) -> None:
        mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe has no wheel for this machine")
        from mediapipe.tasks.python import BaseOptions, vision

        path = str(trained.output / "model.tflite")
        rgb = pictures.picture("red", 1000)
        with vision.ImageClassifier.create_from_options(
            vision.ImageClassifierOptions(BaseOptions(model_asset_path=path))
        ) as classifier:
            result = classifier.classify(mediapipe.Image(mediapipe.ImageFormat.SRGB, rgb))
        theirs = {each.category_name: each.score for each in result.classifications[0].categories}
        model = Classifier(config.ModelSettings(path=path))
        ours = model.scores(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        assert theirs == pytest.approx(dict(zip(model.classes, ours.tolist(), strict=True)), abs=0.02)

    def test_labels_are_in_the_model_and_beside_it(self, trained: Trained) -> None:
        beside = (trained.output / "labels.txt").read_text("utf-8")
        assert beside == "blue\ngreen\nred\nbackground\n"
        assert tflite.labels_within((trained.output / "model.tflite").read_bytes()) == LABELS

    def test_the_model_takes_and_gives_bytes(self, trained: Trained) -> None:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(trained.output / "model.tflite"))
        details = [*interpreter.get_input_details(), *interpreter.get_output_details()]
        assert [each["dtype"] for each in details] == [np.uint8, np.uint8]

    def test_the_report_for_programs_has_its_figures(self, trained: Trained) -> None:
        figures = report(trained.output)
        assert figures["backbone"] == "efficientnet_lite0"
        assert (figures["classes"], figures["labels"]) == ([*pictures.CLASSES], [*LABELS])
        assert figures["accuracy"]["float"] >= 0.9
        assert figures["accuracy"]["int8"] >= 0.9
        assert figures["size_bytes"] == (trained.output / "model.tflite").stat().st_size
        assert figures["latency_ms"] > 0
        assert figures["data"]["test"] == 12
        assert figures["split"] == {"tested_on": "test", "made_by": "seed", "train": 66, "validation": 12, "test": 12}
        for name in ("ece", "false_event_rate", "coverage"):
            assert 0 <= figures[name] <= 1
        for name in ("balanced", "robust", "macro_f1"):
            assert 0.5 <= figures["accuracy"][name] <= 1
        assert {*figures["thresholds"]} == {*pictures.CLASSES}
        assert [each["name"] for each in figures["robust"]] == [*CONDITIONS]
        assert figures["accuracy"]["interval"][0] < figures["accuracy"]["int8"] <= figures["accuracy"]["interval"][1]

    def test_the_report_for_people_needs_no_network(self, trained: Trained) -> None:
        page = (trained.output / "report.html").read_text("utf-8")
        fetched = re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", page)
        assert [each for each in fetched if not each.startswith("data:")] == []
        assert set(re.findall("<h2>(.*)</h2>", page)) >= {
            *(
                "Accuracy per class",
                "How to run this",
                "What it says of what it does not know",
                "On bad days",
                "Confusion",
            ),
            *("How far its scores can be trusted", "Conversion to int8", "Training", "Photographs", "Settings"),
        }

    def test_few_photographs_are_worth_a_warning(self, trained: Trained) -> None:
        for colour in pictures.CLASSES:
            assert f"only 30 photographs of class {colour}; with 100 or more" in trained.ended.stderr

    def test_a_model_is_not_written_over(self, trained: Trained) -> None:
        before = (trained.output / "model.tflite").read_bytes()
        ended = trainer("train", trained.data, *SMALL, "--output", trained.output)
        assert ended.code == 2
        assert f"{trained.output}: holds a model already" in ended.stderr
        assert (trained.output / "model.tflite").read_bytes() == before


@pytest.mark.xdist_group("trained")
class TestWhatItDoesNotKnow:
    """The label `background`, and what the model carries so that the daemon tells little that is not there."""

    def test_the_model_tells_the_daemon(self, trained: Trained) -> None:
        told = read_metadata((trained.output / "model.tflite").read_bytes())
        assert told.thresholds == report(trained.output)["thresholds"]
        assert {*told.thresholds} == {*pictures.CLASSES}
        assert all(0 < limit <= 1 for limit in told.thresholds.values())
        assert (told.neutral, told.fit) == (("background",), "stretch")
        assert told.graphs
        assert told.graphs[0] == "original"
        assert [*told.graphs] == [*report(trained.output)["graphs"]]

    def test_the_daemon_takes_generic_pictures_for_background(self, trained: Trained) -> None:
        model = Classifier(config.ModelSettings(path=str(trained.output / "model.tflite")))
        assert model.classes == LABELS
        others = negatives(model.size)
        test = by_source(others.sources, 0).test
        scores = np.array([model.scores(np.ascontiguousarray(others.pixels[index][..., ::-1])) for index in test])
        assert len(test) >= 100
        assert (scores.argmax(1) == LABELS.index("background")).mean() >= 0.9
        limits = np.array([*(model.thresholds[each] for each in pictures.CLASSES), 2], np.float32)  # 2: never
        told = (scores.max(1) >= limits[scores.argmax(1)]).mean()
        assert told == pytest.approx(report(trained.output)["false_event_rate"], abs=0.005)
        assert told <= 0.05

    def test_scores_are_calibrated(self, trained: Trained) -> None:
        calibration = report(trained.output)["calibration"]
        assert calibration["temperature"] != 1
        assert calibration["ece_after"] == report(trained.output)["ece"]

    def test_without_it_there_is_no_such_label(self, trained: Trained, tmp_path: Path) -> None:
        output = tmp_path / "out"
        ended = trainer("train", trained.data, *SHORT, "--unknown", "none", "--output", output)
        assert ended.code == 0, ended.stderr
        assert (output / "labels.txt").read_text("utf-8") == "blue\ngreen\nred\n"
        told = read_metadata((output / "model.tflite").read_bytes())
        assert (told.neutral, {*told.thresholds}) == ((), {*pictures.CLASSES})
        assert report(output)["labels"] == [*pictures.CLASSES]
        assert report(output)["unrelated"][0]["pictures"] >= 100  # shown they are all the same


@pytest.mark.xdist_group("trained")
class TestParts:
    """What each photograph served for stays with the model."""

    def test_they_are_in_the_model_and_beside_it(self, trained: Trained) -> None:
        beside = Parts.read(trained.output / "split.json")
        assert beside
        assert beside == Parts.read(trained.output / "model.tflite")
        digests = {digest_of(path) for path in trained.data.rglob("*.png")}
        assert beside.by_digest.keys() == digests
        assert Counter(beside.by_digest.values()) == {"train": 66, "validation": 12, "test": 12}

    def test_evaluate_takes_those_of_the_test(self, trained: Trained) -> None:
        ended = trainer("evaluate", trained.output / "model.tflite", trained.data, "--json")
        figures = json.loads(ended.stdout)
        assert (figures["photographs"], figures["trained_on"]) == (12, 78)
        assert figures["tested_on"] == "test photographs of its training"
        assert figures["accuracy"] == report(trained.output)["accuracy"]["int8"]
        people = trainer("evaluate", trained.output / "model.tflite", trained.data)
        assert "test photographs of its training; it was trained on 78 of the 90 in the folder" in people.stdout
        everything = trainer("evaluate", trained.output / "model.tflite", trained.data, "--all")
        assert "it was trained on 78 of these 90 photographs: the figures flatter it" in everything.stdout

    def test_photographs_that_are_added_move_none(self, trained: Trained, tmp_path: Path) -> None:
        data, output = tmp_path / "data", tmp_path / "out"
        shutil.copytree(trained.data, data)
        shutil.copytree(trained.output, output)
        for colour in pictures.CLASSES:
            pictures.save(data / colour, colour, range(500, 520))
        ended = trainer("train", data, *SHORT, "--seed", 1, "--overwrite", "--output", output)
        assert ended.code == 0, ended.stderr
        before, after = (Parts.read(each / "split.json") for each in (trained.output, output))
        assert before
        assert after
        assert len(after.by_digest) == 150
        assert before.by_digest.items() < after.by_digest.items()
        assert report(output)["split"]["made_by"] == "kept"
        assert {*Counter(after.by_digest.values())} == {"train", "validation", "test"}
        assert report(output)["data"]["test"] > report(trained.output)["data"]["test"]


@pytest.mark.xdist_group("trained")
def test_a_killed_training_goes_on_where_it_was(trained: Trained, tmp_path: Path) -> None:
    arguments = ("train", trained.data, *SMALL, "--output", tmp_path / "out")
    killed = start(*arguments)
    assert killed.stderr
    while "fine-tuning 2/3" not in killed.stderr.readline():
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    ended = process(*arguments, "--resume")
    assert ended.code == 0, ended.stderr
    assert re.search(r"^going on after [1-3] epochs$", ended.stderr, re.MULTILINE)
    lost = [each["loss"] for each in report(tmp_path / "out")["epochs"]]
    assert lost[0] is None  # before anything was learnt
    assert lost[1:] == pytest.approx([each["loss"] for each in report(trained.output)["epochs"][1:]], rel=1e-3)
    assert not (tmp_path / "out" / WORK).exists()


def test_who_forgets_to_resume_can_still_do_so(tmp_path: Path) -> None:
    work = tmp_path / "out" / WORK
    work.mkdir(parents=True)
    (work / MARK_FILE).write_text(MARK)
    (work / FILE).write_bytes(b"of hours")
    ended = trainer("train", tmp_path / "no such folder", *SMALL, "--output", tmp_path / "out")
    assert ended.code == 2
    assert f"warning: {tmp_path / 'out'}: an unfinished training is there, and another one begins" in ended.stderr
    assert (work / FILE).read_bytes() == b"of hours"


def test_a_stopped_training_tells_how_to_go_on(data: Path, tmp_path: Path) -> None:
    stopped = start("train", data, *SMALL, "--head-epochs", 1000, "--output", tmp_path / "out")
    assert stopped.stderr
    while "head 2/1000" not in stopped.stderr.readline():
        assert stopped.poll() is None
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert said.strip().splitlines()[-1] == f"{tmp_path / 'out'}: stopped; --resume goes on with it"
    assert "Traceback" not in said


def test_a_disk_that_fills_up_while_it_learns_is_told_and_gone_on_from(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("train", data, *SMALL, "--head-epochs", 0, "--format", "float32", "--output", tmp_path / "out")
    saved = checkpoint.save

    def save(folder: Path, *given: Any, **groups: Any) -> None:
        if (folder / FILE).exists():
            (folder / f"{FILE}.part").symlink_to("/dev/full")
        saved(folder, *given, **groups)

    monkeypatch.setattr(checkpoint, "save", save)
    ended = trainer(*arguments)
    assert ended.code == 1
    assert ended.stderr.splitlines()[-2:] == [
        f"{tmp_path / 'out'}: stopped; --resume goes on with it",
        f"trainer: {tmp_path / 'out' / WORK}: no space left on device",
    ]
    monkeypatch.undo()
    (tmp_path / "out" / WORK / f"{FILE}.part").unlink()
    ended = trainer(*arguments, "--resume")
    assert ended.code == 0, ended.stderr
    assert "going on after 1 epochs" in ended.stderr


def test_where_learning_only_did_harm_what_was_there_before_is_kept_and_told(data: Path, tmp_path: Path) -> None:
    fast = ("--learning-rate", 1, "--head-rate", 1, "--head-epochs", 0, "--epochs", 1, "--format", "float32")
    ended = trainer("train", data, *SMALL, *fast, "--output", tmp_path / "out")
    assert ended.code == 0, ended.stderr
    assert "warning: no epoch was better than what there was before, which is kept" in ended.stderr
    assert report(tmp_path / "out")["accuracy"]["float"] >= 0.9


def test_uneven_classes_and_bad_files_are_told_and_trained(tmp_path: Path) -> None:
    root = pictures.data_set(tmp_path / "data", 12)
    pictures.save(root / "red", "red", range(12, 40))
    (root / "red" / "broken.jpg").write_bytes((root / "red" / "0000.png").read_bytes()[:200])
    (root / "green" / "empty.jpg").write_bytes(b"")
    (root / "green" / "0003.png").rename(root / "green" / "named wrongly.jpg")
    pictures.save(root / "test" / "red", "red", [0, 100])
    pictures.save(root / "test" / "green", "green", range(100, 103))
    pictures.save(root / "test" / "blue", "blue", range(100, 103))
    bytes_name = bytes(root / "blue") + b"/\xff\xfe.png"
    (root / "blue" / "0001.png").rename(bytes_name.decode(errors="surrogateescape"))
    ended = trainer(
        "train", root, *SMALL, "--head-epochs", 1, "--epochs", 0, "--format", "float16", "--output", tmp_path / "out"
    )
    assert ended.code == 0, ended.stderr
    assert [each["stage"] for each in report(tmp_path / "out")["epochs"]] == ["before", "head"]
    for finding in (
        "red/broken.jpg: broken: ",
        "green/empty.jpg: empty file; left out",
        "green/named wrongly.jpg: a PNG picture, though its name ends in .jpg",
        "red/0000.png) are copies or near copies of those to test or validate with: left out",
        "only 15 photographs of class blue",
    ):
        assert finding in ended.stderr
        assert any(finding in each for each in report(tmp_path / "out")["data"]["findings"])


@pytest.mark.parametrize(("asked", "is_mirrored"), [("--no-mirror", False), ("--mirror", True)])
def test_a_network_that_knows_nothing_is_mirrored_as_asked(
    data: Path, tmp_path: Path, asked: str, *, is_mirrored: bool
) -> None:
    ended = trainer("train", data, *UNTAUGHT, asked, "--epochs", 1, "--format", "float32", "--output", tmp_path / "out")
    assert ended.code == 0, ended.stderr
    assert report(tmp_path / "out")["mirror"] == {"used": is_mirrored, "reason": "as the options say"}


def test_curves_are_written_for_other_tools_while_it_trains(data: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "my curves"
    options = (*UNTAUGHT, "--epochs", 2, "--format", "float32", "--output", tmp_path / "out")
    ended = trainer("train", data, *options, "--logs", folder)
    assert ended.code == 0, ended.stderr
    learnt = [each for each in report(tmp_path / "out")["epochs"] if each["stage"] != "before"]
    rows = list(csv.DictReader((folder / "training.csv").read_text("utf-8").splitlines()))
    assert [float(row["val_accuracy"]) for row in rows] == [each["validation_accuracy"] for each in learnt]
    for part, key in (("train", "loss"), ("validation", "validation_loss")):
        events = EventAccumulator(str(folder / part), size_guidance={"tensors": 0}).Reload()
        shown = [tf.make_ndarray(each.tensor_proto) for each in events.Tensors("epoch_loss")]
        assert shown == pytest.approx([each[key] for each in learnt])
