"""Backbones side by side, trained on the same photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import msgspec

from edgecam import __version__, config
from edgecam.model.classifier import Classifier
from trainer.data.content import content_digest
from trainer.data.listing import list_photographs
from trainer.errors import AccuracyError, InputError
from trainer.network.backbones import backbones as networks
from trainer.network.weights import check_weights
from trainer.progress import say
from trainer.recipe.train import is_unfinished, train
from trainer.report import plots, report
from trainer.report.evaluation import latencies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
    every = [
        msgspec.structs.replace(
            common, backbone=name, output=common.output / name, weights=weights.get(name, common.weights)
        )
        for name in backbones
    ]
    finished = _finished(every)
    known = networks()
    for settings in every:  # a mistake is told before hours of work
        if settings.output not in finished:
            check_weights(known[settings.backbone], settings.weights)
    results = []
    for settings in every:
        results.append(finished.get(settings.output) or _trained(settings))
        keras.backend.clear_session()
    files = [common.output / name / "model.tflite" for name in backbones]
    times = latencies([Classifier(config.ModelSettings(path=str(file))) for file in files])
    rows = [row(*each) for each in zip(results, times, strict=True)]
    (common.output / "comparison.json").write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    points = [(each.backbone, each.latency_ms, each.accuracy_float, each.accuracy) for each in rows]
    (common.output / "comparison.svg").write_text(plots.accuracy_against_latency(points), "utf-8")
    return rows


def _finished(every: Sequence[Settings]) -> dict[Path, report.Report]:
    """What was trained before, by its folder.

    Raises:
        InputError: something was, but not on the same photographs, or not in the same way.
    """
    found = {}
    content = ""
    for settings in every:
        path = settings.output / "report.json"
        if settings.overwrite or not path.exists():
            continue
        try:
            result = report.read(path)
        except (OSError, msgspec.MsgspecError) as error:
            message = f"{path}: not a report of the trainer ({error}); delete it, or give --overwrite"
            raise InputError(message) from None
        content = content or content_digest(list_photographs(settings.data, settings.layout))
        if other := _other(result, settings, content):
            message = f"{path}: of {other}; choose another --output, or give --overwrite"
            raise InputError(message)
        say(f"{settings.backbone}: taken from {settings.output}")
        found[settings.output] = result
    return found


def _other(result: report.Report, settings: Settings, content: str) -> str:
    """What a report is of that it should not be of; empty: nothing."""
    if result.data.digest != content:
        return "other photographs"
    if result.settings != settings.told():
        return "other settings"
    return "" if result.version == __version__ else f"version {result.version} of the trainer"


def _trained(settings: Settings) -> report.Report:
    say(f"{settings.backbone}: training")
    goes_on = is_unfinished(settings.output) and not settings.overwrite
    try:
        result = train(msgspec.structs.replace(settings, resume=goes_on))
    except AccuracyError as error:  # it has its place in the table all the same
        say(f"warning: {error}")
        result = report.read(settings.output / "report.json")
    if result is None:
        message = "--strategy multiworker: compare trains on one machine; train each backbone by itself"
        raise InputError(message)
    return result
