"""Accuracy on ImageNet photographs, with the daemon's own code: ``python benchmarks/accuracy.py FOLDER [MODEL...]``.

The folder holds photographs named ``<class index>_<anything>.jpg``.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
import cv2
import numpy as np

from edgecam import config
from edgecam.camera.fit import Fit
from edgecam.camera.view import View
from edgecam.model.classifier import Classifier

CENTRE = 0.875  # of the shorter side, as ImageNet accuracies are usually given
MIDDLE = "middle"
FITS: tuple[Fit, ...] = get_args(Fit)


def centre(height: int, width: int) -> tuple[float, float, float, float]:
    """The middle square as a crop."""
    side = CENTRE * min(height, width)
    part_width, part_height = side / width, side / height
    return (1 - part_width) / 2, (1 - part_height) / 2, part_width, part_height


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("models", nargs=-1)
@click.option(
    "--fit",
    "fits",
    type=click.Choice([*FITS, MIDDLE]),
    multiple=True,
    help=f"How photographs fit; may be repeated. All, if not given; {MIDDLE}: {CENTRE:.1%} of the shorter side.",
)
def main(folder: Path, models: tuple[str, ...], fits: tuple[str, ...]) -> None:
    """Print top-1 and top-5 accuracy of photographs, as the daemon sees frames with each ``camera.fit``."""
    photographs = sorted(folder.glob("[0-9]*_*.jpg"))
    for path in models or ("",):
        model = Classifier(config.ModelSettings(path=path, threads=2))
        for name in fits or (*FITS, MIDDLE):
            ranks = []
            for photograph in photographs:
                image = cv2.imread(str(photograph))
                fit = next((each for each in FITS if each == name), None)
                crop = (0.0, 0.0, 1.0, 1.0) if fit else centre(*image.shape[:2])
                view = View(config.CameraSettings(crop=crop), model.size, fit=fit or "stretch")
                scores = model.scores(view.of(image))
                ranks.append(int((scores > scores[int(photograph.name.split("_")[0])]).sum()))
            top1, top5 = np.mean(np.array(ranks) < 1), np.mean(np.array(ranks) < 5)  # noqa: PLR2004
            click.echo(f"{model.file.name:24} {name:9} {len(ranks)} photographs: top-1 {top1:.1%}, top-5 {top5:.1%}")


if __name__ == "__main__":
    main()
