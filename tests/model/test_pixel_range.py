"""Which numbers models of every kind get for the pixels of a picture, and by what that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.config.sections import PixelSettings
from edgecam.errors import ModelError
from edgecam.model.classifier import Classifier
from edgecam.model.inputs import ImageInput
from edgecam.model.pixel_range import USUAL, PixelRange
from edgecam.model.pixels import PixelWriter, table_of
from tests import tflite
from tests.shared import shared
from trainer.quantisation.metadata import with_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RGB = np.array([250, 120, 10])
SHAPE = (1, 12, 16, 3)
PICTURE = np.full((12, 16, 3), RGB[::-1], np.uint8)
MEAN, STD = (np.array(values) for values in USUAL["imagenet"])
CAFFE = [123.68, 116.78, 103.94]
Steps = list[tuple[str, "float | Sequence[float]"]]


def load(folder: Path, content: bytes, **settings: Any) -> Classifier:
    path = tflite.saved(folder, content, ("red", "green", "blue"))
    return Classifier(config.ModelSettings(path=str(path), scores="logits", **settings))


def shown(model: Classifier) -> NDArray[np.float64]:
    """What the model's first steps make of the picture's colours, less the first of them."""
    logits = np.log(model.scores(PICTURE).astype(float))
    difference: NDArray[np.float64] = logits - logits[0]
    return difference


def expected(numbers: Any) -> Any:
    return pytest.approx(np.asarray(numbers) - numbers[0], abs=0.03)


SET: dict[str, tuple[Any, Any]] = {
    "0..1": ("0..1", RGB / 255),
    "-1..1": ("-1..1", RGB / 127.5 - 1),
    "imagenet": ("imagenet", (RGB - MEAN) / STD),
    "one number": (PixelSettings(mean=(100.0,), std=(50.0,)), (RGB - 100) / 50),
    "one a channel": (PixelSettings(mean=(100.0, 90, 80), std=(50.0, 60, 70)), (RGB - [100, 90, 80]) / [50, 60, 70]),
}


@pytest.mark.parametrize("kind", SET)
def test_the_settings_count_before_all(tmp_path: Path, kind: str) -> None:
    pixels, numbers = SET[kind]
    model = load(tmp_path, tflite.means(SHAPE), pixels=pixels)
    assert shown(model) == expected(numbers)
    assert model.pixels.source == "settings"


@pytest.mark.parametrize(
    ("settings", "content"),
    [
        ({"pixels": "imagenet"}, tflite.means(SHAPE)),
        ({}, tflite.means(SHAPE, dtype="int8", scale=0.0186, zero=-14)),
        ({}, tflite.means(SHAPE, quantised_first=(0.0186, -14))),
    ],
    ids=["set", "quantised", "quantised first"],
)
def test_imagenet_goes_by_colour_in_whatever_order_they_come(
    tmp_path: Path, settings: dict[str, Any], content: bytes
) -> None:
    model = load(tmp_path, content, channels="bgr", **settings)
    assert shown(model) == expected(((RGB - MEAN) / STD)[::-1])


def test_a_number_a_channel_needs_channels(tmp_path: Path) -> None:
    path = tflite.saved(tmp_path, tflite.means((1, 12, 16)), ["bright"])
    pixels = PixelSettings(mean=(1.0, 2.0, 3.0))
    with pytest.raises(ModelError, match=r"model\.pixels: 3 numbers, but its input has 1 channel"):
        Classifier(config.ModelSettings(path=str(path), pixels=pixels))


GRAPHS: dict[str, tuple[str, Steps]] = {
    "Rescaling(1/255)": ("0..255", [("MUL", 1 / 255), ("ADD", 0.0)]),
    "a division by 255": ("0..255", [("DIV", 255.0)]),
    "Rescaling(1/127.5, -1)": ("0..255", [("MUL", 1 / 127.5), ("SUB", 1.0)]),
    "the other way round": ("0..255", [("SUB", 127.5), ("DIV", 127.5)]),
    "Rescaling and Normalization": ("0..255", [("MUL", 1 / 255), ("SUB", [0.485, 0.456, 0.406]), ("DIV", 0.226)]),
    "means of Caffe's": ("0..255", [("SUB", CAFFE)]),
    "their negatives": ("0..255", [("ADD", [-each for each in CAFFE])]),
    "2x - 1": ("0..1", [("MUL", 2.0), ("SUB", 1.0)]),
    "(x - 0.5) * 2": ("0..1", [("SUB", 0.5), ("MUL", 2.0)]),
    "PyTorch's normalisation": ("0..1", [("SUB", [0.485, 0.456, 0.406]), ("DIV", [0.229, 0.224, 0.225])]),
    "times 255": ("0..1", [("MUL", 255.0)]),
    "(x + 1) / 2": ("-1..1", [("ADD", 1.0), ("DIV", 2.0)]),
    "(x + 1) * 127.5": ("-1..1", [("ADD", 1.0), ("MUL", 127.5)]),
}


@pytest.mark.parametrize("kind", GRAPHS)
def test_the_first_steps_of_a_graph_tell(tmp_path: Path, kind: str) -> None:
    pixels, steps = GRAPHS[kind]
    model = load(tmp_path, tflite.means(SHAPE, steps))
    assert (model.pixels.name, model.pixels.source) == (pixels, "graph")


@pytest.mark.parametrize(
    ("pixels", "quantised"),
    [
        ("0..255", (1.0, -128)),
        ("0..1", (1 / 255, -128)),
        ("-1..1", (1 / 127.5, -1)),
        ("-1..1", (1 / 128, 0)),
        ("imagenet", (0.0186, -14)),
    ],
)
def test_a_quantisation_at_first_tells(tmp_path: Path, pixels: str, quantised: tuple[float, int]) -> None:
    model = load(tmp_path, tflite.means(SHAPE, quantised_first=quantised))
    assert (model.pixels.name, model.pixels.source) == (pixels, "graph")


@pytest.mark.parametrize("half", [False, True], ids=["whole", "half precision"])
@pytest.mark.parametrize(("length", "name", "source"), [(0.004, "0..255", "graph"), (0.5, "0..1", "assumed")])
def test_small_first_weights_have_a_division_folded_into_them(
    tmp_path: Path, length: float, name: str, source: str, *, half: bool
) -> None:
    """As TensorFlow's converter does it with a Rescaling(1/255)."""
    model = load(tmp_path, tflite.dense(length, half=half))
    assert (model.pixels.name, model.pixels.source, model.pixels.is_sure) == (name, source, False)


