"""How good and how fast a .tflite file is, measured with the daemon's own code."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edgecam.model.classifier import Classifier
    from trainer.data.pixel_file import Pixels

TIMED = 100
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model made of some photographs.

    Attributes:
        scores: float32 [photographs, classes], 0..1.
        labels: int64 [photographs]: what they show.
        latency_ms: the median time of one photograph from its pixels to its scores, on this machine.
    """

    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    latency_ms: float

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Which got the highest score for what they show: bool [photographs]."""
        return np.asarray(self.scores.argmax(1) == self.labels)

    @property
    def right(self) -> int:
        """How many these are."""
        return int(self.hits.sum())

    @property
    def accuracy(self) -> float:
        """The fraction of these."""
        return self.right / len(self.labels)

    def confusion(self) -> NDArray[np.int64]:
        """int64 [classes, classes]: how many of a class (row) were taken for another (column)."""
        classes = self.scores.shape[1]
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (self.labels, self.scores.argmax(1)), 1)
        return counts


def evaluate(
    model: Classifier,
    pixels: Pixels,
    labels: NDArray[np.int64],
    indices: NDArray[np.int64],
    reported: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda scores: scores,
) -> Evaluation:
    """Show photographs to a model.

    Args:
        model: which one.
        pixels: of the photographs, of the model's size.
        labels: int64 [photographs], indices of what is reported.
        indices: which photographs.
        reported: makes of the model's scores, float32 [N], those of what is reported, float32 [K].
    """
    scores, times = [], []
    for index in bar(indices, f"testing {model.file.path.name}", len(indices)):
        image = np.ascontiguousarray(pixels[index][..., ::-1])
        start = time.perf_counter()
        of_model = model.scores(image)
        times.append(time.perf_counter() - start)
        scores.append(reported(of_model))
    return Evaluation(np.stack(scores), labels[indices], statistics.median(times[-TIMED:]) * 1e3)


def latencies(models: Sequence[Classifier]) -> list[float]:
    """Milliseconds from pixels to scores on this machine: models take turns, as its speed may change."""
    rounds = [[_latency(model) for model in models] for _ in bar(range(ROUNDS), "timing", ROUNDS)]
    return [statistics.median(of_model) for of_model in zip(*rounds, strict=True)]


def _latency(model: Classifier) -> float:
    width, height = model.size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    times = []
    for _ in range(TIMED // ROUNDS):
        start = time.perf_counter()
        model.scores(image)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3
