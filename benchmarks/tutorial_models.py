"""Makes the models of the tutorial's table, for other benchmarks: ``python benchmarks/tutorial_models.py OUTPUT``.

In the trainer's environment. Each of the three backbones becomes a float32 file and an int8 one by the tutorial's
recipe (full int8, uint8 in and out), with 10 classes. How fast a model is does not depend on what it knows, so weights
are random, and what the layers make of them is brought to the usual range. ``--weights`` adds a whole classifier from a
Keras file, calibrated with ``--photographs``, so that its accuracy can be measured (`benchmarks/choice.py`).
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import keras
import numpy as np

from trainer.network.backbones import TUTORIAL, backbones
from trainer.network.classifier import classifier
from trainer.quantisation.conversion import convert
from trainer.quantisation.metadata import with_metadata

SIZE = 224
CLASSES = 10
CALIBRATION = 100
BATCH = 10


def pictures(folder: Path | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Photographs, else noise: float32 [100, 224, 224, 3] of 0..255, RGB."""
    if folder is None:
        return np.random.default_rng(0).uniform(0, 255, (CALIBRATION, SIZE, SIZE, 3)).astype(np.float32)
    files = sorted(folder.glob("*.jpg"))[::3][:CALIBRATION]
    images = [cv2.resize(cv2.imread(str(file)), (SIZE, SIZE), interpolation=cv2.INTER_AREA) for file in files]
    return np.array(images, np.float32)[..., ::-1]


def settle(model: keras.Model, images: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """Gather statistics for all BatchNormalization, lest random weights make values that no real network has."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5
    for start in range(0, CALIBRATION, BATCH):
        model(images[start : start + BATCH], training=True)


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--weights", type=click.Path(path_type=Path, exists=True), help="A Keras file that knows ImageNet.")
@click.option("--photographs", type=click.Path(path_type=Path, exists=True), help="Folder of them, to calibrate with.")
def main(output: Path, weights: Path | None, photographs: Path | None) -> None:
    """Write float32 and int8 files of each backbone to OUTPUT."""
    output.mkdir(parents=True, exist_ok=True)
    known = backbones()
    made = {name: classifier(known[name].build(SIZE), known[name], CLASSES, 0.0) for name in TUTORIAL}
    if weights:
        made["mobilenet_v3_small_imagenet"] = keras.models.load_model(weights)
    images = pictures(photographs)
    for name, model in made.items():
        if name in TUTORIAL:
            settle(model, images)
        for kind in ("float32", "int8"):
            path = output / f"{name}_{kind}.tflite"
            content = convert(model, kind, images if kind == "int8" else None)
            labels = [str(number) for number in range(model.output_shape[-1])]
            path.write_bytes(
                with_metadata(
                    content, name=name, description="for benchmarks", licence="Apache 2.0", labels=labels, mean=0, std=1
                )
            )
            click.echo(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
