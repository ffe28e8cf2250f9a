"""From what comes out of a model to a score a label: one score, several outputs, and what are no scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from edgecam import config
from edgecam.errors import ModelError
from edgecam.model.classifier import Classifier
from edgecam.model.scores import probabilities
from tests import tflite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgecam.model.outputs import Outputs

RED, BLACK = (np.full((12, 16, 3), colour, np.uint8) for colour in ((0, 0, 255), (0, 0, 0)))
HIGH = 1 / (1 + np.exp(-4))


def load(folder: Path, content: bytes, labels: Sequence[str], **settings: Any) -> Classifier:
    return Classifier(config.ModelSettings(path=str(tflite.saved(folder, content, labels)), **settings))


@pytest.mark.parametrize("ends", [True, False], ids=["a sigmoid", "a logit"])
def test_one_score_is_that_of_the_second_of_two_labels(tmp_path: Path, *, ends: bool) -> None:
    model = load(tmp_path, tflite.sigmoid(ends=ends), ["other", "red"])
    assert model.classes == ("other", "red")
    assert model.outputs == ("probabilities" if ends else "logits")
    assert model.scores(RED) == pytest.approx([1 - HIGH, HIGH], abs=1e-4)
    assert model.scores(BLACK) == pytest.approx([HIGH, 1 - HIGH], abs=1e-4)


@pytest.mark.parametrize("ends", [True, False], ids=["a sigmoid", "a logit"])
def test_one_score_is_that_of_its_only_label(tmp_path: Path, *, ends: bool) -> None:
    assert load(tmp_path, tflite.sigmoid(ends=ends), ["red"]).scores(RED) == pytest.approx([HIGH], abs=1e-4)


def test_one_score_has_no_three_labels(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="1 score"):
        load(tmp_path, tflite.sigmoid(), ["a", "b", "c"])


def test_of_several_outputs_the_named_one_is_taken(tmp_path: Path) -> None:
    content = tflite.several()
    assert load(tmp_path, content, "abc", output="age", scores="probabilities").scores(RED) == pytest.approx([1, 0, 0])
    assert load(tmp_path, content, "abc", output="gender", scores="probabilities").scores(RED)[2] == pytest.approx(1)
    assert load(tmp_path, content, "abc", output="1", scores="probabilities").scores(RED)[2] == pytest.approx(1)


def test_several_outputs_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load(tmp_path, tflite.several(), "abc")
    assert caught.value.problem.endswith("2 outputs")
    assert caught.value.remedy == "set model.output to one of age [1, 3], gender [1, 3]"


def test_an_output_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load(tmp_path, tflite.several(counts=(2, 3)), "abc", output="agee")
    assert caught.value.problem.endswith("model.output: no output is named 'agee'")
    assert caught.value.remedy == "name one of age [1, 2], gender [1, 3]"


@pytest.mark.parametrize("outputs", ["probabilities", "logits"])
@given(
    numbers=numpy_st.arrays(np.float32, st.integers(1, 9), elements=st.floats(width=32)),
    more=st.booleans(),
)
def test_scores_are_finite_whatever_comes_out(outputs: Outputs, numbers: NDArray[np.float32], *, more: bool) -> None:
    labels = 2 if more and len(numbers) == 1 else len(numbers)
    with np.errstate(all="ignore"):
        scores = probabilities(numbers, outputs, labels)
    assert scores.shape == (labels,)
    assert np.isfinite(scores).all()
    if outputs == "logits":
        assert scores.min() >= 0
        assert scores.max() <= 1 + 1e-6


def test_planes_of_one_pixel_are_scores(tmp_path: Path) -> None:
    """As PyTorch's models give them that end in a convolution."""
    labels = [f"class {place}" for place in range(192)]
    path = tflite.saved(tmp_path, tflite.reshaper((1, 192, 1, 1)), labels)
    assert len(Classifier(config.ModelSettings(path=str(path))).classes) == 192
