"""The main job, by its command: from a folder of photographs to a model that the daemon runs."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from edgecam import config
from edgecam.model.classifier import Classifier
from tests import tflite
from tests.trainer import pictures
from tests.trainer.command import SMALL, process, start, trainer
from trainer.learning import checkpoint
from trainer.learning.checkpoint import FILE
from trainer.output import MARK, MARK_FILE, WORK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.conftest import Trained

pytestmark = pytest.mark.timeout(300)


def report(output: Path) -> Any:
    return json.loads((output / "report.json").read_bytes())


@pytest.mark.xdist_group("trained")
class TestWhatComesOut:
    """Everything in the output folder."""

    def test_it_ends_well_and_tells_where_things_are(self, trained: Trained) -> None:
        assert trained.ended.code == 0, trained.ended.stderr
        heads = [line[:9].strip(" :") for line in trained.ended.stdout.splitlines()]
        assert [head for head in heads if head] == ["accuracy", "beware", "model", "report", "try it"]
        assert trained.ended.stdout.endswith(f"edgecam run --set model.path={trained.output}/model.tflite\n")

    def test_the_folder_holds_what_was_promised_and_nothing_else(self, trained: Trained) -> None:
        names = {path.name for path in trained.output.iterdir()}
        assert names == {"model.tflite", "labels.txt", "model.keras", "report.html", "report.json"}

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
        assert beside == "blue\ngreen\nred\n"
        assert tflite.labels_within((trained.output / "model.tflite").read_bytes()) == pictures.CLASSES

    def test_the_model_takes_and_gives_bytes(self, trained: Trained) -> None:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(trained.output / "model.tflite"))
        details = [*interpreter.get_input_details(), *interpreter.get_output_details()]
        assert [each["dtype"] for each in details] == [np.uint8, np.uint8]

    def test_the_report_for_programs_has_its_figures(self, trained: Trained) -> None:
        figures = report(trained.output)
        assert figures["backbone"] == "efficientnet_lite0"
        assert figures["classes"] == list(pictures.CLASSES)
        assert figures["accuracy"]["float"] >= 0.9
        assert figures["accuracy"]["int8"] >= 0.9
        assert figures["size_bytes"] == (trained.output / "model.tflite").stat().st_size
        assert figures["latency_ms"] > 0
        assert figures["data"]["test"] == 12

    def test_the_report_for_people_needs_no_network(self, trained: Trained) -> None:
        page = (trained.output / "report.html").read_text("utf-8")
        fetched = re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", page)
        assert [each for each in fetched if not each.startswith("data:")] == []
        for heading in ("Conversion to int8", "Accuracy per class", "Confusion", "Training", "Photographs", "Settings"):
            assert f"<h2>{heading}</h2>" in page

    def test_few_photographs_are_worth_a_warning(self, trained: Trained) -> None:
        assert f"warning: {trained.data}: only 30 photographs of class red; with 100 or more" in trained.ended.stderr

    def test_a_model_is_not_written_over(self, trained: Trained) -> None:
        before = (trained.output / "model.tflite").read_bytes()
        ended = trainer("train", trained.data, *SMALL, "--output", trained.output)
        assert ended.code == 2
        assert f"{trained.output}: holds a model already" in ended.stderr
        assert (trained.output / "model.tflite").read_bytes() == before


@pytest.mark.xdist_group("trained")
def test_a_killed_training_goes_on_where_it_was(trained: Trained, tmp_path: Path) -> None:
    arguments = ("train", trained.data, *SMALL, "--output", tmp_path / "out")
    killed = start(*arguments)
    assert killed.stderr
    while "head 3/8" not in killed.stderr.readline():
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    ended = process(*arguments, "--resume")
    assert ended.code == 0, ended.stderr
    assert re.search(r"^going on after [2-9] epochs$", ended.stderr, re.MULTILINE)
    lost = [each["loss"] for each in report(tmp_path / "out")["epochs"]]
    assert lost == pytest.approx([each["loss"] for each in report(trained.output)["epochs"]], rel=1e-3)


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
        "train", root, *SMALL, "--head-epochs", 1, "--epochs", 1, "--format", "float16", "--output", tmp_path / "out"
    )
    assert ended.code == 0, ended.stderr
    for finding in (
        "red/broken.jpg: broken: ",
        "green/empty.jpg: empty file; left out",
        "green/named wrongly.jpg: a PNG picture, though its name ends in .jpg",
        "red/0000.png) are copies or near copies of those to test or validate with: left out",
        "only 15 photographs of class blue",
    ):
        assert finding in ended.stderr
        assert any(finding in each for each in report(tmp_path / "out")["data"]["findings"])
