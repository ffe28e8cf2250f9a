"""Which numbers a Keras model takes for pixels: as the user says, as its first layers do, or as photographs tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from edgecam import config
from edgecam.model.classifier import Classifier
from trainer.errors import InputError
from trainer.report.ranges import CAFFE
from trainer.report.report import Pixels

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam.model.preprocessing import FirstSteps
    from trainer.report.ranges import Ranges

SURE = "0..255"  # so large constants have no other cause; small ones may be statistics of what was learnt from
Range = Literal["0..255", "0..1", "-1..1", "imagenet"]


def by_option(name: Range) -> Pixels:
    """As the user says."""
    return Pixels(name, "option", "as --pixels says")


def by_layers(steps: FirstSteps, tflite: Path) -> Pixels | None:
    """As the first layers do; None: they do not tell.

    Args:
        steps: those that Keras shows.
        tflite: the model in float32, with labels inside, but without a word of its pixels: the daemon may see more.
    """
    if steps.pixels:
        return Pixels(steps.pixels, "layers", str(steps))
    found = Classifier(config.ModelSettings(path=str(tflite))).pixels
    return Pixels(found.name, "layers", found.reason) if found.source == "graph" else None


def by_photographs(ranges: Ranges, layers: Pixels | None, keras_model: Path) -> Pixels:
    """As the photographs tell.

    Args:
        ranges: how often the model is right under each.
        layers: what its first layers tell, which counts where the photographs leave room for it.
        keras_model: which one, for people.

    Raises:
        InputError: they do not tell.
    """
    if ranges.best == CAFFE:
        message = (
            f"{keras_model}: it wants blue, green and red less their means (preprocess_input of ResNet50 and VGG), for "
            f"which --pixels has no word: {ranges}; make preprocess_input the first layer of the model"
        )
        raise InputError(message)
    if ranges.best:
        return Pixels(ranges.best, "photographs", f"by the photographs: {ranges}", ranges.accuracies)
    if layers and ranges.may_be(layers.name):
        return Pixels(layers.name, "layers", layers.reason, ranges.accuracies)
    problem = (
        "no range of pixels is better than guessing (are the classes of DATA in the order of its scores?)"
        if ranges.is_guessing
        else "no range of pixels is clearly the best"
    )
    message = f"{keras_model}: {problem}: {ranges}; give --pixels with the one that it was trained with"
    raise InputError(message)
