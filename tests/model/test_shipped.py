"""The model and the clip that come with edgecam."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgecam import config
from edgecam.camera.sources import open_source
from edgecam.camera.view import View
from edgecam.events.labels import labels_of, mistakes
from edgecam.model.classifier import Classifier, shipped_model
from edgecam.tools.demo import shipped_clip
from trainer.quantisation.metadata import with_own
from trainer.shipped.groups import SHIPPED_KEYS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def model() -> Classifier:
    return Classifier(config.ModelSettings())


@pytest.fixture(scope="module")
def cat(model: Classifier) -> NDArray[np.uint8]:
    """A frame of the clip that shows the cat."""
    camera = config.CameraSettings(source=str(shipped_clip()))
    frames = open_source(camera).frames(threading.Event())
    image = next(frame.image for number, frame in enumerate(frames) if number == 90)
    frames.close()
    return View(camera, model.size, fit=model.fit).of(image)


def test_the_model_has_1000_labels_each_once(model: Classifier) -> None:
    assert len(set(model.classes)) == 1000


def test_the_model_is_int8_of_about_5_mb(model: Classifier) -> None:
    assert model.size == (224, 224)
    assert 5_000_000 < shipped_model().stat().st_size < 5_500_000


def test_the_models_groups_are_of_its_labels_each_in_one(model: Classifier) -> None:
    members = [label for labels in model.groups.values() for label in labels]
    assert set(members) - set(model.classes) == set()
    assert len(set(members)) == len(members)
    assert {"cat", "dog", "bird", "car"} <= set(model.groups)


def test_what_the_model_tells_is_what_its_command_puts_in() -> None:
    shipped = shipped_model().read_bytes()
    assert with_own(shipped, SHIPPED_KEYS) == shipped


def test_a_default_start_has_no_mistake_in_its_labels_and_reports_groups(model: Classifier) -> None:
    settings = config.EventsSettings()
    assert mistakes(model, settings) == []
    assert {"cat", "dog"} <= set(labels_of(model, settings).names)


def test_the_model_sees_the_cat(model: Classifier, cat: NDArray[np.uint8]) -> None:
    scores = dict(zip(model.classes, model.scores(cat).tolist(), strict=True))
    assert sum(scores[label] for label in model.groups["cat"]) > 0.8


def test_mediapipe_reads_labels_and_scores_as_we_do(model: Classifier, cat: NDArray[np.uint8]) -> None:
    mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe has no wheel for this machine")
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(BaseOptions(model_asset_path=str(shipped_model())), max_results=3)
    with vision.ImageClassifier.create_from_options(options) as classifier:
        rgb = np.ascontiguousarray(cv2.cvtColor(cat, cv2.COLOR_BGR2RGB))
        image = mediapipe.Image(mediapipe.ImageFormat.SRGB, rgb)
        theirs = {each.category_name: each.score for each in classifier.classify(image).classifications[0].categories}
    ours = dict(zip(model.classes, model.scores(cat).tolist(), strict=True))
    assert theirs == pytest.approx({label: ours[label] for label in theirs}, abs=0.02)


def test_the_clip_is_small_and_about_20_seconds_long() -> None:
    clip = cv2.VideoCapture(str(shipped_clip()))
    seconds = clip.get(cv2.CAP_PROP_FRAME_COUNT) / clip.get(cv2.CAP_PROP_FPS)
    clip.release()
    assert 18 <= seconds <= 22
    assert shipped_clip().stat().st_size <= 2_000_000
