"""Graphs that are rewritten for XNNPACK: in one piece, and the same scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
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
CHANNELS = 8  # of `tflite.average_pool`
EVEN_POOLS = 6  # of Google's model, over an even number of pixels


def run(content: bytes, values: NDArray[Any]) -> NDArray[np.float64]:
    """What a model of one operator makes of values."""
    interpreter = runtimes.interpreter("litert", content, 1)
    interpreter.tensor(interpreter.get_input_details()[0]["index"])()[:] = values
    interpreter.invoke()
    return interpreter.tensor(interpreter.get_output_details()[0]["index"])().astype(float)


def all_levels(dtype: tflite.Type) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    return np.arange(limits.min, limits.max + 1).astype(dtype).reshape(1, 1, 1, LEVELS)


@settings(max_examples=100)
@given(
    dtype=st.sampled_from(["int8", "uint8"]),
    spread=st.floats(0.5, 250),
    share=st.floats(0, 1),
    slack=st.floats(0.8, 1.3),
)
def test_each_value_of_a_hard_swish_is_what_it_was(
    dtype: tflite.Type, spread: float, share: float, slack: float
) -> None:
    limits = np.iinfo(dtype)
    scale, zero = spread / 255, round(limits.min + share * 255)
    values = all_levels(dtype)
    x = (values.astype(float) - zero) * scale
    exact = x * np.clip(x + 3, 0, 6) / 6
    result_scale = max(slack * (exact.max() - exact.min()) / 255, 1e-4)
    result_zero = int(np.clip(round(limits.min - exact.min() / result_scale), limits.min, limits.max))
    assume(scale < 128 * result_scale)  # more the kernel refuses
    content = tflite.hard_swish(dtype, [1, 1, 1, LEVELS], (scale, zero), (result_scale, result_zero))
    found = run(rewritten(content) or content, values)
    assert np.array_equal(found, run(content, values))
    rounded = np.clip(np.rint(exact / result_scale) + result_zero, limits.min, limits.max)
    assert (np.abs(found - rounded) <= 1).all()


@pytest.mark.parametrize(
    ("source", "result"),
    [
        pytest.param((0.24109338, 134), (0.10657927, 3), id="an offset puts two levels right"),
        pytest.param((0.39074969, 157), (0.13982794, 3), id="no offset does"),
    ],
)
def test_what_the_kernel_rounds_to_the_other_side_is_rounded_so_too(
    source: tuple[float, int], result: tuple[float, int]
) -> None:
    values = all_levels("uint8")
    x = (values.astype(float) - source[1]) * source[0]
    rounded = np.clip(np.rint(x * np.clip(x + 3, 0, 6) / 6 / result[0]) + result[1], 0, 255)
    content = tflite.hard_swish("uint8", [1, 1, 1, LEVELS], source, result)
    kernel, other = run(content, values), rewritten(content)
    assert (kernel != rounded).any()
    assert other
    assert np.array_equal(run(other, values), kernel)
    assert runtimes.pieces(runtimes.interpreter("litert", other, 1)) == 1


@settings(max_examples=30)
@given(dtype=st.sampled_from(["int8", "uint8"]), size=st.integers(1, 9), seed=st.integers(0, 1000))
def test_a_mean_over_the_image_is_its_average_pool(dtype: tflite.Type, size: int, seed: int) -> None:
    limits, content = np.iinfo(dtype), tflite.average_pool(dtype, size, size)
    values = np.random.default_rng(seed).integers(limits.min, limits.max + 1, (1, size, size, 8)).astype(dtype)
    assert np.array_equal(run(rewritten(content) or content, values), run(content, values))


@pytest.mark.parametrize(("size", "becomes"), [(1, True), (7, True), (2, False), (14, False), (63, True), (65, False)])
def test_a_pool_that_meets_no_tie_becomes_a_mean(size: int, becomes: bool) -> None:  # noqa: FBT001  a table
    assert (rewritten(tflite.average_pool("int8", size, size)) is not None) == becomes


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("size", [3, 7, 63])
def test_means_next_to_half_way_round_as_the_pool_does(dtype: tflite.Type, size: int) -> None:
    limits, content, pixels = np.iinfo(dtype), tflite.average_pool(dtype, size, size), size * size
    other = rewritten(content)
    assert other
    for level in range(limits.min, limits.max, 5):
        values = np.full((pixels, CHANNELS), level, dtype)
        for channel in range(CHANNELS):
            values[: pixels // 2 + channel - CHANNELS // 2 + 1, channel] += 1
        values = values.reshape(1, size, size, CHANNELS)
        assert np.array_equal(run(other, values), run(content, values))


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
        assert pieces[0] > 3 * EVEN_POOLS
        assert pieces[1] == 1 + EVEN_POOLS

    def test_both_graphs_agree_on_random_images(self, graphs: list[bytes]) -> None:
        assert timing.disagreement(graphs[0], graphs[1]) is None

    def test_its_scores_of_photographs_are_what_they_were(self, graphs: list[bytes]) -> None:
        settings = config.ModelSettings(
            path=str(shared("models/mobilenet_v3_small_uint8.tflite")), labels=str(shared("models/imagenet_labels.txt"))
        )
        photographs = sorted(shared("data/imagenet").glob("*.jpg"))
        models = [Classifier(settings, graph=graph) for graph in graphs]
        view = View(config.CameraSettings(), models[0].size)
        for photograph in photographs[::3]:
            image = view.of(cv2.imread(str(photograph)))
            assert np.array_equal(models[0].scores(image), models[1].scores(image)), photograph.name
