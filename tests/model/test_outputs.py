"""Whether what comes out of a model are probabilities, whatever stands behind its softmax."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgecam import config
from edgecam.model.classifier import Classifier
from edgecam.model.outputs import by_outputs, probes
from tests import endings, tflite
from tests.shared import shared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edgecam.model.outputs import Outputs

IMAGE = np.full((endings.SIZE, endings.SIZE, 3), (118, 118, 138), np.uint8)
LOGITS = tflite.STEEP * (2 / 255) * np.array([20, -10, -10])
RUNTIMES = ["litert", *(["tflite-runtime"] if find_spec("tflite_runtime") else [])]


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = np.exp(logits) / np.exp(logits).sum()
    return probabilities


SIGMOIDS = 1 / (1 + np.exp(-LOGITS))
# Beside the fourth class, whose logit is 0.
OF_FOUR = softmax(np.array([*LOGITS, 0]))
EXPECTED: dict[Callable[[tflite.Type], bytes], tuple[Outputs, NDArray[np.float64]]] = {
    endings.plain_softmax: ("probabilities", softmax(LOGITS)),
    endings.softmax_reshaped: ("probabilities", softmax(LOGITS)),
    endings.softmax_transposed: ("probabilities", softmax(LOGITS)),
    endings.softmax_sliced: ("probabilities", OF_FOUR[:3]),
    endings.mean_of_two_softmaxes: ("probabilities", softmax(LOGITS)),
    endings.softmax_quantised: ("probabilities", softmax(LOGITS)),
    endings.one_hot: ("probabilities", np.array([1.0, 0, 0])),
    endings.sigmoid: ("probabilities", SIGMOIDS),
    endings.product_of_sigmoids: ("probabilities", SIGMOIDS**2),
    endings.plain_logits: ("logits", softmax(LOGITS)),
    endings.logits_halved: ("logits", softmax(LOGITS / 2)),
}
OF_FLOAT32: dict[Callable[[tflite.Type], bytes], tuple[Outputs, NDArray[np.float64]]] = {
    endings.softmax_merged: ("probabilities", np.array([OF_FOUR[0] + OF_FOUR[3], *OF_FOUR[1:3]])),
    endings.logits_of_0_to_1: ("logits", softmax(0.04 * LOGITS + 0.4)),
}


def load(path: Path, **settings: object) -> Classifier:
    return Classifier(config.ModelSettings(path=str(path), pixels="-1..1", **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("ending", EXPECTED, ids=lambda ending: str(ending.__doc__))
def test_a_softmax_is_applied_only_to_logits(
    tmp_path: Path, ending: Callable[[tflite.Type], bytes], dtype: tflite.Type, runtime: str
) -> None:
    model = load(tflite.saved(tmp_path, ending(dtype)), runtime=runtime)
    outputs, expected = EXPECTED[ending]
    assert (model.outputs, model.scores(IMAGE).tolist()) == (outputs, pytest.approx(expected, abs=0.03))


@pytest.mark.parametrize("ending", OF_FLOAT32, ids=lambda ending: str(ending.__doc__))
def test_a_softmax_is_applied_only_to_logits_of_floats(tmp_path: Path, ending: Callable[[tflite.Type], bytes]) -> None:
    model = load(tflite.saved(tmp_path, ending("float32")))
    outputs, expected = OF_FLOAT32[ending]
    assert (model.outputs, model.scores(IMAGE).tolist()) == (outputs, pytest.approx(expected, abs=1e-3))


def test_what_is_no_number_says_nothing(tmp_path: Path) -> None:
    model = load(tflite.saved(tmp_path, endings.logs("float32")))
    assert model.outputs == "logits"
    assert np.isfinite(model.scores(IMAGE)).all()


def test_a_certain_score_stays_certain(tmp_path: Path) -> None:
    """Twice through a softmax, it became 0.475 or so."""
    red = np.full_like(IMAGE, (0, 0, 255))
    for ending in (endings.softmax_transposed, endings.softmax_sliced, endings.mean_of_two_softmaxes):
        assert load(tflite.saved(tmp_path, ending("float32"))).scores(red)[0] > 0.99


@pytest.mark.parametrize(
    ("ending", "scores", "expected"),
    [
        (endings.plain_softmax, "logits", softmax(softmax(LOGITS))),
        (endings.plain_logits, "probabilities", LOGITS),
        (endings.plain_logits, "logits", softmax(LOGITS)),
        (endings.mean_of_two_softmaxes, "logits", softmax(softmax(LOGITS))),
    ],
)
def test_the_settings_decide_before_what_is_found(
    tmp_path: Path, ending: Callable[[tflite.Type], bytes], scores: str, expected: NDArray[np.float64]
) -> None:
    model = load(tflite.saved(tmp_path, ending("float32")), scores=scores)
    assert model.outputs == scores
    assert model.scores(IMAGE) == pytest.approx(expected, abs=1e-3)


rows = arrays(np.float32, 5, elements=st.floats(0, 1, width=32))


@given(st.lists(rows.filter(lambda row: row.sum() > 0), min_size=1, max_size=4))
def test_rows_that_sum_to_one_are_probabilities(found: list[NDArray[np.float32]]) -> None:
    assert by_outputs([row / row.sum() for row in found], 0.0, is_linear=True) == "probabilities"


@given(st.lists(rows, min_size=1), st.floats(1.01, 1e6) | st.floats(-1e6, -0.01), st.booleans())
def test_rows_of_which_one_leaves_0_to_1_are_logits(
    found: list[NDArray[np.float32]],
    value: float,
    is_linear: bool,  # noqa: FBT001  hypothesis names it
) -> None:
    found[-1][0] = value
    assert by_outputs(found, 0.0, is_linear=is_linear) == "logits"


@given(st.lists(rows, min_size=1), st.integers(2, 1000))
def test_rounding_makes_no_logits_of_a_quantised_softmax(found: list[NDArray[np.float32]], classes: int) -> None:
    """Of many classes all may be rounded down to nothing."""
    rng = np.random.default_rng(classes)
    exact = [rng.dirichlet(np.full(classes, 0.5 + row.mean())) for row in found]
    rounded = [(np.rint(row * 256) / 256).astype(np.float32) for row in exact]
    assert by_outputs(rounded, 1 / 256, is_linear=True) == "probabilities"


def test_coarse_logits_are_logits() -> None:
    rows = [np.array(row, np.float32) for row in ([-0.5, 0.5, 1], [0, 0, 1.5])]
    assert by_outputs(rows, 0.5, is_linear=False) == "logits"


FIELD = "models/field"
CLASSIFIERS = {
    "models/mobilenet_v3_small_uint8.tflite": 1001,
    "models/tf2_mobilenet_v2_1.0_224_ptq.tflite": 1001,
    f"{FIELD}/edgetpu_custom_op/mobilenet_v1_0.25_128_quant.tflite": 1001,
    f"{FIELD}/float_io_quantised_inside/model_quant.tflite": 2,
    f"{FIELD}/mlperf_resnet_raw_float_and_int8/pretrainedResnet.tflite": 10,
    f"{FIELD}/mlperf_resnet_raw_float_and_int8/pretrainedResnet_quant.tflite": 10,
    f"{FIELD}/mlperf_vww_unit_float_and_int8/vww_96_float.tflite": 2,
    f"{FIELD}/mlperf_vww_unit_float_and_int8/vww_96_int8.tflite": 2,
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_others_classifiers_end_in_a_softmax_and_what_comes_out_says_so_too(tmp_path: Path, name: str) -> None:
    path, count = shared(name), CLASSIFIERS[name]
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{number}\n" for number in range(count)))
    model = Classifier(config.ModelSettings(path=str(path), labels=str(labels)))
    assert model.outputs == "probabilities"
    rows = [model.scores(image) for image in probes(*model.size)]
    assert by_outputs(rows, 1 / 256, is_linear=True) == "probabilities"
