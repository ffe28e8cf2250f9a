"""Which runtime is faster, for ``model.runtime = "auto"``: ``python benchmarks/runtimes.py [MODEL...]``."""

from __future__ import annotations

import statistics
from pathlib import Path

import click

from edgecam.model import runtimes
from edgecam.model.classifier import shipped_model
from edgecam.model.timing import milliseconds

ROUNDS = 5


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--frames", default=40, show_default=True, help="A round, of five; runtimes take turns.")
def main(models: tuple[Path, ...], frames: int) -> None:
    """Time bare inference on one thread with every runtime that is installed."""
    names = runtimes.installed()
    for path in models or (shipped_model(),):
        loaded = {name: runtimes.interpreter(name, path.read_bytes(), 1) for name in names}
        rounds = [
            {name: statistics.median(milliseconds(each, 3600, frames)) for name, each in loaded.items()}
            for _ in range(ROUNDS)
        ]
        medians = {name: statistics.median(each[name] for each in rounds) for name in names}
        click.echo(f"{path.name}: " + ", ".join(f"{name} {value:.2f} ms" for name, value in medians.items()))


if __name__ == "__main__":
    main()
