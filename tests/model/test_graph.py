"""Graphs that are rewritten for XNNPACK: in one piece, and the same scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecam import config
from edgecam.camera.view import View
from edgecam.model import runtimes, timing
from edgecam.model.classifier import Classifier
from edgecam.model.graph import rewritten
from tests import tflite
from tests.shared import shared

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 256  # of a quantised number
WITHIN_SCORE = 0.007  # of top-1, which the rewritten graph may differ by


def run(content: bytes, values: NDArray[Any]) -> NDArray[np.float64]:
    """What a model of one operator makes of values."""
    interpreter = runtimes.interpreter("litert", content, 1)
    interpreter.tensor(interpreter.get_input_details()[0]["index"])()[:] = values
    interpreter.invoke()
    return interpreter.tensor(interpreter.get_output_details()[0]["index"])().astype(float)


def all_levels(dtype: tflite.Type) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    return np.arange(limits.min, limits.max + 1).astype(dtype).reshape(1, 1, 1, LEVELS)


@settings(max_examples=60)
@given(
    dtype=st.sampled_from(["int8", "uint8"]),
    spread=st.floats(0.5, 250),
    share=st.floats(0, 1),
    slack=st.floats(0.8, 1.3),
)
def test_each_value_of_a_hard_swish_stays_within_rounding(
    dtype: tflite.Type, spread: float, share: float, slack: float
) -> None:
    limits = np.iinfo(dtype)
    scale, zero = spread / 255, round(limits.min + share * 255)
    values = all_levels(dtype)
    x = (values.astype(float) - zero) * scale
    exact = x * np.clip(x + 3, 0, 6) / 6
    result_scale = max(slack * (exact.max() - exact.min()) / 255, 1e-4)
    result_zero = int(np.clip(round(limits.min - exact.min() / result_scale), limits.min, limits.max))
    content = tflite.hard_swish(dtype, [1, 1, 1, LEVELS], (scale, zero), (result_scale, result_zero))
    other = rewritten(content)
    if other is None:
        assert x.max() <= -3  # it is nothing but 0
        return
    expected = np.clip(exact / result_scale + result_zero, limits.min, limits.max)
    gate_step = min(6, x.max() + 3) / 255
    rounding = 1 + 0.5 * gate_step * np.abs(x) / 6 / result_scale
    assert (np.abs(run(other, values) - expected) <= rounding).all()


@settings(max_examples=30)
@given(dtype=st.sampled_from(["int8", "uint8"]), size=st.integers(1, 9), seed=st.integers(0, 1000))
def test_a_mean_over_the_image_is_its_average_pool(dtype: tflite.Type, size: int, seed: int) -> None:
    limits, content = np.iinfo(dtype), tflite.average_pool(dtype, size, size)
    other = rewritten(content)
    assert other
    values = np.random.default_rng(seed).integers(limits.min, limits.max + 1, (1, size, size, 8)).astype(dtype)
    assert np.abs(run(other, values) - run(content, values)).max() <= 1


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_a_rewritten_hard_swish_is_in_one_piece(dtype: tflite.Type) -> None:
    content = tflite.hard_swish(dtype, [1, 4, 4, 8], (0.05, 3), (0.03, 3))
    other = rewritten(content)
    assert other
    assert [runtimes.pieces(runtimes.interpreter("litert", each, 1)) for each in (content, other)] == [0, 1]


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_where_there_is_nothing_to_rewrite_there_is_no_other_graph(dtype: tflite.Type) -> None:
    assert rewritten(tflite.classifier(dtype)) is None


def test_a_pool_over_a_part_of_the_image_stays() -> None:
    assert rewritten(tflite.average_pool("int8", 4, 3)) is None


def test_a_rewritten_graph_agrees_with_the_original() -> None:
    content = tflite.hard_classifier()
    other = rewritten(content)
    assert other
    assert timing.disagreement(content, other) is None


def test_another_classifier_does_not_agree() -> None:
    problem = timing.disagreement(tflite.classifier("uint8"), tflite.classifier("uint8", classes=3, swapped=True))
    assert problem
    assert "off by" in problem


class TestGooglesModel:
    """The published MobileNetV3-Small of uint8."""

    @pytest.fixture
    def graphs(self) -> list[bytes]:
        content = shared("models/mobilenet_v3_small_uint8.tflite").read_bytes()
        other = rewritten(content)
        assert other
        return [content, other]

    def test_it_falls_into_pieces_until_it_is_rewritten(self, graphs: list[bytes]) -> None:
        pieces = [runtimes.pieces(runtimes.interpreter("litert", each, 1)) for each in graphs]
        assert pieces[0] > 1
        assert pieces[1] == 1

    def test_both_graphs_agree_on_random_images(self, graphs: list[bytes]) -> None:
        assert timing.disagreement(graphs[0], graphs[1]) is None

    def test_it_knows_as_many_photographs_as_before(self, graphs: list[bytes]) -> None:
        settings = config.ModelSettings(
            path=str(shared("models/mobilenet_v3_small_uint8.tflite")), labels=str(shared("models/imagenet_labels.txt"))
        )
        photographs = sorted(shared("data/imagenet").glob("*.jpg"))
        known = []
        for graph in graphs:
            model = Classifier(settings, graph=graph)
            view = View(config.CameraSettings(), model.size)
            found = [int(model.scores(view.of(cv2.imread(str(photograph)))).argmax()) for photograph in photographs]
            known.append(
                np.mean([index == int(file.name[:3]) + 1 for index, file in zip(found, photographs, strict=True)])
            )
        assert known[1] >= known[0] - WITHIN_SCORE
