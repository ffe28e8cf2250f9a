"""From a classifier that has learnt to finished results: calibrated, converted, tested once, and told."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from trainer.calibration.robustness import CONDITIONS
from trainer.calibration.thresholds import thresholds
from trainer.data.parts import SPLIT_FILE
from trainer.data.sample import evenly
from trainer.errors import AccuracyError
from trainer.quantisation.conversion import convert
from trainer.quantisation.metadata import with_file, with_metadata, with_own
from trainer.quantisation.remedies import remedies
from trainer.quantisation.search import AGREEING, Converted, Measured, keeps, quantise
from trainer.recipe.measuring import Measuring
from trainer.report import page, report
from trainer.report.figures import figures
from trainer.report.mistakes import WORST, suspects, worst_mistakes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgecam.model.plan import Graph
    from trainer.network.classifier import Normalised
    from trainer.output import Output
    from trainer.recipe.learnt import Learnt
    from trainer.recipe.pictures import Pictures
    from trainer.recipe.settings import Settings
    from trainer.report.evaluation import Evaluation
    from trainer.report.report import Figures

LICENCE = "The licence of the photographs that it was trained on, and that of its backbone's weights (Apache 2.0)."


def finish(settings: Settings, learnt: Learnt, pictures: Pictures, output: Output, start: float) -> report.Report:
    """Convert a trained classifier, test it, and write model, labels, split and report among the results.

    Everything is chosen on validation photographs; those to test with are shown once, to what was chosen.
    """
    measuring = Measuring(pictures, output.work, settings.seed)
    plain = convert(learnt.model.network, "float32")
    converted = _converted(settings, learnt, pictures, measuring, plain)
    limits = _thresholds(settings, pictures, measuring, converted.tflite)
    graphs = _graphs(settings, pictures, measuring, converted.tflite)
    own = {"thresholds": limits, "neutral": pictures.labels.neutral, "graphs": graphs}
    content = with_file(with_own(converted.tflite, own), SPLIT_FILE, pictures.kept.encode())
    results = output.results
    (results / "model.tflite").write_bytes(content)
    (results / "labels.txt").write_text("".join(f"{name}\n" for name in pictures.labels.names), "utf-8")
    (results / SPLIT_FILE).write_bytes(pictures.kept.encode())
    tested: dict[str, Evaluation] = {graph: measuring.on(content, pictures.parts.test, graph) for graph in graphs}
    float_ = carrying(plain, learnt.model, pictures, settings)
    measured = _tested(settings, learnt, pictures, measuring, tested, content, float_, limits)
    result = _report(settings, learnt, pictures, tested["original"], measured, content, converted, start)
    suspected = (each.index for each in learnt.beginning.suspects[:WORST])
    photos = [pictures.photo(index) for index in (*pictures.parts.test, *suspected)]
    page.write(result, results, photos, settings.output / "model.tflite")
    return result


def judge(result: report.Report, settings: Settings) -> None:
    """Raise AccuracyError if the model lost more by its conversion than is allowed."""
    if result.attempts and not any(each.kept for each in result.attempts):
        message = (
            f"{settings.output / 'model.tflite'}: int8 loses more than the {settings.max_loss:g} points of accuracy of "
            f"--max-loss on validation photographs, and nothing that was tried helps; this is the best of "
            f"{len(result.attempts)}. Try more photographs, another backbone or --format float16"
        )
        raise AccuracyError(message)


def carrying(tflite: bytes, model: Normalised, pictures: Pictures, settings: Settings) -> bytes:
    """The file with labels and normalisation inside, and how a picture fits."""
    labels = pictures.labels.names
    content = with_metadata(
        tflite,
        name=model.network.name,
        description=f"Tells which of {len(labels)} classes an image shows.",
        licence=LICENCE,
        labels=labels,
        mean=model.mean.tolist(),
        std=model.std.tolist(),
    )
    return with_own(content, {"fit": settings.fit})


def _converted(settings: Settings, learnt: Learnt, pictures: Pictures, measuring: Measuring, plain: bytes) -> Converted:
    """The file in the chosen format, with labels inside, chosen on validation photographs."""
    others = evenly(pictures.shown, pictures.parts.train, AGREEING, settings.seed)

    def measure(tflite: bytes) -> Measured:
        content = carrying(tflite, learnt.model, pictures, settings)
        return Measured(measuring.on(content, pictures.parts.validation), measuring.on(content, others).scores)

    match settings.format:
        case "float32":
            made = Converted(plain)
        case "float16":
            made = Converted(convert(learnt.model.network, "float16"))
        case "int8":
            ways = remedies(learnt.model, learnt.dataset, learnt.hyperparameters)
            made = quantise(ways, measure, measure(plain), settings.max_loss)
    return replace(made, tflite=carrying(made.tflite, learnt.model, pictures, settings))


def _thresholds(settings: Settings, pictures: Pictures, measuring: Measuring, tflite: bytes) -> dict[str, float]:
    """From which score on a label begins an event, by the scores of the file itself."""
    names = pictures.labels.names
    neutral = [names.index(each) for each in pictures.labels.neutral]
    known = measuring.on(tflite, pictures.parts.validation)
    generic = measuring.on(tflite, pictures.generic.validation)
    limits = thresholds(known.scores, known.labels, generic.scores, rate=settings.false_events, neutral=neutral)
    told = enumerate(zip(names, limits, strict=True))
    return {name: round(limit, 3) for place, (name, limit) in told if place not in neutral}


def _graphs(settings: Settings, pictures: Pictures, measuring: Measuring, tflite: bytes) -> tuple[Graph, ...]:
    """Those that the daemon may run: the file as it is, and what does not lose more by being rewritten."""
    original, *others = measuring.graphs(tflite)
    before = measuring.on(tflite, pictures.parts.validation, original)
    kept = [
        graph
        for graph in others
        if keeps(before, measuring.on(tflite, pictures.parts.validation, graph), settings.max_loss)
    ]
    return (original, *kept)


def _tested(
    settings: Settings,
    learnt: Learnt,
    pictures: Pictures,
    measuring: Measuring,
    tested: Mapping[str, Evaluation],
    content: bytes,
    float_: bytes,
    limits: Mapping[str, float],
) -> Figures:
    """The figures of the test."""
    test = pictures.parts.test
    return figures(
        pictures.labels.names,
        tested["original"],
        float_=measuring.on(float_, test) if settings.format != "float32" else None,
        is_int8=settings.format == "int8",
        temperature=learnt.temperature,
        thresholds=limits,
        neutral=pictures.labels.neutral,
        unrelated={"generic pictures that come with the trainer": measuring.on(content, pictures.generic.test).scores},
        robust={name: measuring.under(name, content, test) for name in CONDITIONS},
        graphs=tested,
    )


def _report(
    settings: Settings,
    learnt: Learnt,
    pictures: Pictures,
    tested: Evaluation,
    measured: Figures,
    content: bytes,
    converted: Converted,
    start: float,
) -> report.Report:
    names = pictures.labels.names
    chosen: dict[str, Any] = settings.told()
    if learnt.pixels:
        chosen["pixels"] = learnt.pixels.name
    return report.Report(
        **{name: getattr(measured, name) for name in measured.__struct_fields__},
        backbone=settings.backbone,
        classes=pictures.listing.classes,
        format=settings.format,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        input_size=settings.size,
        latency_ms=round(tested.latency_ms, 3),
        machine=report.machine(),
        seconds=round(time.monotonic() - start, 1),
        data=pictures.summary,
        split=pictures.told,
        layout=pictures.listing.layout,
        mirror=learnt.beginning.mirror,
        settings=msgspec.to_builtins(chosen),
        pixels=learnt.pixels,
        epochs=learnt.epochs,
        attempts=converted.attempts,
        mistakes=worst_mistakes(tested, [pictures.photo(index) for index in pictures.parts.test], names),
        suspects=suspects(learnt.beginning.suspects, pictures.listing.photos, names),
    )
