"""Which numbers a model takes for pixels, as photographs of known classes tell."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgecam.config.sections import PixelSettings
from edgecam.errors import ModelError
from edgecam.model import pixel_range
from edgecam.model.classifier import Classifier
from edgecam.model.pixel_range import USUAL
from trainer.report.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from edgecam import config
    from trainer.data.pixel_file import Pixels

CAFFE = "caffe"  # Keras' word for blue, green, red less their means: preprocess_input of ResNet50 and VGG
CAFFE_MEAN = pixel_range.CAFFE[0]
MOST = 300  # photographs that are shown under each range
BY_CHANCE = 0.01  # how probable it may be that who guesses is right so often
ALIKE = 0.05  # how probable it may be that of two ranges that are as good one is ahead so far


@dataclass(frozen=True, slots=True)
class Ranges:
    """How often a model is right under each usual range of pixels.

    Attributes:
        hits: by the words of ``model.pixels``, and CAFFE: bool [photographs], which of them it told rightly; ranges
            that its input cannot hold are left out.
        labels: int64 [photographs]: what they show.
    """

    hits: Mapping[str, NDArray[np.bool_]]
    labels: NDArray[np.int64]

    @property
    def accuracies(self) -> dict[str, float]:
        """By range, the best first."""
        means = {name: float(hits.mean()) for name, hits in self.hits.items()}
        return dict(sorted(means.items(), key=lambda each: -each[1]))

    @property
    def is_guessing(self) -> bool:
        """Whether under every range the model is right no more often than who names the commonest class."""
        share = float(np.bincount(self.labels).max() / len(self.labels))
        most = max((int(hits.sum()) for hits in self.hits.values()), default=0)
        return _tail(most, len(self.labels), share) > BY_CHANCE

    @property
    def best(self) -> str | None:
        """The range that is clearly better than guessing and than every other; None: none is."""
        if self.is_guessing:
            return None
        first, *others = self.accuracies
        return first if all(self._is_ahead(first, other) for other in others) else None

    def may_be(self, name: str) -> bool:
        """Whether the photographs leave room for a range: none is clearly better, and the model does not but guess."""
        return not self.is_guessing and not any(self._is_ahead(other, name) for other in self.hits)

    def _is_ahead(self, name: str, other: str) -> bool:
        """Tell by the photographs of which just one of two is right (the sign test)."""
        gained = int((self.hits[name] & ~self.hits[other]).sum())
        lost = int((self.hits[other] & ~self.hits[name]).sum())
        return _tail(gained, gained + lost, 0.5) <= ALIKE

    def __str__(self) -> str:
        """For people."""
        (best, accuracy), *others = self.accuracies.items()
        rest = "".join(f', "{name}" {each:.1%}' for name, each in others)
        return f'"{best}" is right {accuracy:.1%}{rest} of {len(self.labels)} photographs'


def measure(
    settings: config.ModelSettings,
    pixels: Pixels,
    labels: NDArray[np.int64],
    indices: NDArray[np.int64],
    reported: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda scores: scores,
) -> Ranges:
    """Show photographs to a model under each usual range of pixels.

    Args:
        settings: which model, and how it is read but for its pixels.
        pixels: uint8 [photographs, height, width, 3], RGB, of the model's size.
        labels: int64 [photographs], indices of what is reported.
        indices: which photographs.
        reported: see ``evaluate``.
    """
    hits = {}
    for name in (*USUAL, CAFFE):
        asked = {"pixels": name} if name in USUAL else {"pixels": PixelSettings(CAFFE_MEAN), "channels": "bgr"}
        try:
            model = Classifier(msgspec.structs.replace(settings, **asked))
        except ModelError:  # its input cannot hold such numbers
            continue
        hits[name] = evaluate(model, pixels, labels, indices, reported).hits
    return Ranges(hits, labels[indices])


def _tail(least: int, count: int, share: float) -> float:
    """How probable it is to be right so often by chance."""
    return sum(comb(count, hits) * share**hits * (1 - share) ** (count - hits) for hits in range(least, count + 1))
