"""``convert --pixels``: a Keras model says in edgecam what it says in Keras, whatever it takes for pixels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from hypothesis import given
from hypothesis import strategies as some
from keras import layers

from edgecam import config
from edgecam.model.classifier import Classifier
from edgecam.model.pixel_range import USUAL
from tests.trainer import pictures
from tests.trainer.command import trainer
from tests.trainer.networks import SIZE, brightness, colours, nearest
from trainer.network.classifier import flattened, without_rescaling
from trainer.report.figures import uncalibrated
from trainer.report.ranges import CAFFE_MEAN, Ranges

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.command import Ended

pytestmark = pytest.mark.timeout(120)
TOLERANCES = {"float32": 2e-4, "int8": 0.04}


def converted(model: keras.Model, data: Path, folder: Path, *options: str, to: str = "float32") -> Ended:
    model.save(folder / "model.keras")
    return trainer(
        *("convert", folder / "model.keras", data, "--format", to, "--output", folder / "out", "--max-loss", "100"),
        *options,
    )


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "report.json").read_bytes())
    return found


def in_edgecam(folder: Path) -> Classifier:
    return Classifier(config.ModelSettings(path=str(folder / "out" / "model.tflite")))


@pytest.mark.parametrize(
    ("name", "to"), [*((name, "float32") for name in USUAL), ("0..1", "int8"), ("imagenet", "int8")]
)
def test_what_a_model_takes_is_found_by_the_photographs(data: Path, tmp_path: Path, name: str, to: str) -> None:
    mean, std = USUAL[name]
    model = nearest(mean, std)
    ended = converted(model, data, tmp_path, to=to)
    assert ended.code == 0, ended.stderr
    assert f'pixels:   {name} (by the photographs: "{name}" is right ' in ended.stdout
    told = figures(tmp_path)
    assert (told["pixels"]["name"], told["pixels"]["source"]) == (name, "photographs")
    assert max(told["pixels"]["accuracies"], key=told["pixels"]["accuracies"].get) == name
    assert told["settings"]["pixels"] == name
    read = in_edgecam(tmp_path)
    for colour in pictures.CLASSES:
        image = pictures.picture(colour, 5, SIZE)
        by_keras = np.asarray(model(((image[np.newaxis] - np.array(mean)) / std).astype(np.float32)))[0]
        calibrated = uncalibrated(by_keras[np.newaxis], 1 / told["calibration"]["temperature"])[0]
        assert read.scores(np.ascontiguousarray(image[..., ::-1])) == pytest.approx(calibrated, abs=TOLERANCES[to])


@pytest.mark.parametrize("name", ["-1..1", "imagenet"])
def test_what_is_said_counts(data: Path, tmp_path: Path, name: str) -> None:
    ended = converted(nearest(*USUAL[name]), data, tmp_path, "--pixels", name)
    assert ended.code == 0, ended.stderr
    assert figures(tmp_path)["pixels"] == {
        "name": name,
        "source": "option",
        "reason": "as --pixels says",
        "accuracies": {},
    }
    assert in_edgecam(tmp_path).pixels.name == name


def test_what_is_said_wrongly_is_no_success(data: Path, tmp_path: Path) -> None:
    ended = converted(nearest(*USUAL["0..1"]), data, tmp_path, "--pixels", "0..255", to="int8")
    assert ended.code == 1
    assert "no better than guessing: is --pixels as in its training" in ended.stderr.splitlines()[-1]
    assert (tmp_path / "out" / "model.tflite").exists()


class TestBlueFirst:
    """``preprocess_input`` of ResNet50 and VGG."""

    def test_outside_it_is_told_what_to_do(self, data: Path, tmp_path: Path) -> None:
        ended = converted(nearest(CAFFE_MEAN, (1,), turns=True), data, tmp_path)
        assert ended.code == 2
        assert "make preprocess_input the first layer of the model" in ended.stderr.splitlines()[-1]

    def test_and_doing_it_helps(self, data: Path, tmp_path: Path) -> None:
        image = keras.Input((SIZE, SIZE, 3))
        model = nearest(CAFFE_MEAN, (1,), turns=True)
        whole = keras.Model(image, model(keras.applications.resnet50.preprocess_input(image)))
        ended = converted(whole, data, tmp_path)
        assert ended.code == 0, ended.stderr
        told = figures(tmp_path)
        assert (told["pixels"]["name"], told["pixels"]["source"]) == ("0..255", "layers")
        assert told["accuracy"]["float"] >= 0.9


@pytest.mark.parametrize("first", ["layer", "operator"])
def test_what_the_converter_works_into_a_convolution_is_heard_too(data: Path, tmp_path: Path, first: str) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255)(layers.RandomFlip()(image)) if first == "layer" else image / 255.0
    ended = converted(keras.Model(image, colours(x, (1.0,))), data, tmp_path)
    assert ended.code == 0, ended.stderr
    told = figures(tmp_path)["pixels"]
    assert (told["name"], told["source"]) == ("0..255", "layers")


@pytest.mark.parametrize("first", ["Rescaling", "Normalization"])
def test_a_model_that_normalises_itself_is_asked_first(data: Path, tmp_path: Path, first: str) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    layer = (
        layers.Rescaling(1 / 127.5, offset=[-1, -1, -1])
        if first == "Rescaling"
        else layers.Normalization(mean=[127.5] * 3, variance=[127.5**2] * 3)
    )
    ended = converted(keras.Model(image, nearest(*USUAL["-1..1"])(layer(image))), data, tmp_path)
    assert ended.code == 0, ended.stderr
    told = figures(tmp_path)
    assert (told["pixels"]["name"], told["pixels"]["source"]) == ("0..255", "layers")
    assert told["pixels"]["reason"].startswith("it first takes (pixel - 127.5) / ")
    assert told["accuracy"]["float"] >= 0.9


def test_a_model_that_normalises_in_part_is_heard_where_photographs_do_not_tell(data: Path, tmp_path: Path) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(2.0, offset=-1.0)(image)  # from 0..1
    scores = layers.Dense(3, use_bias=False)
    model = keras.Model(image, layers.Softmax()(scores(layers.GlobalAveragePooling2D()(x))))
    scores.set_weights([np.array([[-1, -1, 2], [-1, 2, -1], [2, -1, -1]], np.float32)])
    ended = converted(model, data, tmp_path)
    assert ended.code == 0, ended.stderr
    told = figures(tmp_path)["pixels"]
    assert (told["name"], told["source"]) == ("0..1", "layers")
    assert in_edgecam(tmp_path).pixels.name == "-1..1"  # as that layer's work is done by the table of pixels


class TestUndecided:
    """Where the photographs do not tell."""

    def test_two_that_are_as_good(self, data: Path, tmp_path: Path) -> None:
        image = keras.Input((SIZE, SIZE, 3))
        scores = layers.Dense(3, use_bias=False)  # the same is the greatest, whatever the scale
        model = keras.Model(image, layers.Softmax()(scores(layers.GlobalAveragePooling2D()(image))))
        scores.set_weights([np.array([[-1, -1, 2], [-1, 2, -1], [2, -1, -1]], np.float32)])
        ended = converted(model, data, tmp_path)
        assert (ended.code, ended.stdout) == (2, "")
        assert ended.stderr.splitlines()[-1].startswith(
            f"trainer: {tmp_path}/model.keras: no range of pixels is clearly the best: "
        )
        assert '"0..1" ' in ended.stderr
        assert "give --pixels with the one" in ended.stderr
        assert not (tmp_path / "out" / "model.tflite").exists()

    def test_none_that_is_better_than_guessing(self, data: Path, tmp_path: Path) -> None:
        image = keras.Input((SIZE, SIZE, 3))
        zeros = layers.Dense(3, activation="softmax", kernel_initializer="zeros")
        ended = converted(keras.Model(image, zeros(layers.GlobalAveragePooling2D()(image))), data, tmp_path)
        assert ended.code == 2
        assert "no range of pixels is better than guessing" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("shape", "ends", "to"),
    [
        ((28, 28, 1), True, "int8"),
        ((28, 28), True, "float32"),
        ((28, 28, 1), False, "float32"),
        ((28, 28), False, "int8"),
    ],
)
def test_one_score_of_a_grey_picture(tmp_path: Path, shape: tuple[int, ...], ends: bool, to: str) -> None:  # noqa: FBT001
    data = pictures.dark_and_light(tmp_path / "data", 20)
    model = brightness(shape, 0.25, ends=ends)
    ended = converted(model, data, tmp_path, to=to)
    assert ended.code == 0, ended.stderr
    assert figures(tmp_path)["accuracy"]["converted"] == 1
    read = in_edgecam(tmp_path)
    assert (read.classes, read.pixels.name) == (("dark", "light"), "0..1")
    for level in (40, 60, 80):
        image = np.clip(np.random.default_rng(level).normal(level, 20, (28, 28, 3)), 0, 255).astype(np.uint8)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).reshape(1, *shape).astype(np.float32) / 255
        by_keras = float(np.asarray(model(grey))[0, 0])
        by_keras = by_keras if ends else 1 / (1 + np.exp(-by_keras))
        assert read.scores(image) == pytest.approx([1 - by_keras, by_keras], abs=TOLERANCES[to])


def test_one_score_is_mended_too(tmp_path: Path) -> None:
    data = pictures.dark_and_light(tmp_path / "data", 20)
    image = keras.Input((28, 28, 1))
    x = image
    for number, other in enumerate((1, 1000, 1, 1, 1)):  # beside a huge number the picture is rounded away
        room, out = layers.Conv2D(2, 1, name=f"room{number}"), layers.Conv2D(1, 1, name=f"out{number}")
        x = out(room(x))
        room.set_weights([np.array([1, 0], np.float32).reshape(1, 1, 1, 2), np.array([0, other], np.float32)])
        out.set_weights([np.array([1, 0], np.float32).reshape(1, 1, 2, 1), np.zeros(1, np.float32)])
    model = keras.Model(image, brightness((28, 28, 1), 0.25)(x))
    model.save(tmp_path / "model.keras")
    ended = trainer("convert", tmp_path / "model.keras", data, "--output", tmp_path / "out", "--pixels", "0..1")
    assert ended.code == 0, ended.stderr
    assert "not to be had" not in ended.stderr
    assert len(figures(tmp_path)["attempts"]) > 1


def test_dark_photographs_leave_room_for_bright_ones(tmp_path: Path) -> None:
    data = pictures.dark_and_light(tmp_path / "data", 20)
    ended = converted(brightness((28, 28, 1), 0.25), data, tmp_path, to="int8")
    assert ended.code == 0, ended.stderr
    low, high = in_edgecam(tmp_path).input.limits
    assert [low, high] == pytest.approx([0, 1], abs=0.01)


@given(some.floats(-200, 200), some.floats(0.01, 300), some.floats(0.01, 4), some.floats(-3, 3))
def test_leaving_out_a_rescaling_changes_nothing(mean: float, std: float, scale: float, offset: float) -> None:
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, layers.Flatten()(layers.Rescaling(scale, offset)(image)))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 2, 2, 3)).astype(np.uint8)
    inner = without_rescaling(model, (mean,), (std,))
    assert len(inner.network.layers) == 2
    expected = ((pixels - mean) / std * scale + offset).reshape(1, -1)
    assert inner.images(pixels).reshape(1, -1) == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("scale", [1 / 127.5, [0.1, 0.2, 0.3], np.array([0.1, 0.2, 0.3])])
@pytest.mark.parametrize("offset", [-1.0, [-1, -2, -3], np.array([-1.0, -2.0, -3.0])])
def test_a_rescaling_may_have_a_number_a_colour(scale: Any, offset: Any) -> None:
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, layers.Flatten()(layers.Rescaling(scale, offset)(image)))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 2, 2, 3)).astype(np.uint8)
    inner = without_rescaling(flattened(model))
    assert inner.mean.shape == inner.std.shape  # else MediaPipe refuses the file
    expected = (pixels * np.asarray(scale) + np.asarray(offset)).reshape(1, -1)
    assert inner.images(pixels).reshape(1, -1) == pytest.approx(expected, rel=1e-4, abs=1e-3)


@given(some.lists(some.lists(some.booleans(), min_size=4, max_size=4), min_size=1, max_size=60))
def test_no_range_is_best_by_chance(rows: list[list[bool]]) -> None:
    hits = dict(zip(USUAL, np.array(rows).T, strict=True))
    labels = np.arange(len(rows)) % 2
    best = Ranges(hits, labels).best
    if best:
        counts = {name: int(each.sum()) for name, each in hits.items()}
        assert counts.pop(best) >= max(counts.values()) + 5
