"""Which graphs a model may be run with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from edgecam import config
from edgecam.model import graph, timing
from edgecam.model.classifier import Classifier
from edgecam.model.graphs import graphs
from tests import tflite

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SOFTMAX_BETA = 1.0  # of `tflite.hard_classifier`


def test_a_model_of_a_hard_swish_has_two_that_give_the_same(tmp_path: Path) -> None:
    content = tflite.hard_classifier()
    settings = config.ModelSettings(path=str(tflite.saved(tmp_path, content)))
    found = graphs(content)
    assert list(found.files) == ["original", "rewritten"]
    assert not found.problem
    original, rewritten = (Classifier(settings, content, graph=each) for each in found.files.values())
    for image in np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), np.uint8):
        assert np.array_equal(original.scores(image), rewritten.scores(image))


def test_what_needs_no_rewriting_has_one() -> None:
    content = tflite.classifier("uint8")
    assert graphs(content) == ({"original": content}, "")


def test_one_step_of_one_score_is_a_difference() -> None:
    content = tflite.hard_classifier()
    steeper = content.replace(np.float32(SOFTMAX_BETA).tobytes(), np.float32(1.02 * SOFTMAX_BETA).tobytes())
    assert steeper != content
    problem = timing.disagreement(content, steeper)
    assert problem
    assert "off by 0.0039 on random images" in problem


def test_one_that_differs_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    content, other = tflite.classifier("uint8"), tflite.classifier("uint8", swapped=True)
    monkeypatch.setattr(graph, "rewritten", lambda _: other)
    found = graphs(content)
    assert list(found.files) == ["original"]
    assert "the rewritten graph is not taken: its scores are off by" in found.problem


def test_without_litert_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    content = tflite.hard_classifier()
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    found = graphs(content)
    assert list(found.files) == ["original"]
    assert found.problem == "no graph can be rewritten without LiteRT"
