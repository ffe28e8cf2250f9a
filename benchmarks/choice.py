"""How much faster edgecam's choice is than the file as it is: ``python benchmarks/choice.py MODEL...``.

Each model is chosen a way to run for, on one thread, as the daemon does; then that and the usual way take turns, in a
measurement of its own. With ``--photographs`` (of ImageNet's classes, named ``<class index>_<anything>.jpg``, or a
subfolder for each class that a model has) the accuracy of the file as it is and of its rewritten graph is told,
whichever is the choice; it ends with 1 where the rewritten one loses more than the bar.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2
import numpy as np

from edgecam import config
from edgecam.camera.view import View
from edgecam.model import runtimes, timing
from edgecam.model.classifier import Classifier
from edgecam.model.graphs import graphs
from edgecam.model.loading import PlannedModel, plan_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 15
SLICE_S = 0.3
WHOLE, MIDDLE = (0.0, 0.0, 1.0, 1.0), (0.06, 0.06, 0.88, 0.88)
IMAGENET = 1000  # classes
BACKGROUND = 1001  # so many classes: the first of them is no class of ImageNet
BAR = 0.3  # points of accuracy


def speeds(planned: PlannedModel) -> tuple[float, float, float]:
    """Milliseconds of the file as it is and of the choice, and how many times faster the choice is; medians."""
    usual = runtimes.interpreter("litert", planned.content, 1)
    chosen = runtimes.interpreter(planned.plan.runtime, planned.graph, planned.plan.threads)
    pairs = [
        [statistics.median(timing.milliseconds(each, SLICE_S, 1000)) for each in (usual, chosen)] for _ in range(ROUNDS)
    ]
    before, after = (statistics.median(each) for each in zip(*pairs, strict=True))
    return before, after, statistics.median(first / second for first, second in pairs)


@dataclass(frozen=True, slots=True)
class Answers:
    """Of a model to photographs: bool [photographs, views] whether right, float32 [photographs, views, classes]."""

    right: NDArray[np.bool_]
    scores: NDArray[np.float32]

    def accuracy(self) -> tuple[float, float]:
        """Percent that it names rightly of whole photographs, and of all views of them."""
        return 100 * float(self.right[:, 0].mean()), 100 * float(self.right.mean())


def known_photographs(folder: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """Photographs of a folder and the index of their class; none where the model has other classes."""
    flat = sorted(folder.glob("[0-9]*_*.jpg"))
    if flat:
        shift = len(classes) - IMAGENET
        is_imagenet = len(classes) in (IMAGENET, BACKGROUND)
        return [(file, int(file.name.split("_")[0]) + shift) for file in flat] if is_imagenet else []
    names = sorted(each.name for each in folder.iterdir() if each.is_dir())
    if not set(names) <= set(classes):
        return []
    return [(file, classes.index(name)) for name in names for file in sorted((folder / name).iterdir())]


def answers(model: Classifier, photographs: list[tuple[Path, int]]) -> Answers:
    """What a model says of whole photographs, of their middles, and of both mirrored."""
    views = [View(config.CameraSettings(crop=crop), model.size) for crop in (WHOLE, MIDDLE)]
    scores = []
    for file, _ in photographs:
        image = cv2.imread(str(file))
        scores.append([model.scores(view.of(turned)) for view in views for turned in (image, cv2.flip(image, 1))])
    found = np.array(scores)
    return Answers(found.argmax(axis=2) == np.array([[index] for _, index in photographs]), found)


def is_kept(planned: PlannedModel, rewritten: bytes, photographs: list[tuple[Path, int]]) -> bool:
    """Print what the rewritten graph makes of a model's accuracy, and return whether that is within the bar."""
    before = answers(Classifier(planned.settings, planned.content), photographs)
    after = answers(Classifier(planned.settings, planned.content, graph=rewritten), photographs)
    (whole, views), (other_whole, other_views) = before.accuracy(), after.accuracy()
    lost = max(whole - other_whole, views - other_views)
    same_label = (before.scores.argmax(axis=2) == after.scores.argmax(axis=2)).mean()
    same = (before.scores == after.scores).all(axis=2).mean()
    click.echo(
        f"  rewritten, top-1 of {len(photographs)} photographs: {whole:.1f} -> {other_whole:.1f} %; in 4 views each: "
        f"{views:.1f} -> {other_views:.1f} %; the same best label: {same_label:.1%}, the same scores: {same:.1%}; "
        f"lost: {max(lost, 0):.2f} points (bar: {BAR}): {'kept' if lost <= BAR else 'MISSED'}"
    )
    return lost <= BAR


def labelled(path: Path, folder: Path) -> Path:
    """A copy of a model, with numbers as labels beside it: they count only where it has none within."""
    content = path.read_bytes()
    count = int(runtimes.interpreter("litert", content, 1).get_output_details()[0]["shape"][-1])
    copy = folder / path.name
    copy.write_bytes(content)
    copy.with_suffix(".txt").write_text("".join(f"{number}\n" for number in range(count)))
    return copy


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--photographs", multiple=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(models: tuple[Path, ...], photographs: tuple[Path, ...]) -> None:
    """Print a line a model, and one for each folder of photographs of its classes."""
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        for path in models:
            settings = config.ModelSettings(path=str(labelled(path, Path(folder))), threads=1)
            planned = plan_model(settings, 30, measure=True)
            before, after, ratio = speeds(planned)
            pieces = [
                runtimes.pieces(runtimes.interpreter("litert", each, 1)) for each in (planned.content, planned.graph)
            ]
            click.echo(
                f"{path.stem}: {before:.2f} ms in {pieces[0]} pieces -> {after:.2f} ms in {pieces[1]} "
                f"({planned.plan}): {ratio:.2f} times faster"
            )
            if rewritten := graphs(planned.content).files.get("rewritten"):
                classes = Classifier(planned.settings, planned.content).classes
                seen = [known for each in photographs if (known := known_photographs(each, classes))]
                kept += [is_kept(planned, rewritten, each) for each in seen]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
