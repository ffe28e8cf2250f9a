"""What ``edgecam bench`` prints for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from edgecam.tools.bench import Report, Result

WIDTH = 120  # columns, where the output is no terminal


def print_report(report: Report) -> None:
    """Print a table, and below it what it means."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(f"{report.machine}, {report.cores} cores", style="bold")
    console.print(", ".join(f"{name} {version}" for name, version in report.versions.items()), style="dim")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("model", min_width=12, overflow="ellipsis", no_wrap=True)
    table.add_column("graph", no_wrap=True)
    for title in ("pieces", "threads", "invoke ms\np50 / p99", "frames\na second", "of bare\ninvoke"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("latency ms\np50 / p99", "CPU ms\na frame", "MB"):
        table.add_column(title, justify="right", no_wrap=True)
    for result in report.results:
        table.add_row(*_cells(result), style="bold green" if result is report.recommended else None)
    console.print(table)
    console.print(f"temperature {_degrees(report.temperature_c[0])} before, {_degrees(report.temperature_c[1])} after")
    for note in report.notes:
        console.print(f"note: {note}", style="yellow")
    if report.recommended:
        console.print(_recommendation(report.recommended), style="green")


def _cells(result: Result) -> list[str]:
    return [
        Path(result.model).stem,
        result.plan.graph if result.plan.runtime == "litert" else f"{result.plan.graph}, {result.plan.runtime}",
        str(result.pieces),
        str(result.plan.threads),
        f"{result.bare_ms.p50:.2f} / {result.bare_ms.p99:.2f}",
        f"{result.fps:.0f}",
        f"{result.ratio:.0%}",
        f"{result.latency_ms.p50:.1f} / {result.latency_ms.p99:.1f}",
        f"{result.cpu_ms:.2f}",
        f"{result.memory_mb:.0f}",
    ]


def _recommendation(result: Result) -> str:
    path = "" if result.model == "shipped" else result.model
    threads = result.plan.threads
    return (
        f'recommended: model.path = "{path}" and model.threads = {threads}: {result.fps:.0f} frames a second; '
        f"a camera of 30 takes {3 * result.cpu_ms:.0f} % of one core"
    )


def _degrees(celsius: float | None) -> str:
    return "unknown" if celsius is None else f"{celsius:.0f} °C"
