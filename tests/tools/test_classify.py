"""``edgecam classify``: what the model says of pictures, as the daemon would see them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edgecam import config
from edgecam.camera.frames import Frame
from edgecam.camera.pictures import KINDS
from edgecam.camera.view import view_of
from edgecam.model.classifier import Classifier
from tests import tflite
from tests.clips import BGR
from tests.command import edgecam

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, colour: str, size: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), BGR[colour], np.uint8))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tflite.saved(tmp_path / "model", tflite.classifier("uint8"))


def classified(*arguments: object) -> list[dict[str, Any]]:
    ended = edgecam("classify", "--json", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_picture_has_its_labels_the_likeliest_first(tmp_path: Path, model: Path) -> None:
    picture = write(tmp_path / "photo.png", "green")
    ended = edgecam("classify", picture, "--model", model)
    assert (ended.returncode, ended.stderr) == (0, "")
    name, first, *others = ended.stdout.splitlines()
    assert name == str(picture)
    assert first == "  1.00 #################### green"
    assert len(others) == 2


def test_each_picture_is_a_line_of_json(tmp_path: Path, model: Path) -> None:
    pictures = [write(tmp_path / f"{colour}.png", colour) for colour in ("red", "blue")]
    rows = classified(*pictures, "--model", model, "--top", 1)
    assert [set(row) for row in rows] == [{"picture", "scores"}] * 2
    assert [row["picture"] for row in rows] == [str(picture) for picture in pictures]
    labels = [(score["label"], score["index"]) for row in rows for score in row["scores"]]
    assert labels == [("red", 0), ("blue", 2)]


def test_top_0_is_all_and_none_is_five(tmp_path: Path) -> None:
    picture = write(tmp_path / "photo.png", "green")
    many = tflite.saved(tmp_path, tflite.classifier("uint8", classes=9), [f"class {place}" for place in range(9)])
    for top, count in ((0, 9), (2, 2), (50, 9)):
        (row,) = classified(picture, "--model", many, "--top", top)
        scores = [score["score"] for score in row["scores"]]
        assert len(scores) == count
        assert scores == sorted(scores, reverse=True)
    (row,) = classified(picture, "--model", many)
    assert len(row["scores"]) == 5


def test_a_folder_is_all_the_pictures_below_it(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "photos"
    paths = [write(folder / name, "red") for name in ("a.png", "cat/b.jpg", "cat/c.PNG")]
    write(folder / ".trash" / "d.png", "red")
    (folder / "notes.txt").write_text("none")
    assert [row["picture"] for row in classified(folder, "--model", model)] == [str(path) for path in paths]


def test_the_view_of_the_camera_counts(tmp_path: Path, model: Path) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = BGR["red"], BGR["blue"]
    cv2.imwrite(str(tmp_path / "both.png"), image)
    for crop, label in (("[0.0, 0.0, 0.5, 1.0]", "red"), ("[0.5, 0.0, 0.5, 1.0]", "blue")):
        (row,) = classified(tmp_path / "both.png", "--model", model, "--set", f"camera.crop={crop}")
        assert row["scores"][0]["label"] == label


def test_another_model_is_not_read_as_the_settings_one(tmp_path: Path, model: Path) -> None:
    """Its labels, pixels and outputs are its own; only what the command line says counts."""
    (tmp_path / "theirs.txt").write_text("one\ntwo\n")
    file = tmp_path / "config.toml"
    file.write_text(f'[model]\nlabels = "{tmp_path}/theirs.txt"\noutput = "other"\nscores = "logits"\n')
    picture = write(tmp_path / "photo.png", "green")
    (row,) = classified(picture, "--config", file, "--model", model)
    assert row["scores"][0]["label"] == "green"
    assert row["scores"][0]["score"] > 0.9
    (tmp_path / "mine.txt").write_text("rot\ngrün\nblau\n")
    (row,) = classified(picture, "--config", file, "--model", model, "--set", f"model.labels={tmp_path}/mine.txt")
    assert row["scores"][0]["label"] == "grün"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere.jpg", "no such file or directory"),
        ("notes.jpg", f"not a picture that can be read; {KINDS} are"),
        ("empty", f"no picture in it; {KINDS} are read"),
        ("pipe.jpg", f"not a picture that can be read; {KINDS} are"),
        ("IMG_1.HEIC", "a picture in HEIC, which is not read here; save it as JPEG"),
        ("other.tflite", "a model, not a picture; name it by --model"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_others_are_classified(
    tmp_path: Path, model: Path, name: str, problem: str
) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "other.tflite").write_bytes(model.read_bytes())
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    ended = edgecam("classify", tmp_path / name, write(tmp_path / "photo.png", "red"), "--model", model, "--json")
    assert ended.returncode == 2
    assert ended.stderr == f"edgecam: {tmp_path / name}: {problem}\n"
    assert json.loads(ended.stdout)["scores"][0]["label"] == "red"


@pytest.mark.parametrize("name", [b"lat\xe9in.jpg", "猫 (1).jpg".encode(), b"a\n\x1b[31m.jpg"], ids=repr)
def test_a_name_may_be_of_any_bytes(tmp_path: Path, model: Path, name: bytes) -> None:
    """OpenCV dies of one that is not UTF-8, and JSON cannot say it."""
    folder = tmp_path / "photos"
    write(folder / "photo.jpg", "red").rename(folder / os.fsdecode(name))
    for given in (folder, next(folder.iterdir())):
        (row,) = classified(given, "--model", model)
        assert row["scores"][0]["label"] == "red"
        assert row["picture"] == str(folder / name.decode(errors="replace"))
        assert edgecam("classify", given, "--model", model).stdout.count("\n") == 4


def test_a_model_whose_name_is_not_utf8_is_told_in_one_line(tmp_path: Path) -> None:
    ended = edgecam("classify", write(tmp_path / "photo.png", "red"), "--model", tmp_path / os.fsdecode(b"lat\xe9in"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "edgecam: --model: not UTF-8 text; rename the file\n"


def test_pixels_that_are_assumed_are_told(tmp_path: Path) -> None:
    """Else a wrong answer looks like one of the model's."""
    picture = write(tmp_path / "photo.png", "green")
    model = tflite.saved(tmp_path, tflite.classifier("float32"))
    ended = edgecam("classify", picture, "--model", model)
    assert ended.returncode == 0
    assert "0..1 is assumed" in ended.stderr
    assert f"edgecam check --set model.path={model} --picture FILE" in ended.stderr
    assert edgecam("classify", picture, "--model", model, "--set", "model.pixels=-1..1").stderr == ""


