"""How much faster edgecam's choice is than the file as it is: ``python benchmarks/choice.py MODEL...``.

Each model is chosen a way to run for, on one thread, as the daemon does; then that and the usual way take turns, in a
measurement of its own. With ``--photographs`` (named ``<class index>_<anything>.jpg``) the accuracy of both is told.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import click
import cv2
import numpy as np

from edgecam import config
from edgecam.camera.view import View
from edgecam.model import runtimes, timing
from edgecam.model.classifier import Classifier
from edgecam.model.loading import PlannedModel, plan_model

ROUNDS = 15
SLICE_S = 0.3
WHOLE, MIDDLE = (0.0, 0.0, 1.0, 1.0), (0.06, 0.06, 0.88, 0.88)
BACKGROUND = 1001  # so many classes: the first of them is no class of ImageNet


def speeds(planned: PlannedModel) -> tuple[float, float, float]:
    """Milliseconds of the file as it is and of the choice, and how many times faster the choice is; medians."""
    usual = runtimes.interpreter("litert", planned.content, 1)
    chosen = runtimes.interpreter(planned.plan.runtime, planned.graph, planned.plan.threads)
    pairs = [
        [statistics.median(timing.milliseconds(each, SLICE_S, 1000)) for each in (usual, chosen)] for _ in range(ROUNDS)
    ]
    before, after = (statistics.median(each) for each in zip(*pairs, strict=True))
    return before, after, statistics.median(first / second for first, second in pairs)


def top1(model: Classifier, photographs: list[Path]) -> list[float]:
    """Shares that it names rightly of whole photographs, and of these, their middles and both mirrored together."""
    shift = len(model.classes) == BACKGROUND
    views = [View(config.CameraSettings(crop=crop), model.size) for crop in (WHOLE, MIDDLE)]
    right: list[list[bool]] = []
    for photograph in photographs:
        image, index = cv2.imread(str(photograph)), int(photograph.name.split("_")[0]) + shift
        seen = [view.of(turned) for view in views for turned in (image, cv2.flip(image, 1))]
        right.append([int(model.scores(each).argmax()) == index for each in seen])
    return [float(np.mean([each[0] for each in right])), float(np.mean(right))]


def labelled(path: Path, folder: Path) -> Path:
    """A model with labels beside it: their names matter to nobody here."""
    content = path.read_bytes()
    count = int(runtimes.interpreter("litert", content, 1).get_output_details()[0]["shape"][-1])
    copy = folder / path.name
    copy.write_bytes(content)
    copy.with_suffix(".txt").write_text("".join(f"{number}\n" for number in range(count)))
    return copy


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--photographs", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(models: tuple[Path, ...], photographs: Path | None) -> None:
    """Print a line a model."""
    pictures = sorted(photographs.glob("[0-9]*_*.jpg")) if photographs else []
    with tempfile.TemporaryDirectory() as folder:
        for path in models:
            planned = plan_model(
                config.ModelSettings(path=str(labelled(path, Path(folder))), threads=1), 30, measure=True
            )
            before, after, ratio = speeds(planned)
            pieces = [
                runtimes.pieces(runtimes.interpreter("litert", each, 1)) for each in (planned.content, planned.graph)
            ]
            click.echo(
                f"{path.stem}: {before:.2f} ms in {pieces[0]} pieces -> {after:.2f} ms in {pieces[1]} "
                f"({planned.plan}): {ratio:.2f} times faster"
            )
            if pictures:
                usual = Classifier(planned.settings, planned.content)
                known, knows = top1(usual, pictures), top1(planned.load(), pictures)
                click.echo(
                    f"  top-1 of {len(pictures)} photographs: {known[0]:.1%} -> {knows[0]:.1%}; "
                    f"in 4 views each: {known[1]:.1%} -> {knows[1]:.1%}"
                )


if __name__ == "__main__":
    main()
