"""A classifier that has learnt, and how it came to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from trainer.calibration.temperature import temperature
from trainer.learning.training import inference, predict
from trainer.network.classifier import logits_of, with_temperature
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


def calibrated(learnt: Learnt) -> Learnt:
    """Divide the logits by the temperature that fits validation photographs, in the weights of the last layer.

    A model that ends in something else than a layer of scores stays as it is.
    """
    logits = logits_of(learnt.model.network)
    if logits is None:
        return learnt
    dataset, model = learnt.dataset, learnt.model
    look = inference(lambda pixels, training: logits(model.seen(pixels), training=training))
    said = predict(look, dataset.pixels, dataset.validation, "calibrating")
    found = temperature(said.astype(np.float64), dataset.labels[dataset.validation])
    network = with_temperature(model.network, found)
    return replace(learnt, model=model._replace(network=network), temperature=found) if network else learnt