def test_a_refused_model_ends_with_3(tmp_path: Path) -> None:
    picture = write(tmp_path / "photo.png", "red")
    ended = edgecam("classify", picture, "--model", tmp_path / "nowhere.tflite")
    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1


def test_without_a_picture_it_says_how_it_is_used() -> None:
    ended = edgecam("classify")
    assert ended.returncode == 2
    assert ended.stderr == "edgecam classify: missing argument 'PICTURE...' (see edgecam classify --help)\n"


def test_the_scores_are_those_of_the_daemons_own_classifier(tmp_path: Path) -> None:
    """Of the shipped model, with its fit."""
    picture = tmp_path / "photo.png"
    cv2.imwrite(str(picture), np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8))
    model = Classifier(config.ModelSettings())
    frame = view_of(config.Config(), model.size, model.fit).of_frame(Frame(cv2.imread(str(picture)), 0, 0))
    expected = model.scores(frame.image, frame.layout)
    (row,) = classified(picture, "--top", 0, "--set", "model.graph=original", "--set", "model.runtime=litert")
    assert len(row["scores"]) == len(expected)
    for score in row["scores"]:
        assert score["score"] == pytest.approx(expected[score["index"]], abs=1e-6)
        assert score["label"] == model.classes[score["index"]]


def test_what_the_command_line_says_of_settings_in_a_file_need_not_stand_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[mqtt]\nusername = 'porch'\n")
    picture = write(tmp_path / "photo.png", "red")
    assert classified(picture, "--config", file, "--set", f"mqtt.password_file={tmp_path / 'password'}")


def test_nothing_of_a_table_in_the_file_is_left_for_another_model(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[model]\npixels = {mean = [0.0], std = [9.0]}\n")
    model = tflite.saved(tmp_path, tflite.means((1, 12, 16, 3)))
    picture = write(tmp_path / "photo.png", "red")
    (row,) = classified(picture, "--config", file, "--model", model, "--set", "model.pixels.mean=[0.0]")
    (alone,) = classified(picture, "--model", model, "--set", "model.pixels.mean=[0.0]")
    assert row == alone