@pytest.mark.parametrize(("centres", "is_bgr"), [(CAFFE[::-1], True), (CAFFE, False)])
def test_means_of_blue_green_and_red_show_their_order(tmp_path: Path, centres: list[float], *, is_bgr: bool) -> None:
    assert load(tmp_path, tflite.means(SHAPE, [("SUB", centres)])).pixels.is_bgr is is_bgr


def test_a_quantisation_of_caffes_range_takes_off_its_means(tmp_path: Path) -> None:
    content = tflite.means(SHAPE, dtype="int8", scale=1.0774, zero=-13)
    model = load(tmp_path, content, channels="bgr")
    assert (model.pixels.source, model.pixels.is_bgr) == ("quantisation", True)
    numbers = RGB[::-1] - CAFFE[::-1]
    assert np.abs((table_of(model.input, model.pixels)[RGB[::-1], [0, 1, 2]] + 13) * 1.0774 - numbers).max() < 1.1


@pytest.mark.parametrize(("highest", "name", "source"), [(255.0, "0..255", "quantisation"), (1.0, "0..1", "assumed")])
def test_an_input_of_16_bits_holds_as_much_below_zero(tmp_path: Path, highest: float, name: str, source: str) -> None:
    model = load(tmp_path, tflite.means(SHAPE, dtype="int16", scale=highest / 32767))
    assert (model.pixels.name, model.pixels.source) == (name, source)


@pytest.mark.parametrize(("scale", "zero", "name"), [(0.68 / 255, -128, "0..1"), (1.2 / 255, 50, "-1..1")])
def test_a_quantisation_by_dark_pictures_is_not_stretched(tmp_path: Path, scale: float, zero: int, name: str) -> None:
    model = load(tmp_path, tflite.means(SHAPE, dtype="int8", scale=scale, zero=zero))
    assert (model.pixels.name, model.pixels.source) == (name, "assumed")


