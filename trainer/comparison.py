"""Backbones side by side, trained on the same photographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import msgspec

from edgecam import config
from edgecam.model.classifier import Classifier
from trainer.errors import AccuracyError, InputError
from trainer.progress import say
from trainer.recipe.train import is_unfinished, train
from trainer.report import plots, report
from trainer.report.evaluation import latencies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainer.recipe.settings import Settings


class Row(msgspec.Struct, frozen=True):
    """One line of the table; accuracies are fractions, ``accuracy`` that of the .tflite file."""

    backbone: str
    size_mb: float
    latency_ms: float
    accuracy_float: float
    accuracy: float
    images_per_second: float


def row(result: report.Report, latency_ms: float) -> Row:
    """The figures of a training that tell it from others."""
    return Row(
        backbone=result.backbone,
        size_mb=round(result.size_bytes / 1e6, 2),
        latency_ms=round(latency_ms, 3),
        accuracy_float=result.accuracy.float_,
        accuracy=result.accuracy.converted,
        images_per_second=round(1000 / latency_ms, 1),
    )


def compare(common: Settings, backbones: Sequence[str], weights: Mapping[str, str]) -> list[Row]:
    """Train backbones, each in a folder of its own, or take what was trained there before.

    Args:
        common: settings for all; ``output`` holds the folders, ``comparison.json`` and ``comparison.svg``.
        backbones: their names.
        weights: for some of them, other weights than the common ones.

    Raises:
        InputError: a setting or the photographs cannot be used.
    """
    results = []
    for name in backbones:
        folder = common.output / name
        settings = msgspec.structs.replace(
            common, backbone=name, output=folder, weights=weights.get(name, common.weights)
        )
        results.append(_finished(settings) or _trained(settings))
        keras.backend.clear_session()
    files = [common.output / name / "model.tflite" for name in backbones]
    times = latencies([Classifier(config.ModelSettings(path=str(file))) for file in files])
    rows = [row(*each) for each in zip(results, times, strict=True)]
    (common.output / "comparison.json").write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    points = [(each.backbone, each.latency_ms, each.accuracy_float, each.accuracy) for each in rows]
    (common.output / "comparison.svg").write_text(plots.accuracy_against_latency(points), "utf-8")
    return rows


def _finished(settings: Settings) -> report.Report | None:
    """What was trained here before, if it was trained on the same."""
    path = settings.output / "report.json"
    if settings.overwrite or not path.exists():
        return None
    try:
        result = report.read(path)
    except (OSError, msgspec.MsgspecError) as error:
        message = f"{path}: not a report of the trainer ({error}); delete it, or give --overwrite"
        raise InputError(message) from None
    if Path(result.data.folder).resolve() != settings.data.resolve() or result.settings != settings.told():
        message = f"{path}: of other photographs or settings; choose another --output, or give --overwrite"
        raise InputError(message)
    say(f"{settings.backbone}: taken from {settings.output}")
    return result


def _trained(settings: Settings) -> report.Report:
    say(f"{settings.backbone}: training")
    try:
        result = train(msgspec.structs.replace(settings, resume=is_unfinished(settings.output)))
    except AccuracyError as error:  # it has its place in the table all the same
        say(f"warning: {error}")
        result = report.read(settings.output / "report.json")
    if result is None:
        message = "--strategy multiworker: compare trains on one machine; train each backbone by itself"
        raise InputError(message)
    return result
