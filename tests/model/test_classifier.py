"""Image classifiers of every kind, on both runtimes, and what is none."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, get_args

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgecam import config
from edgecam.camera.view import View
from edgecam.errors import ModelError
from edgecam.model import runtimes, trial
from edgecam.model.classifier import Classifier
from edgecam.model.metadata import read_metadata
from tests import tflite
from tests.clips import BGR
from tests.shared import shared
from trainer.quantisation.metadata import with_metadata, with_own

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RUNTIMES = [
    "litert",
    pytest.param(
        "tflite-runtime",
        marks=pytest.mark.skipif(not find_spec("tflite_runtime"), reason="has no wheel for this Python"),
    ),
]
TYPES = get_args(tflite.Type)


def load(path: Path, **settings: object) -> Classifier:
    return Classifier(config.ModelSettings(path=str(path), **settings))  # type: ignore[arg-type]


def plain(colour: str, size: tuple[int, int] = (32, 24)) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), BGR[colour], np.uint8)


def seen(model: Classifier, colour: str) -> str:
    return model.classes[int(model.scores(plain(colour, model.size)).argmax())]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("softmax", [True, False])
def test_every_number_type_on_every_runtime(tmp_path: Path, runtime: str, dtype: tflite.Type, *, softmax: bool) -> None:
    model = load(tflite.saved(tmp_path, tflite.classifier(dtype, softmax=softmax)), runtime=runtime)
    for place, colour in enumerate(tflite.COLOURS):
        scores = model.scores(plain(colour))
        assert scores[place] == pytest.approx(1, abs=0.01)
        assert scores.sum() == pytest.approx(1, abs=0.01)


def test_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    model = load(tflite.saved(tmp_path, tflite.classifier()))
    with pytest.raises(ValueError, match=r"an image of \(33, 24\) for a model that sees \(32, 24\)"):
        model.scores(plain("red", (33, 24)))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_softmax_is_applied_only_where_the_model_lacks_one(tmp_path: Path, dtype: tflite.Type) -> None:
    """Twice applied, it would flatten the scores; grey is equally like all colours, a dim one is between."""
    image = np.full((24, 32, 3), (118, 118, 138), np.uint8)
    scores = [
        load(tflite.saved(tmp_path, tflite.classifier(dtype, softmax=softmax)), pixels="-1..1").scores(image)
        for softmax in (True, False)
    ]
    logits = tflite.STEEP * (2 / 255) * np.array([20, -10, -10])
    expected = np.exp(logits) / np.exp(logits).sum()
    assert scores[0] == pytest.approx(expected, abs=0.02)
    assert scores[1] == pytest.approx(expected, abs=0.02)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(size=st.tuples(st.integers(2, 65), st.integers(2, 65)), dtype=st.sampled_from(TYPES))
def test_any_input_size(tmp_path: Path, size: tuple[int, int], dtype: tflite.Type) -> None:
    model = load(tflite.saved(tmp_path, tflite.classifier(dtype, size=size)))
    assert model.size == size
    assert seen(model, "green") == "green"


def test_labels_come_from_the_models_metadata_before_a_file_beside_it(tmp_path: Path) -> None:
    labels = ["rot", "grün", "blau"]
    content = with_metadata(
        tflite.classifier("uint8"), name="", description="", licence="", labels=labels, mean=127.5, std=127.5
    )
    assert load(tflite.saved(tmp_path, content)).classes == tuple(labels)


def test_labels_come_from_the_named_file_before_all(tmp_path: Path) -> None:
    path = tflite.saved(tmp_path, tflite.classifier("uint8"))
    (tmp_path / "named.txt").write_text("a\nb\nc\n\n")
    assert load(path, labels=str(tmp_path / "named.txt")).classes == ("a", "b", "c")


@pytest.mark.parametrize("name", ["model.txt", "model_labels.txt", "labels.txt"])
def test_labels_come_from_a_file_beside_the_model(tmp_path: Path, name: str) -> None:
    path = tflite.saved(tmp_path, tflite.classifier("uint8"), labels=None)
    (tmp_path / name).write_text("a\nb\nc")
    assert load(path).classes == ("a", "b", "c")


@pytest.mark.parametrize(("mean", "std", "seen_as"), [(0.0, 255.0, [0.0, 0.5, 1.0]), (127.5, 127.5, [-1.0, 0.0, 1.0])])
def test_a_float_model_gets_its_pixels_as_its_metadata_says(
    tmp_path: Path, mean: float, std: float, seen_as: list[float]
) -> None:
    path = tmp_path / "model.tflite"
    labels = [str(number) for number in range(12)]
    path.write_bytes(
        with_metadata(
            tflite.reshaper((1, 12), image=(1, 2, 2, 3)),
            name="",
            description="",
            licence="",
            labels=labels,
            mean=mean,
            std=std,
        )
    )
    model = load(path, scores="logits")
    image = np.full((2, 2, 3), (255, 127.5, 0), np.uint8)
    logits = np.log(model.scores(image)[:3])
    assert logits - logits[1] == pytest.approx(np.array(seen_as) - seen_as[1], abs=0.01)


REFUSED = {
    "a pose model": (tflite.reshaper((1, 1, 8, 24)), "no image classifier: its output is [1, 1, 8, 24]"),
    "a segmentation model": (tflite.reshaper((1, 8, 8, 3)), "no image classifier: its output is [1, 8, 8, 3]"),
    "a detection model": (tflite.detector(), "no image classifier: its outputs are [1, 8, 8, 3], [1, 8, 8, 3]"),
    "a model of sound": (tflite.reshaper((1, 16), image=(1, 16)), "no image classifier: its input is [1, 16]"),
    "text": (b"hello world", "not a .tflite file"),
    "nothing": (b"", "not a .tflite file"),
    "a bare header": (b"\x1c\0\0\0TFL3", "cut off or damaged"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_image_classifier_is_refused(tmp_path: Path, kind: str) -> None:
    content, reason = REFUSED[kind]
    with pytest.raises(ModelError, match=re.escape(reason)) as caught:
        load(tflite.saved(tmp_path, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_model_is_refused_on_every_runtime(tmp_path: Path, runtime: str, share: float) -> None:
    content = tflite.classifier("uint8", classes=500)
    path = tflite.saved(tmp_path, content[: round(share * len(content))], [str(number) for number in range(500)])
    with pytest.raises(ModelError) as caught:
        load(path, runtime=runtime)
    assert "\n" not in str(caught.value)


def test_a_label_count_that_does_not_match_is_refused(tmp_path: Path) -> None:
    path = tflite.saved(tmp_path, tflite.classifier("uint8"), ["red", "green"])
    with pytest.raises(ModelError, match=r"model\.txt: 2 labels \(a label a line\), but the model has 3 scores; "):
        load(path)


def test_a_model_without_labels_is_refused(tmp_path: Path) -> None:
    path = tflite.saved(tmp_path, tflite.classifier("uint8"), labels=None)
    with pytest.raises(ModelError, match=r"no labels in it, nor in model\.txt, labels\.txt or the like beside it"):
        load(path)


@pytest.mark.parametrize(("name", "reason"), [("nowhere.tflite", "no such file or directory"), (".", "is a directory")])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load(tmp_path / name)


def test_a_runtime_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, colour_model: Path) -> None:
    monkeypatch.setitem(runtimes.MODULES, "litert", "no_such_module")
    with pytest.raises(ModelError, match=r"model\.runtime: litert cannot be imported"):
        load(colour_model, runtime="litert")


def test_auto_takes_litert_as_the_faster_one(colour_model: Path) -> None:
    assert load(colour_model).plan.runtime == "litert"


@pytest.mark.skipif(not find_spec("tflite_runtime"), reason="has no wheel for this Python")
def test_auto_takes_the_other_runtime_where_litert_does_not_import(
    monkeypatch: pytest.MonkeyPatch, colour_model: Path
) -> None:
    monkeypatch.setitem(runtimes.MODULES, "litert", "no_such_module")
    assert load(colour_model).plan.runtime == "tflite-runtime"


WHOLE = with_own(
    with_metadata(
        tflite.classifier("uint8"), name="n", description="d", licence="l", labels=tflite.COLOURS, mean=0, std=1
    ),
    {"groups": {"warm": ["red"]}},
)


def damaged(damage: list[tuple[int, int]]) -> bytes:
    content = bytearray(WHOLE)
    for place, value in damage:
        content[place] = value
    return bytes(content)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8))
def test_damaged_metadata_is_read_or_refused_in_words(damage: list[tuple[int, int]]) -> None:
    try:
        read_metadata(damaged(damage))
    except ModelError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(("field", "value"), [(6, 255), (8, 1), (10, 99)], ids=["version", "encrypted", "method"])
def test_labels_that_cannot_be_unpacked_are_told_in_words(field: int, value: int) -> None:
    directory = WHOLE.index(b"PK\1\2")
    with pytest.raises(ModelError, match="its metadata is broken"):
        read_metadata(damaged([(directory + field, value)]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(st.lists(st.tuples(st.integers(8, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=30))
def test_a_damaged_model_is_run_or_refused_in_words(tmp_path: Path, damage: list[tuple[int, int]]) -> None:
    """Whatever it does to the runtime, it does it in a child process."""
    path = tmp_path / "model.tflite"
    path.write_bytes(damaged(damage))
    try:
        trial.tried(config.ModelSettings(path=str(path)))
    except ModelError as error:
        assert "\n" not in str(error)


def test_a_model_that_kills_its_runtime_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killer = tmp_path / "killer"
    killer.write_text("#!/bin/sh\nkill -SEGV $$\n")
    killer.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(killer))
    with pytest.raises(ModelError, match=r"x\.tflite: broken: it kills the runtime \(signal 11\)"):
        trial.tried(config.ModelSettings(path="x.tflite"))


class TestOthersModels:
    """Models that nobody here wrote."""

    @pytest.mark.parametrize("runtime", RUNTIMES)
    @pytest.mark.parametrize("name", ["mobilenet_v3_small_uint8", "tf2_mobilenet_v2_1.0_224_ptq"])
    def test_googles_classifiers_name_most_photographs_rightly(self, runtime: str, name: str) -> None:
        path, labels = shared(f"models/{name}.tflite"), shared("models/imagenet_labels.txt")
        photographs = sorted(shared("data/imagenet").glob("*.jpg"))[::10]
        model = load(path, runtime=runtime, labels=str(labels))
        view = View(config.CameraSettings(), model.size)
        found = [int(model.scores(view.of(cv2.imread(str(photograph)))).argmax()) for photograph in photographs]
        right = [index == int(file.name[:3]) + 1 for index, file in zip(found, photographs, strict=True)]
        assert sum(right) / len(right) > 0.6

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("movenet_single_pose_lightning_ptq", "no image classifier: its output is"),
            ("model_invoking_error", "unresolved custom op"),
        ],
    )
    @pytest.mark.parametrize("runtime", RUNTIMES)
    def test_other_models_are_refused(self, runtime: str, name: str, reason: str) -> None:
        with pytest.raises(ModelError, match=reason) as caught:
            load(shared(f"models/{name}.tflite"), runtime=runtime)
        assert "\n" not in str(caught.value)
