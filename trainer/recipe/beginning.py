"""Before anything is learnt: a head is fitted, and the backbone's features tell of the photographs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from trainer.calibration.confusable import mirror_confuses
from trainer.calibration.wrong_labels import WrongLabel, wrong_labels
from trainer.data.sample import evenly
from trainer.learning.head import fit_head
from trainer.learning.shrunk import Shrunk
from trainer.learning.training import inference, predict
from trainer.progress import say
from trainer.report.report import Mirror

if TYPE_CHECKING:
    from trainer.learning.dataset import Dataset
    from trainer.recipe.labels import Labels
    from trainer.recipe.settings import Mirror as Asked

LOOKED_AT = 600  # photographs
USUAL = Mirror(used=True, reason="as usual")


def unless_asked(asked: Asked) -> Mirror:
    """Whether photographs are mirrored as far as that needs no look at them."""
    return USUAL if asked == "auto" else Mirror(used=asked == "always", reason="as the options say")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was found.

    Attributes:
        mirror: whether photographs are mirrored while they are learnt, and why.
        suspects: photographs that probably lie in the wrong folder, by their indices, the likeliest first.
    """

    mirror: Mirror = USUAL
    suspects: tuple[WrongLabel, ...] = ()


def begin(model: keras.Model, dataset: Dataset, labels: Labels, size: int, asked: Asked) -> Beginning:
    """Fit the head of a classifier, and look at the photographs with its backbone.

    Args:
        model: its last layer is the head; is changed.
        dataset: what is to be learnt.
        labels: their names.
        size: pixels a side at which it looks.
        asked: whether photographs are to be mirrored.
    """
    *_, features, pool, _, head = model.layers
    look = inference(keras.Model(model.input, pool.output))
    learnt = np.concatenate([dataset.train, dataset.background])
    seen = predict(look, Shrunk(dataset.pixels, size), learnt, "fitting the head")
    shown = dataset.labels[learnt]
    head.set_weights(fit_head(seen, shown, len(labels.names), dataset.class_weights))
    known = len(dataset.train)
    found = wrong_labels(seen[:known], shown[:known])
    suspects = tuple(replace(each, index=int(learnt[each.index])) for each in found)
    if asked != "auto":
        return Beginning(unless_asked(asked), suspects)
    return Beginning(_mirror(keras.Model(model.input, features.output), dataset, labels, size), suspects)


def _mirror(backbone: keras.Model, dataset: Dataset, labels: Labels, size: int) -> Mirror:
    """Decide whether photographs are mirrored, by means over nine cells: one over all forgets left and right."""

    def cells(pixels: Any, *, training: bool) -> Any:
        seen = backbone(pixels, training=training)
        thirds = [(side * seen.shape[1] // 3, -(-(side + 1) * seen.shape[1] // 3)) for side in range(3)]
        means = [
            tf.reduce_mean(seen[:, low:high, left:right], (1, 2)) for low, high in thirds for left, right in thirds
        ]
        return tf.concat(means, -1)

    chosen = evenly(dataset.labels, dataset.train, LOOKED_AT, 0)
    look = inference(cells)
    plain, mirrored = (
        predict(look, Shrunk(dataset.pixels, size, mirrored=turned), chosen, "mirroring") for turned in (False, True)
    )
    pairs = mirror_confuses(plain, mirrored, dataset.labels[chosen], len(labels.names))
    if not pairs:
        return USUAL
    named = ", ".join(f"{labels.names[first]} and {labels.names[second]}" for first, second in pairs)
    say(f"mirrored photographs of {named} look like one another: nothing is mirrored (--mirror does it all the same)")
    return Mirror(used=False, reason=f"mirroring confuses {named}")
