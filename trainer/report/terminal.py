"""What the terminal is told of a model: lines for people, JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from trainer.report import commands
from trainer.report.judgements import are_too_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trainer.report.folder_evaluation import FolderEvaluation
    from trainer.report.report import Figures, Report


def print_json(figures: object) -> None:
    """Print figures for programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(figures)).decode())


def print_table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print columns, those of numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if place and rows and rows[0][place][:1].isdigit() else "left")
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True, highlight=False).print(table)


def print_result(result: Report, output: Path) -> None:
    """Print what came out of a training, and what to do with it."""
    accuracy, model = result.accuracy, output / "model.tflite"
    before = "" if result.format == "float32" else f"float {accuracy.float_:.1%}, "
    test = f"on {result.data.test} test photographs"
    click.echo(f"accuracy: {before}{result.format} {accuracy.converted:.1%} ({_within(result)}) {test}")
    for line in _told(result):
        click.echo(f"          {line}")
    for line in result.judgements:
        click.echo(f"beware:   {line}")
    if result.pixels:
        click.echo(f"pixels:   {result.pixels.name} ({result.pixels.reason})")
    click.echo(f"model:    {model} ({result.size_bytes / 1e6:.2f} MB, {result.latency_ms:.1f} ms)")
    click.echo(f"report:   {output / 'report.html'}")
    click.echo(f"try it:   {commands.run(model)}")


def print_evaluation(result: FolderEvaluation) -> None:
    """Print what a model made of a folder."""
    figures = result.figures
    rows = [
        (
            each.name,
            str(each.photographs),
            f"{each.recall or 0:.1%}",
            "" if each.recall_interval is None else "{:.0%} to {:.0%}".format(*each.recall_interval),
            "" if each.precision is None else f"{each.precision:.1%}",
            each.taken_for or "",
        )
        for each in figures.per_class
        if each.photographs
    ]
    print_table(("class", "photographs", "accuracy", "95 % confidence", "precision", "most often taken for"), rows)
    threads = result.model.plan.threads
    here = f"{'one thread' if threads == 1 else f'{threads} threads'}, this machine"
    click.echo(
        f"accuracy {figures.accuracy.converted:.1%} on {result.photographs} photographs, "
        f"{result.latency_ms:.1f} ms each ({here}); {_within(figures)}"
    )
    for line in (*_told(figures), *figures.judgements, *_tested(result)):
        click.echo(line)


def evaluation_for_programs(model: Path, result: FolderEvaluation) -> dict[str, Any]:
    """The same for programs, under the names that the report has."""
    figures, pixels = result.figures, result.model.pixels
    told: dict[str, Any] = {"name": pixels.name, "source": pixels.source, "reason": pixels.reason}
    if result.ranges:
        told |= {"ranges": result.ranges.accuracies, "best": result.ranges.best}
    return {
        "model": str(model),
        "photographs": result.photographs,
        "tested_on": result.tested.words,
        "trained_on": result.tested.trained,
        "accuracy": figures.accuracy.converted,
        "interval": figures.accuracy.interval,
        "balanced": figures.accuracy.balanced,
        "macro_f1": figures.accuracy.macro_f1,
        "ece": figures.ece,
        "coverage": figures.coverage,
        "false_event_rate": figures.false_event_rate,
        "unrelated": figures.unrelated,
        "latency_ms": round(result.latency_ms, 3),
        "pixels": told,
        "per_class": [each for each in figures.per_class if each.photographs],
        "judgements": figures.judgements,
    }


def _within(figures: Figures) -> str:
    right = sum(each.right for each in figures.per_class)
    tested = sum(each.photographs for each in figures.per_class)
    interval = "{:.0%} to {:.0%} with 95 % confidence".format(*figures.accuracy.interval)
    return f"too few to tell: {interval}" if are_too_few(right, tested) else interval


def _told(figures: Figures) -> Iterator[str]:
    """What else there is to say of the scores, a line each."""
    accuracy = figures.accuracy
    yield (
        f"balanced {accuracy.balanced:.1%}, macro F1 {accuracy.macro_f1:.1%}; scores are off by "
        f"{figures.ece * 100:.1f} points (ECE)"
    )
    if figures.coverage is not None:
        yield f"{figures.coverage:.1%} of right answers reach their threshold and are told"
    if figures.unrelated:
        pictures = sum(each.pictures for each in figures.unrelated)
        names = ", ".join(each.name for each in figures.unrelated)
        yield f"{figures.false_event_rate or 0:.1%} of {pictures} unrelated pictures are told all the same ({names})"
    if accuracy.robust is not None:
        worst = min(figures.robust, key=lambda each: each.accuracy)
        yield f"on bad days {accuracy.robust:.1%} on the mean; worst: {worst.name}, {worst.accuracy:.1%}"


def _tested(result: FolderEvaluation) -> Iterator[str]:
    """What was tested on."""
    tested = result.tested
    if tested.trained is None:
        yield f"tested on {tested.words}; the model does not tell whether it was trained on them"
    elif tested.flatters:
        yield f"it was trained on {tested.trained} of these {tested.all} photographs: the figures flatter it"
    else:
        yield f"tested on {tested.words}; it was trained on {tested.trained} of the {tested.all} in the folder"
