"""Before anything is learnt: a head is fitted, and the backbone's features tell of the photographs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import keras
import numpy as np

from trainer.calibration.confusable import mirror_confuses
from trainer.calibration.wrong_labels import WrongLabel, wrong_labels
from trainer.learning.head import fit_head
from trainer.learning.training import inference, predict
from trainer.progress import say
from trainer.report.report import Mirror

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.learning.dataset import Dataset
    from trainer.recipe.labels import Labels
    from trainer.recipe.settings import Mirror as Asked

USUAL = Mirror(used=True, reason="as usual")


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
    *_, pool, _, head = model.layers
    look = inference(keras.Model(model.input, pool.output))
    known, all_labels = dataset.train, dataset.labels
    of_known = predict(look, Shrunk(dataset.pixels, size), known, "fitting the head")
    of_background = (
        predict(look, Shrunk(dataset.pixels, size), dataset.background, "fitting the head")
        if len(dataset.background)
        else np.empty((0, of_known.shape[1]), np.float32)
    )
    features = np.concatenate([of_known, of_background])
    shown = np.concatenate([all_labels[known], all_labels[dataset.background]])
    head.set_weights(fit_head(features, shown, len(labels.names), dataset.class_weights))
    mirror = _mirror(look, dataset, of_known, labels, size, asked)
    found = wrong_labels(of_known, all_labels[known])
    return Beginning(mirror, tuple(replace(each, index=int(known[each.index])) for each in found))


class Shrunk:
    """Pixels as `predict` takes them, at another size, perhaps mirrored."""

    def __init__(self, pixels: NDArray[np.uint8], size: int, *, mirrored: bool = False) -> None:
        self._pixels, self._size, self._mirrored = pixels, size, mirrored

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        chosen = self._pixels[indices, :, ::-1] if self._mirrored else self._pixels[indices]
        if chosen.shape[1] == self._size:
            return chosen
        size = (self._size, self._size)
        return np.stack([cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in chosen])


def _mirror(
    look: Any, dataset: Dataset, features: NDArray[np.float32], labels: Labels, size: int, asked: Asked
) -> Mirror:
    """Decide whether photographs are mirrored."""
    if asked != "auto":
        return Mirror(used=asked == "always", reason="as the options say")
    mirrored = predict(look, Shrunk(dataset.pixels, size, mirrored=True), dataset.train, "mirroring")
    shown = dataset.labels[dataset.train]
    pairs = mirror_confuses(features, mirrored, shown, len(labels.names))
    if not pairs:
        return USUAL
    named = ", ".join(f"{labels.names[first]} and {labels.names[second]}" for first, second in pairs)
    say(f"mirrored photographs of {named} look like one another: nothing is mirrored (--mirror does it all the same)")
    return Mirror(used=False, reason=f"mirroring confuses {named}")