@pytest.mark.parametrize("steps", [[], [("ADD", 0.0)], [("MUL", 1.0)]])
def test_where_nothing_tells_0_to_1_is_assumed(tmp_path: Path, steps: Steps) -> None:
    model = load(tmp_path, tflite.means(SHAPE, steps))
    assert (model.pixels.name, model.pixels.source) == ("0..1", "assumed")
    assert shown(model) == expected(RGB / 255)


@pytest.mark.parametrize(
    ("mean", "std", "name"),
    [
        ([0.0], [255.0], "0..1"),
        ([127.5], [127.5], "-1..1"),
        ([127.0], [128.0], "-1..1"),
        ([123.7, 116.3, 103.5], [58.4, 57.1, 57.4], "imagenet"),
        ([100.0], [50.0], "(pixel - 100) / 50"),
    ],
)
def test_metadata_counts_before_the_graph(tmp_path: Path, mean: list[float], std: list[float], name: str) -> None:
    content = tflite.means(SHAPE, [("SUB", 0.5), ("MUL", 2.0)])
    labels = ["red", "green", "blue"]
    told = with_metadata(content, name="", description="", licence="", labels=labels, mean=mean, std=std)
    model = load(tmp_path, told)
    assert (model.pixels.name, model.pixels.source) == (name, "metadata")
    assert shown(model) == expected(2 * (RGB - mean) / std)


QUANTISED = {
    "uint8 0..255": ("uint8", 1.0, 0, "0..255"),
    "int8 0..255": ("int8", 1.0, -128, "0..255"),
    "uint8 1/255": ("uint8", 1 / 255, 0, "0..1"),
    "uint8 1/256": ("uint8", 1 / 256, 0, "0..1"),
    "int8 1/255": ("int8", 1 / 255, -128, "0..1"),
    "uint8 1/127.5, 127": ("uint8", 1 / 127.5, 127, "-1..1"),
    "uint8 1/127.5, 128": ("uint8", 1 / 127.5, 128, "-1..1"),
    "uint8 1/128, 128": ("uint8", 1 / 128, 128, "-1..1"),
    "uint8 1/128, 127": ("uint8", 1 / 128, 127, "-1..1"),
    "int8 1/127.5, -1": ("int8", 1 / 127.5, -1, "-1..1"),
    "int8 1/128, 0": ("int8", 1 / 128, 0, "-1..1"),
    "uint8 that is cast": ("uint8", 0, 0, "0..255"),
}


@pytest.mark.parametrize("kind", QUANTISED)
def test_a_quantised_input_of_usual_range_gets_the_bytes_as_they_are(tmp_path: Path, kind: str) -> None:
    dtype, scale, zero, pixels = QUANTISED[kind]
    model = load(tmp_path, tflite.means(SHAPE, dtype=dtype, scale=scale, zero=zero))
    assert model.pixels.name == pixels
    table = table_of(model.input, model.pixels)
    first = np.iinfo(dtype).min
    assert table.tolist() == [[value + first] * 3 for value in range(256)]


def test_a_quantised_input_of_pytorchs_range_gets_the_statistics_of_imagenet(tmp_path: Path) -> None:
    model = load(tmp_path, tflite.means((1, 3, 12, 16), dtype="int8", scale=0.0186, zero=-14))
    assert (model.pixels.name, model.pixels.source) == ("imagenet", "quantisation")
    assert shown(model) == expected((RGB - MEAN) / STD)


@pytest.mark.parametrize(
    ("scale", "zero", "name", "source"),
    [
        (0.9 / 255, -128, "0..1", "assumed"),
        (0.97 / 255, -128, "0..1", "quantisation"),
        (7 / 255, -64, "-1.757..5.243", "assumed"),
    ],
)
def test_a_range_that_is_not_usual_is_said_to_be_assumed(
    tmp_path: Path, scale: float, zero: int, name: str, source: str
) -> None:
    model = load(tmp_path, tflite.means(SHAPE, dtype="int8", scale=scale, zero=zero))
    assert (model.pixels.name, model.pixels.source) == (name, source)


