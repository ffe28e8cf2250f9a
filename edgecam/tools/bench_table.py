"""What ``edgecam bench`` prints for people."""

from __future__ import annotations

from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam.model.plan import Plan
    from edgecam.mqtt.payloads import QuantilesPayload
    from edgecam.tools.bench import Report, Result

TWO, ONE = 9.995, 99.95  # below which a figure has two decimals, and one
WIDTH = 80  # columns, where the output is no terminal
TITLES = (
    "threads",
    "graph",
    "pieces",
    "invoke ms\np50 / p99",
    "frames\na second",
    "of\nbare",
    "latency ms\np50 / p99",
    "CPU ms\na frame",
    "MB",
)


def print_report(report: Report) -> None:
    """Print a table for each model, and below them what they mean, in 80 columns."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(f"{report.machine}, {report.cores} cores", style="bold")
    console.print(", ".join(f"{name} {version}" for name, version in report.versions.items()), style="dim")
    for (model, runtime), results in groupby(report.results, lambda result: (result.model, _runs_on(result.plan))):
        name = "the shipped model" if model == "shipped" else model
        table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
        for title in TITLES:
            table.add_column(title, justify="left" if title == "graph" else "right", no_wrap=True)
        for result in results:
            table.add_row(*_cells(result), style="bold green" if result is report.recommended else None)
        console.print(f"\n{name} on {runtime}", style="bold", soft_wrap=True)
        console.print(table)
    console.print(
        f"\ntemperature {_degrees(report.temperature_c[0])} before, {_degrees(report.temperature_c[1])} after"
    )
    for note in report.notes:
        console.print(f"note: {note}", style="yellow")
    if report.recommended:
        for line in _recommendation(report.recommended):
            console.print(line, style="green", markup=False, soft_wrap=True)


def _runs_on(plan: Plan) -> str:
    return f"{plan.runtime}, with {PurePath(plan.delegate).name}" if plan.delegate else plan.runtime


def _cells(result: Result) -> list[str]:
    return [
        str(result.plan.threads),
        result.plan.graph,
        str(result.pieces),
        _quantiles(result.bare_ms),
        f"{result.fps:.0f}",
        f"{result.ratio:.0%}",
        _quantiles(result.latency_ms),
        _figure(result.cpu_ms),
        f"{result.memory_mb:.0f}",
    ]


def _quantiles(told: QuantilesPayload) -> str:
    return f"{_figure(told.p50 or 0)} / {_figure(told.p99 or 0)}"


def _figure(ms: float) -> str:
    """Three digits, or all that stand before the point: more are noise."""
    return f"{ms:.{2 if ms < TWO else 1 if ms < ONE else 0}f}"


def _recommendation(result: Result) -> Iterator[str]:
    """What to copy into the settings, and why."""
    yield f"recommended: {result.fps:.0f} frames a second; a camera of 30 takes {3 * result.cpu_ms:.0f} % of one core:"
    yield "    [model]"
    yield f'    path = "{"" if result.model == "shipped" else result.model}"'
    yield f"    threads = {result.plan.threads}"
    if result.plan.delegate:
        yield f'    delegate = "{result.plan.delegate}"'


def _degrees(celsius: float | None) -> str:
    return "unknown" if celsius is None else f"{celsius:.0f} °C"
