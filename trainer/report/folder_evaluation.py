"""How good any .tflite file that the daemon takes is on a folder of photographs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecam.events.labels import NEUTRAL, Labels
from edgecam.model.classifier import Classifier
from trainer.data.listing import list_photographs
from trainer.data.pixels import read_pixels
from trainer.data.sample import evenly
from trainer.errors import InputError
from trainer.report.evaluation import evaluate
from trainer.report.ranges import CAFFE, CAFFE_MEAN, MOST, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.fit import Fit
    from trainer.data.listing import Finding, Listing, Photo
    from trainer.report.evaluation import Evaluation
    from trainer.report.ranges import Ranges

SHOWN = 20


@dataclass(frozen=True, slots=True)
class FolderEvaluation:
    """What a model made of a folder.

    Attributes:
        model: it, loaded.
        evaluation: what it made of the photographs.
        names: what its scores are of.
        photos: in the evaluation's order.
        findings: what was odd about the folder.
        ranges: where the model's pixels are assumed: how often it is right under each range.
    """

    model: Classifier
    evaluation: Evaluation
    names: tuple[str, ...]
    photos: Sequence[Photo]
    findings: Sequence[Finding]
    ranges: Ranges | None

    @property
    def doubt(self) -> str:
        """What the user should settle, as the model itself does not; empty: nothing."""
        if self.ranges is None:
            return ""
        pixels, best = self.model.pixels, self.ranges.best
        assumed = f"{self.model.file.path}: its pixels are assumed to be {pixels.name} ({pixels.reason})"
        if not self.ranges.hits:
            return f"{assumed}; no usual range fits: set model.pixels = {{mean = [...], std = [...]}} as its maker says"
        remedy = "set it" if best else "none is clearly best: are the labels in the order of the model's scores?"
        if best == CAFFE:
            remedy = f'set model.pixels = {{mean = {[*CAFFE_MEAN]}}} and model.channels = "bgr"'
        return f"{assumed}; model.pixels = {self.ranges}; {remedy}"


@dataclass(frozen=True, slots=True)
class _Reported:
    """From a model's scores to those of its names, of which each is there once, as the daemon counts them."""

    names: tuple[str, ...]
    labels: Labels | None

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.labels is None:  # one score, whose rest is that of the other folder
            return np.array([1 - scores[0], scores[0]], np.float32)
        return self.labels.scores(scores).astype(np.float32)


def evaluate_folder(settings: config.ModelSettings, data: Path, fit: Fit | None = None) -> FolderEvaluation:
    """Show a model the photographs of a folder: those to test with if there are such, else all.

    Args:
        settings: which model, and how it is read.
        data: the folder.
        fit: how photographs are made to fit; None: as the model says.

    Raises:
        InputError: there are no photographs, or of classes that the model does not know.
        ModelError: the file is no image classifier.
    """
    model = Classifier(settings)
    listing = list_photographs(data)
    reported = _reported(model, listing)
    tested = [photo for photo in listing.photos if photo.part == "test"] or listing.photos
    chosen = replace(listing, photos=tuple(tested))
    with tempfile.TemporaryDirectory() as folder:
        pictures = read_pixels(chosen, model.size, Path(folder) / "pixels.npy", fit or model.fit)
        pixels = pictures.pixels
        if not pictures.digests:
            message = f"{data}: no photographs that can be read"
            raise InputError(message)
        known = [reported.names.index(name) for name in listing.classes]
        labels = np.array([known[photo.label] for photo in tested], np.int64)
        readable = np.array(list(pictures.digests), np.int64)
        result = evaluate(model, pixels, labels, readable, reported)
        ranges = None
        if model.pixels.source == "assumed":
            ranges = measure(settings, pixels, labels, evenly(labels, readable, MOST, 0), reported)
    photos = [tested[at] for at in readable]
    return FolderEvaluation(model, result, reported.names, photos, [*listing.findings, *pictures.findings], ranges)


def _reported(model: Classifier, listing: Listing) -> _Reported:
    """What the scores are reported as.

    Raises:
        InputError: there are photographs of what the model does not know.
    """
    unknown = [name for name in listing.classes if name not in model.classes]
    if len(model.classes) == len(unknown) == 1 and unknown[0].casefold() in NEUTRAL:
        return _Reported((unknown[0], model.classes[0]), None)
    if unknown:
        more = ", ..." if len(model.classes) > SHOWN else ""
        message = (
            f"{listing.root}: the model does not know {', '.join(unknown)}; it knows "
            f"{', '.join(model.classes[:SHOWN])}{more}"
        )
        if len(model.classes) == 1:
            message += "; call the folder of all else nothing"
        raise InputError(message)
    labels = Labels(model.classes)
    return _Reported(labels.names, labels)
