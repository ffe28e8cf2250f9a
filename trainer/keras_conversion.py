"""From a classifier that was trained before, by whatever means, to a finished folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import keras
import msgspec
import numpy as np
from keras import layers

from edgecam import config
from edgecam.model.pixel_range import normalisation
from trainer.data.parts import SPLIT_FILE
from trainer.data.sample import evenly
from trainer.errors import AccuracyError, InputError
from trainer.network.classifier import Normalised, first_steps, flattened, without_rescaling
from trainer.network.keras_file import read_keras
from trainer.output import Output
from trainer.progress import say
from trainer.quantisation.conversion import convert
from trainer.quantisation.metadata import LABELS_FILE
from trainer.recipe.finish import carrying, finish, judge
from trainer.recipe.labels import BACKGROUND
from trainer.recipe.learnt import Learnt, calibrated
from trainer.recipe.pictures import read_pictures
from trainer.report import pixel_choice
from trainer.report.ranges import MOST, measure

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.recipe.pictures import Pictures
    from trainer.recipe.settings import Settings
    from trainer.report import report

NOTHING = np.empty(0)


def convert_model(keras_model: Path, settings: Settings) -> report.Report:
    """Convert a classifier that was trained before, by the trainer or by other means.

    Args:
        keras_model: a .keras or .h5 file; its scores are those of the labels in the ``labels.txt`` beside it that the
            trainer wrote, else of the data's classes in alphabetical order.
        settings: those of how the data is read and of what becomes of the model are used.

    Raises:
        InputError: the file is no classifier of as many classes as the data has, or its pixels are not to be known.
        AccuracyError: the int8 model lost too much, or there was nothing to lose; everything was written nevertheless.
    """
    start = time.monotonic()
    model = _read_classifier(keras_model)
    height = model.input_shape[1]
    unknown: Literal["auto", "none"] = "auto" if _has_background(keras_model) else "none"
    settings = msgspec.structs.replace(
        settings, backbone=model.name, weights=str(keras_model), size=height, unknown=unknown
    )
    output = Output(settings.output)
    output.prepare(overwrite=settings.overwrite)
    with output.clearing():
        result = _converted(keras_model, model, settings, output, start)
    output.finish()
    judge(result, settings)
    _judge(result, keras_model)
    return result


def _converted(
    keras_model: Path, model: keras.Model, settings: Settings, output: Output, start: float
) -> report.Report:
    """Read, calibrate, and write the results."""
    _, height, width, channels = model.input_shape
    pictures = read_pictures(settings, (width, height), output.work, keras_model.with_name(SPLIT_FILE))
    labels, scores = pictures.labels.names, model.output_shape[-1]
    if scores != len(labels) and (scores, len(labels)) != (1, 2):
        named = [name for name in labels if settings.unknown == "none" or name != BACKGROUND]
        more = "" if len(named) == len(labels) else f", and {BACKGROUND}"
        message = f"{keras_model}: {scores} scores, but {settings.data} has {len(named)} classes{more}"
        raise InputError(message)
    pixels = _pixels(keras_model, model, settings, pictures, output.work)
    say(f"pixels: {pixels.name} ({pixels.reason})")
    mean, std = (np.array(each, np.float64) for each in normalisation(pixels.name, is_grey=channels == 1))
    dataset = pictures.dataset()
    whole, temperature = calibrated(Normalised(model, mean, std), dataset)
    part = without_rescaling(whole.network, mean, std)
    learnt = Learnt(part, dataset, settings.hyperparameters, pixels=pixels, temperature=temperature)
    return finish(settings, learnt, pictures, output, start)


def _has_background(keras_model: Path) -> bool:
    """Whether the trainer wrote beside the model that its last label is learnt from generic pictures."""
    try:
        return keras_model.with_name(LABELS_FILE).read_text("utf-8").split("\n")[-2:] == [BACKGROUND, ""]
    except (OSError, ValueError):
        return False


def _pixels(keras_model: Path, model: keras.Model, settings: Settings, pictures: Pictures, work: Path) -> report.Pixels:
    """Which numbers the model takes for pixels; photographs to test with have no say."""
    if settings.pixels != "auto":
        return pixel_choice.by_option(settings.pixels)
    plain = Normalised(model, NOTHING, NOTHING)
    file = work / "model.tflite"
    file.write_bytes(carrying(convert(model, "float32"), plain, pictures, settings))
    told = pixel_choice.by_layers(first_steps(model), file)
    if told and told.name == pixel_choice.SURE:
        return told
    shown = np.concatenate([pictures.parts.train, pictures.parts.validation])
    drawn = evenly(pictures.shown, shown, MOST, settings.seed)
    ranges = measure(config.ModelSettings(path=str(file)), pictures.pixels, pictures.shown, drawn)
    return pixel_choice.by_photographs(ranges, told, keras_model)


def _judge(result: report.Report, keras_model: Path) -> None:
    """Refuse to call a model converted that tells nothing apart.

    Raises:
        AccuracyError: it does not.
    """
    if result.is_blind:
        message = (
            f"{keras_model}: right for {result.accuracy.converted:.1%} of the test photographs, no better than "
            "guessing: is --pixels as in its training, and are its scores in the alphabetical order of the classes?"
        )
        raise AccuracyError(message)


def _read_classifier(path: Path) -> keras.Model:
    """Read a file as a model of [batch, height, width, 1 or 3]."""
    try:
        model = read_keras(path)
    except ValueError as error:
        message = f"{path}: cannot be read as a Keras model: {error}"
        raise InputError(message) from None
    try:
        fitting = _of_images(model)
    except ValueError as error:
        message = f"{path}: cannot be converted: {str(error).strip().splitlines()[0]}"
        raise InputError(message) from None
    if fitting is None:
        given, made = (getattr(model, name, None) for name in ("input_shape", "output_shape"))
        message = f"{path}: from {given} to {made}; expected [batch, height, width, 3 or 1] to [batch, classes]"
        raise InputError(message)
    return fitting


def _of_images(model: keras.Model) -> keras.Model | None:
    """Make plain layers of a classifier, from [batch, height, width, 1 or 3]; None: it is no classifier.

    Raises:
        ValueError: a model in it is no graph of layers.
    """
    match getattr(model, "input_shape", None), getattr(model, "output_shape", None):
        case (None, int(), int(), 1 | 3), (None, int()):
            return flattened(model)
        case (None, int() as height, int() as width), (None, int()):
            image = keras.Input((height, width, 1))
            scores = model(layers.Reshape((height, width))(image))
            return flattened(keras.Model(image, scores, name=model.name))
        case _:
            return None
