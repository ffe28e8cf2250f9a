"""How good any .tflite file that the daemon takes is on a folder of photographs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecam.model.classifier import Classifier
from trainer.data.listing import list_photographs
from trainer.data.pixels import read_pixels
from trainer.data.sample import evenly
from trainer.errors import InputError
from trainer.report import folder_classes, tested_part
from trainer.report.evaluation import evaluate
from trainer.report.figures import figures
from trainer.report.ranges import CAFFE, CAFFE_MEAN, MOST, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam import config
    from edgecam.camera.fit import Fit
    from trainer.data.listing import Finding, Layout
    from trainer.report.folder_classes import Kind
    from trainer.report.ranges import Ranges
    from trainer.report.report import Figures
    from trainer.report.tested_part import Tested


@dataclass(frozen=True, slots=True)
class FolderEvaluation:
    """What a model made of a folder.

    Attributes:
        model: it, loaded.
        figures: what it made of the photographs.
        latency_ms: the median time of one of them.
        photographs: how many of its classes were shown.
        tested: which these are.
        findings: what was odd about the folder.
        ranges: where the model's pixels are assumed: how often it is right under each range.
    """

    model: Classifier
    figures: Figures
    latency_ms: float
    photographs: int
    tested: Tested
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
class Asked:
    """How a folder is to be taken.

    Attributes:
        fit: how photographs are made to fit; None: as the model says.
        kind: of the events that the model is for.
        every: test with all photographs, those that the model was trained with too.
        strict: refuse folders that the model does not know.
        layout: how the folder is laid out.
    """

    fit: Fit | None = None
    kind: Kind = "visit"
    every: bool = False
    strict: bool = False
    layout: Layout = "auto"


def evaluate_folder(settings: config.ModelSettings, data: Path, asked: Asked) -> FolderEvaluation:
    """Show a model the photographs of a folder that it was not trained with.

    Args:
        settings: which model, and how it is read.
        data: the folder.
        asked: how it is taken.

    Raises:
        InputError: there are no photographs, or of classes that the model does not know.
        ModelError: the file is no image classifier.
    """
    model = Classifier(settings)
    listing = list_photographs(data, asked.layout, least=1)
    folders = folder_classes.match(model, listing, asked.kind, strict=asked.strict)
    reported, roles = folders.reported, folders.roles
    wanted = [photo for photo in listing.photos if roles[photo.label] is not None]
    tested = tested_part.choose(data, wanted, tested_part.parts_of(model.file.path), every=asked.every)
    chosen = replace(listing, photos=tested.photos)
    with tempfile.TemporaryDirectory() as folder:
        read = read_pixels(chosen, model.size, Path(folder) / "pixels", asked.fit or model.fit)
        pixels = read.pixels
        labels = np.array([_place(roles[photo.label]) for photo in tested.photos], np.int64)
        readable = np.array(list(read.digests), np.int64)
        known, strangers = readable[labels[readable] >= 0], readable[labels[readable] < 0]
        if not len(known):
            message = f"{data}: no photographs that can be read"
            raise InputError(message)
        result = evaluate(model, pixels, labels, known, reported)
        unrelated = evaluate(model, pixels, labels, strangers, reported).scores if len(strangers) else None
        ranges = None
        if model.pixels.source == "assumed":
            ranges = measure(settings, pixels, labels, evenly(labels, known, MOST, 0), reported)
    shown = {listing.classes[photo.label] for photo in tested.photos if roles[photo.label] == "unrelated"}
    told = figures(
        reported.names,
        result,
        thresholds=model.thresholds,
        neutral=reported.neutral,
        unrelated={} if unrelated is None else {", ".join(sorted(shown)): unrelated},
    )
    odd = [*listing.findings, *folders.findings, *read.findings]
    return FolderEvaluation(model, told, result.latency_ms, len(known), tested, odd, ranges)


def _place(role: folder_classes.Role) -> int:
    return role if isinstance(role, int) else -1