def test_minus_1_to_1_is_as_keras_computes_it_to_the_last_bit() -> None:
    image = ImageInput(0, (1, 1), 3, "nhwc", np.float32, 0.0, 0)
    table = table_of(image, PixelRange("-1..1", *USUAL["-1..1"], "settings", ""))
    values = np.arange(256, dtype=np.float32)
    assert (table[:, 0] == values / np.float32(127.5) - np.float32(1)).all()


def test_a_range_that_the_input_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r'model\.pixels: 0\.\.255, but its input holds 0\.\.1; set model\.pixels = "a'
    ):
        load(tmp_path, tflite.means(SHAPE, dtype="uint8", scale=1 / 255), pixels="0..255")


@given(
    dtype=st.sampled_from([np.uint8, np.int8, np.int16, np.float32]),
    scale=st.floats(1e-4, 2),
    zero=st.integers(-128, 128),
    channels=st.sampled_from([1, 3]),
    dimensions=st.sampled_from(["nhwc", "nchw", "nhw"]),
    name=st.sampled_from([*USUAL]),
    data=st.data(),
)
def test_each_pixel_is_normalised_and_quantised(
    *, dtype: Any, scale: float, zero: int, channels: int, dimensions: Any, name: str, data: st.DataObject
) -> None:
    channels = 1 if dimensions == "nhw" else channels
    quantised = 0.0 if dtype is np.float32 else scale
    image = ImageInput(0, (4, 3), channels, dimensions, dtype, quantised, zero if quantised else 0)
    mean, std = USUAL[name] if channels == 3 else (USUAL[name][0][:1], USUAL[name][1][:1])
    pixels = PixelRange(name, mean, std, "metadata", "")
    seed = data.draw(st.integers(0, 1000))
    bgr = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), np.uint8)
    tensor = np.zeros((1, 3, 4, channels) if dimensions != "nchw" else (1, channels, 3, 4), dtype)
    PixelWriter(image, pixels).write(bgr, tensor)
    colours = bgr[..., ::-1] if channels == 3 else cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)[..., np.newaxis]
    numbers = (colours - np.array(mean)) / np.array(std)
    step = 1e-5
    if quantised:
        limits = np.iinfo(dtype)
        numbers, step = np.clip(np.rint(numbers / scale + zero), limits.min, limits.max), 1
    written = tensor[0].transpose(1, 2, 0) if dimensions == "nchw" else tensor[0]
    assert np.abs(written.astype(float) - numbers).max() <= step


@pytest.mark.parametrize(
    ("folder", "twins", "pixels"),
    [
        ("mlperf_resnet_raw_float_and_int8", ("pretrainedResnet", "pretrainedResnet_quant"), "0..255"),
        ("mlperf_vww_unit_float_and_int8", ("vww_96_float", "vww_96_int8"), "0..1"),
    ],
)
def test_a_strangers_float_model_and_its_int8_twin_agree(folder: str, twins: Sequence[str], pixels: str) -> None:
    """That of MLPerf's residual network tells nothing: it needs the setting."""
    here = shared(f"models/field/{folder}")
    photographs = sorted(shared("data/imagenet").glob("*.jpg"))[::40]
    rows = []
    for name in twins:
        set_pixels = pixels if "pretrainedResnet" in name else "auto"
        path, labels = str(here / f"{name}.tflite"), str(here / "labels.txt")
        model = Classifier(config.ModelSettings(path=path, labels=labels, pixels=set_pixels))  # type: ignore[arg-type]
        assert model.pixels.name == pixels
        rows.append([model.scores(cv2.resize(cv2.imread(str(each)), model.size)) for each in photographs])
    assert np.abs(np.array(rows[0]) - np.array(rows[1])).mean() < 0.05


def test_a_stranger_with_float_input_that_is_quantised_inside_gets_bytes() -> None:
    here = shared("models/field/float_io_quantised_inside")
    model = Classifier(config.ModelSettings(path=str(here / "model_quant.tflite"), labels=str(here / "labels.txt")))
    assert (model.pixels.name, model.pixels.source) == ("0..255", "graph")
