"""A classifier that has learnt, and how it came to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.calibration.temperature import temperature
from trainer.learning.training import inference, predict
from trainer.network.temperature import logits_of, with_temperature
from trainer.recipe.beginning import Beginning

if TYPE_CHECKING:
    from trainer.learning.dataset import Dataset
    from trainer.learning.hyperparameters import Hyperparameters
    from trainer.learning.learning_curve import Epoch
    from trainer.network.classifier import Normalised
    from trainer.report.report import Pixels


@dataclass(frozen=True, slots=True)
class Learnt:
    """A classifier, and how it came to be.

    Attributes:
        model: the part of it that a .tflite file holds.
        dataset: what it learnt, or would have.
        hyperparameters: how.
        epochs: what was learnt in each.
        beginning: what was found before.
        pixels: what it takes for pixels, where that had to be found out.
        temperature: by which its logits were divided, so that its scores say how often they are right.
    """

    model: Normalised
    dataset: Dataset
    hyperparameters: Hyperparameters
    epochs: tuple[Epoch, ...] = ()
    beginning: Beginning = field(default_factory=Beginning)
    pixels: Pixels | None = None
    temperature: float = 1.0


def calibrated(model: Normalised, dataset: Dataset) -> tuple[Normalised, float]:
    """Divide the logits by the temperature that fits validation photographs, in the weights of the last layer.

    Args:
        model: any; one that ends in something else than a layer of scores stays as it is.
        dataset: whose validation photographs.

    Returns:
        The model, and the temperature.
    """
    logits = logits_of(model.network)
    if logits is None:
        return model, 1.0
    look = inference(lambda pixels, training: logits(model.seen(pixels), training=training))
    said = predict(look, dataset.pixels, dataset.validation, "calibrating").astype(np.float64)
    if said.shape[1] == 1:  # of the logit of a single score, those of the two classes are 0 and it
        said = np.hstack([np.zeros_like(said), said])
    found = temperature(said, dataset.labels[dataset.validation])
    network = with_temperature(model.network, found)
    return (model._replace(network=network), found) if network else (model, 1.0)
