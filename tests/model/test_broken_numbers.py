"""Models whose graphs or numbers no converter writes are refused, or run: in time, without a word of NumPy's."""

from __future__ import annotations

import contextlib
import math
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgecam.camera.frames import Layout
from edgecam.config.sections import ModelSettings, PixelSettings
from edgecam.errors import ModelError
from edgecam.model.classifier import Classifier
from edgecam.model.preprocessing import MOST_STEPS, first_steps
from edgecam.model.runtimes import installed, interpreter
from edgecam.model.trial import tried
from tests import tflite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = (1, 8, 8, 3)
RUNTIMES = installed()
pytestmark = [pytest.mark.filterwarnings("error::RuntimeWarning"), pytest.mark.parametrize("runtime", RUNTIMES)]


def scores_of(folder: Path, model: bytes, labels: Sequence[str] = tflite.COLOURS, **settings: object) -> list[float]:
    path = tflite.saved(folder, model, labels)
    loaded = Classifier(ModelSettings(path=str(path), **settings))  # type: ignore[arg-type]
    image: NDArray[np.uint8] = np.full((*loaded.size[::-1], 3), (10, 100, 200), np.uint8)
    return [float(score) for score in loaded.scores(image)]


@pytest.mark.parametrize("at_the_end", [True, False])
def test_a_graph_that_goes_round_in_circles_is_followed_once(tmp_path: Path, runtime: str, *, at_the_end: bool) -> None:
    """It may kill its runtime, but does not keep us for ever."""
    path = tflite.saved(tmp_path, tflite.in_circles(at_the_end=at_the_end))
    with contextlib.suppress(ModelError):
        tried(ModelSettings(path=str(path), runtime=runtime))  # type: ignore[arg-type]


def test_more_first_steps_than_a_model_has_tell_nothing(tmp_path: Path, runtime: str) -> None:
    path = tflite.saved(tmp_path, tflite.means(SHAPE, [("ADD", -1.0)] * (MOST_STEPS + 1)))
    assert Classifier(ModelSettings(path=str(path), runtime=runtime)).pixels.source == "assumed"  # type: ignore[arg-type]


@pytest.mark.parametrize("operator", ["ADD", "SUB", "MUL", "DIV"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, 1e38, 1e-40, [1.0, 0.0, 2.0]])
def test_scores_are_numbers_whatever_a_first_constant_is(
    tmp_path: Path, runtime: str, operator: str, value: float
) -> None:
    scores = scores_of(tmp_path, tflite.means(SHAPE, [(operator, value)] * 9), runtime=runtime)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16"])
@pytest.mark.parametrize("scale", [math.nan, math.inf, -1.0])
def test_a_scale_that_is_none_is_refused(tmp_path: Path, runtime: str, dtype: str, scale: float) -> None:
    with pytest.raises(ModelError, match="scale"):
        scores_of(tmp_path, tflite.means(SHAPE, dtype=dtype, scale=scale), runtime=runtime)


@pytest.mark.parametrize("scale", [1e-45, 1e38])
def test_a_scale_that_nobody_uses_is_no_reason_to_fall(tmp_path: Path, runtime: str, scale: float) -> None:
    scores = scores_of(tmp_path, tflite.means(SHAPE, dtype="int16", scale=scale), runtime=runtime)
    assert all(0 <= score <= 1 for score in scores)


def test_pixels_that_no_float_holds_are_refused(tmp_path: Path, runtime: str) -> None:
    pixels = PixelSettings(mean=(0.0,), std=(1e-310,))
    with pytest.raises(ModelError, match=r"model\.pixels: .* no model takes such numbers"):
        scores_of(tmp_path, tflite.means(SHAPE), runtime=runtime, pixels=pixels)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32"])
@pytest.mark.parametrize("pixels", ["0..1", "-1..1", "imagenet"])
def test_whole_numbers_hold_no_fractions(tmp_path: Path, runtime: str, dtype: str, pixels: str) -> None:
    """A setting that has no effect would be told by check as if it had one."""
    with pytest.raises(ModelError, match=r'input holds pixels as they are; set model\.pixels = "auto"'):
        scores_of(tmp_path, tflite.means(SHAPE, dtype=dtype), runtime=runtime, pixels=pixels)


@pytest.mark.parametrize("pixels", ["0..1", "-1..1"])
def test_bytes_that_stand_for_pixels_hold_no_fractions_either(tmp_path: Path, runtime: str, pixels: str) -> None:
    with pytest.raises(ModelError, match=rf"{pixels}, but its input holds 0\.\.255"):
        scores_of(tmp_path, tflite.means(SHAPE, dtype="uint8", scale=1.0), runtime=runtime, pixels=pixels)


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_grey_is_as_bright_from_the_image_processor_of_a_pi(tmp_path: Path, runtime: str, brightness: int) -> None:
    """It gives black as 16 and white as 235."""
    path = tflite.saved(tmp_path, tflite.means((1, 12, 16, 1)), ["bright"])
    model = Classifier(ModelSettings(path=str(path), runtime=runtime, pixels="0..1"))  # type: ignore[arg-type]
    frame = np.full((18, 16), 128, np.uint8)
    frame[:12] = round(16 + brightness * 219 / 255)
    assert model.scores(frame, Layout.I420) == pytest.approx([brightness / 255], abs=0.005)


def test_of_many_weights_some_tell(tmp_path: Path, runtime: str) -> None:
    """All of them in double precision would take several times the memory of the model."""
    path = tflite.saved(tmp_path, tflite.dense(1.0, size=(64, 64), classes=512), [f"class {n}" for n in range(512)])
    loaded = interpreter(runtime, path.read_bytes(), 1)
    tracemalloc.start()
    steps = first_steps(loaded, int(loaded.get_input_details()[0]["index"]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert steps.weights == pytest.approx(1.0, rel=0.01)
    assert peak < path.stat().st_size / 2


def test_scores_that_nothing_computes_are_refused(tmp_path: Path, runtime: str) -> None:
    build = tflite.Graph()
    image = build.tensor("image", SHAPE, "float32")
    build.operator("RELU", [image], build.tensor("bright", SHAPE, "float32"))
    with pytest.raises(ModelError, match="broken"):
        scores_of(tmp_path, build.finish([image], [build.tensor("scores", [1, 3], "float32")]), runtime=runtime)


def test_weights_of_half_the_range_of_floats_are_measured(tmp_path: Path, runtime: str) -> None:
    """Their squares are infinite."""
    assert len(scores_of(tmp_path, tflite.dense(1e30), runtime=runtime)) == 3
