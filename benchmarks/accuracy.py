"""Accuracy on ImageNet photographs, with the daemon's own code: ``python benchmarks/accuracy.py FOLDER [MODEL...]``.

The folder holds photographs named ``<class index>_<anything>.jpg``.
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np

from edgecam import config
from edgecam.camera.view import View
from edgecam.model.classifier import Classifier

CENTRE = 0.875  # of the shorter side, as ImageNet accuracies are usually given


def centre(height: int, width: int) -> tuple[float, float, float, float]:
    """The middle square as a crop."""
    side = CENTRE * min(height, width)
    part_width, part_height = side / width, side / height
    return (1 - part_width) / 2, (1 - part_height) / 2, part_width, part_height


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("models", nargs=-1)
def main(folder: Path, models: tuple[str, ...]) -> None:
    """Print top-1 and top-5 accuracy of whole photographs, as the daemon sees frames, and of their middle squares."""
    photographs = sorted(folder.glob("[0-9]*_*.jpg"))
    for path in models or ("",):
        model = Classifier(config.ModelSettings(path=path, threads=2))
        for name in ("whole", "middle"):
            ranks = []
            for photograph in photographs:
                image = cv2.imread(str(photograph))
                crop = centre(*image.shape[:2]) if name == "middle" else (0.0, 0.0, 1.0, 1.0)
                scores = model.scores(View(config.CameraSettings(crop=crop), model.size).of(image))
                ranks.append(int((scores > scores[int(photograph.name.split("_")[0])]).sum()))
            top1, top5 = np.mean(np.array(ranks) < 1), np.mean(np.array(ranks) < 5)  # noqa: PLR2004
            click.echo(f"{model.file.name:24} {name:7} {len(ranks)} photographs: top-1 {top1:.1%}, top-5 {top5:.1%}")


if __name__ == "__main__":
    main()
