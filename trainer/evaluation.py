"""How good and how fast a .tflite file is, measured with the daemon's own code."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecam import config
from edgecam.model.classifier import Classifier
from trainer.dataset import list_photographs
from trainer.errors import InputError
from trainer.pixels import read_pixels
from trainer.progress import bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edgecam.camera.fit import Fit
    from trainer.dataset import Finding, Photo

TIMED = 100
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model made of some photographs.

    Attributes:
        scores: float32 [photographs, classes], 0..1.
        labels: int64 [photographs]: what they show.
        latency_ms: the median time of one photograph from its pixels to its scores, one thread, on this machine.
    """

    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    latency_ms: float

    @property
    def right(self) -> int:
        """How many got the highest score for what they show."""
        return int((self.scores.argmax(1) == self.labels).sum())

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
    path: Path, pixels: NDArray[np.uint8], labels: NDArray[np.int64], indices: NDArray[np.int64]
) -> Evaluation:
    """Show photographs to a model.

    Args:
        path: a .tflite file that carries its labels.
        pixels: uint8 [photographs, size, size, 3], RGB, of the model's size.
        labels: int64 [photographs], class indices.
        indices: which photographs.

    Raises:
        ModelError: it is no image classifier.
    """
    model = Classifier(config.ModelSettings(path=str(path)))
    scores, times = np.zeros((len(indices), len(model.classes)), np.float32), []
    for place, index in enumerate(bar(indices, f"testing {path.name}", len(indices))):
        image = np.ascontiguousarray(pixels[index][..., ::-1])
        start = time.perf_counter()
        scores[place] = model.scores(image)
        times.append(time.perf_counter() - start)
    return Evaluation(scores, labels[indices], statistics.median(times[-TIMED:]) * 1e3)


def latencies(models: Sequence[Path]) -> list[float]:
    """Milliseconds from pixels to scores, one thread, on this machine: models take turns, as its speed may change."""
    loaded = [Classifier(config.ModelSettings(path=str(path))) for path in models]
    rounds = [[_latency(model) for model in loaded] for _ in bar(range(ROUNDS), "timing", ROUNDS)]
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


def evaluate_folder(
    path: Path, data: Path, fit: Fit | None = None
) -> tuple[Evaluation, tuple[str, ...], list[Photo], list[Finding]]:
    """Show a model the photographs of a folder: those to test with if there are such, else all.

    Args:
        path: a .tflite file.
        data: the folder.
        fit: how photographs are made to fit; None: as the model says.

    Returns:
        What it made of them, the model's classes, the photographs in the evaluation's order, and what was odd.

    Raises:
        InputError: there are no photographs, or of classes that the model does not know.
        ModelError: the file is no image classifier.
    """
    model = Classifier(config.ModelSettings(path=str(path)))
    listing = list_photographs(data)
    unknown = [name for name in listing.classes if name not in model.classes]
    if unknown:
        message = f"{data}: the model does not know {', '.join(unknown)}; it knows {', '.join(model.classes[:20])}"
        raise InputError(message)
    tested = [photo for photo in listing.photos if photo.part == "test"] or listing.photos
    chosen = replace(listing, photos=tuple(tested))
    with tempfile.TemporaryDirectory() as folder:
        pixels, digests, findings = read_pixels(chosen, model.size, Path(folder) / "pixels.npy", fit or model.fit)
        if not digests:
            message = f"{data}: no photographs that can be read"
            raise InputError(message)
        known = [model.classes.index(name) for name in listing.classes]
        labels = np.array([known[photo.label] for photo in tested], np.int64)
        readable = np.array(list(digests), np.int64)
        result = evaluate(path, pixels, labels, readable)
    return result, model.classes, [tested[at] for at in readable], [*listing.findings, *findings]
