"""From a classifier that was trained before, by whatever means, to a finished folder."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import keras
import msgspec
import numpy as np
from keras import layers

from edgecam import config
from edgecam.model.pixel_range import normalisation
from trainer import recipe
from trainer.data.sample import evenly
from trainer.errors import AccuracyError, InputError
from trainer.learning.distribution import distribution
from trainer.network.classifier import Normalised, first_steps, flattened, without_rescaling
from trainer.network.keras_file import read_keras
from trainer.progress import say
from trainer.quantisation.conversion import convert
from trainer.report import pixel_choice
from trainer.report.ranges import MOST, measure

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.report import report

NOTHING = np.empty(0)


def convert_model(keras_model: Path, settings: recipe.Settings) -> report.Report:
    """Convert a classifier that was trained before, by the trainer or by other means.

    Args:
        keras_model: a .keras or .h5 file; its scores are those of the data's classes in alphabetical order.
        settings: ``data``, ``output``, ``pixels``, ``fit``, ``format``, ``max_loss`` and ``seed`` are used.

    Raises:
        InputError: the file is no classifier of as many classes as the data has, or its pixels are not to be known.
        AccuracyError: the int8 model lost too much, or there was nothing to lose; everything was written nevertheless.
    """
    start = time.monotonic()
    model = _read_classifier(keras_model)
    _, height, width, channels = model.input_shape
    recipe.prepare(settings, distribution("none"))
    work = settings.output / recipe.WORK
    photographs = recipe.read_photographs(settings, (width, height), work)
    classes = photographs.listing.classes
    scores = model.output_shape[-1]
    if scores != len(classes) and (scores, len(classes)) != (1, 2):
        message = f"{keras_model}: {scores} scores, but {settings.data} has {len(classes)} classes"
        raise InputError(message)
    settings = msgspec.structs.replace(settings, backbone=model.name, weights=str(keras_model), size=height)
    pixels = _pixels(keras_model, model, settings, photographs)
    say(f"pixels: {pixels.name} ({pixels.reason})")
    mean, std = normalisation(pixels.name, is_grey=channels == 1)
    result = recipe.finish(settings, without_rescaling(model, mean, std), photographs, start, pixels=pixels)
    shutil.rmtree(work)
    recipe.judge(result, settings)
    _judge(result, keras_model)
    return result


def _pixels(
    keras_model: Path, model: keras.Model, settings: recipe.Settings, photographs: recipe.Photographs
) -> report.Pixels:
    """Which numbers the model takes for pixels; photographs to test with have no say."""
    if settings.pixels != "auto":
        return pixel_choice.by_option(settings.pixels)
    plain = Normalised(model, NOTHING, NOTHING)
    file = settings.output / recipe.WORK / "model.tflite"
    file.write_bytes(recipe.carrying(convert(model, "float32"), plain, photographs.listing.classes, settings.fit))
    told = pixel_choice.by_layers(first_steps(model), file)
    if told and told.name == pixel_choice.SURE:
        return told
    shown = np.concatenate([photographs.parts.train, photographs.parts.validation])
    drawn = evenly(photographs.labels, shown, MOST, settings.seed)
    ranges = measure(config.ModelSettings(path=str(file)), photographs.pixels, photographs.labels, drawn)
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
