"""From a folder of photographs to a finished folder: the trainer's main job."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import keras
import msgspec
import numpy as np
import tensorflow as tf

from edgecam import config
from edgecam.camera.fit import Fit
from edgecam.errors import in_words
from edgecam.model.classifier import Classifier
from trainer.data.listing import list_photographs
from trainer.data.pixels import read_pixels
from trainer.data.split import split
from trainer.errors import AccuracyError, InputError
from trainer.learning import checkpoint
from trainer.learning.distribution import Distribution, Kind, distribution
from trainer.learning.training import Dataset, Hyperparameters, Stage, Training, class_weights
from trainer.network import backbones
from trainer.network.classifier import classifier, without_rescaling
from trainer.network.weights import NONE, load_weights
from trainer.progress import say
from trainer.quantisation.conversion import Format, convert
from trainer.quantisation.metadata import with_metadata, with_own
from trainer.quantisation.remedies import remedies
from trainer.quantisation.search import Converted, quantise
from trainer.report import report
from trainer.report.evaluation import evaluate
from trainer.report.pixel_choice import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from trainer.data.listing import Finding, Listing
    from trainer.data.split import Split
    from trainer.learning.learning_curve import Epoch
    from trainer.network.classifier import Normalised
    from trainer.report.evaluation import Evaluation

# Epochs, as how many photographs are shown in all, and within which bounds: many photographs need fewer rounds.
HEAD_SHOWN, HEAD_EPOCHS = 6_000, (4, 30)
TUNING_SHOWN, TUNING_EPOCHS = 15_000, (8, 40)
SCRATCH_SHOWN, SCRATCH_EPOCHS = 60_000, (20, 80)
HEAD_RATE = 1e-3
DROPOUT = 0.3
WORK = "work"
LICENCE = "The licence of the photographs that it was trained on, and that of its backbone's weights (Apache 2.0)."


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the user chose; ``epochs`` and ``head_epochs`` of 0 are chosen by the number of photographs."""

    data: Path
    output: Path
    backbone: str = "efficientnet_lite0"
    weights: str = "imagenet"
    format: Format = "int8"
    size: int = 224
    fit: Fit = "stretch"
    head_epochs: int = 0
    epochs: int = 0
    learning_rate: float = 5e-4
    batch: int = 32
    patience: int = 6
    max_loss: float = 1.0
    seed: int = 0
    strategy: Kind = "none"
    pixels: Literal["auto"] | Range = "auto"
    resume: bool = False
    overwrite: bool = False

    def told(self) -> dict[str, Any]:
        """The settings that decide what comes out of a training."""
        where = {"data", "output", "resume", "overwrite", "pixels"}
        return {name: value for name, value in msgspec.structs.asdict(self).items() if name not in where}


@dataclass(frozen=True, slots=True)
class Photographs:
    """A data set that has been read: its files, which of them serve what for, and their pixels and labels."""

    listing: Listing
    parts: Split
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    findings: tuple[Finding, ...]
    fingerprint: str

    @property
    def dataset(self) -> Dataset:
        """What is learnt from them."""
        weights = class_weights(self.labels[self.parts.train], len(self.listing.classes))
        return Dataset(self.pixels, self.labels, self.parts.train, self.parts.validation, weights)

    @property
    def summary(self) -> report.Data:
        """What the report says of them."""
        train, validation, test = (len(part) for part in (self.parts.train, self.parts.validation, self.parts.test))
        findings = tuple(str(each) for each in self.findings)
        return report.Data(str(self.listing.root), train, validation, test, findings)


def read_photographs(settings: Settings, size: tuple[int, int], folder: Path) -> Photographs:
    """List, read and split a data set, and tell what is wrong or odd about it.

    Raises:
        InputError: it cannot be used.
    """
    listing = list_photographs(settings.data)
    pictures = read_pixels(listing, size, folder / "pixels.npy", settings.fit)
    parts, more = split(listing, pictures, settings.seed)
    findings = [*listing.findings, *pictures.findings, *more]
    for finding in findings:
        say(f"warning: {finding}")
    labels = np.array([photo.label for photo in listing.photos], np.int64)
    content = hashlib.sha256(repr(listing.classes).encode() + labels.tobytes() + b"".join(pictures.digests.values()))
    return Photographs(listing, parts, pictures.pixels, labels, tuple(findings), content.hexdigest())


def train(settings: Settings) -> report.Report | None:
    """Do all of it.

    Returns:
        The report; None in a worker that only helps another.

    Raises:
        InputError: a setting or the photographs cannot be used.
        AccuracyError: the int8 model lost too much; everything was written nevertheless.
    """
    start = time.monotonic()
    where = distribution(settings.strategy)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()  # the same seed gives the same model
    prepare(settings, where)
    with tempfile.TemporaryDirectory() as other:
        work = settings.output / WORK if where.is_chief else Path(other)
        photographs = read_photographs(settings, (settings.size, settings.size), work)
        model, epochs = _learn(settings, photographs, where, work)
        if not where.is_chief:
            return None
        model.save(settings.output / "model.keras")
        result = finish(settings, without_rescaling(model), photographs, start, epochs=epochs)
    shutil.rmtree(settings.output / WORK)
    judge(result, settings)
    return result


def judge(result: report.Report, settings: Settings) -> None:
    """Raise AccuracyError if the model lost more by its conversion than is allowed."""
    if result.attempts and not result.attempts[-1].kept:
        loss = (result.accuracy.float_ - result.accuracy.converted) * 100
        message = (
            f"{settings.output / 'model.tflite'}: int8 loses {loss:.1f} points of accuracy, more than the "
            f"{settings.max_loss:g} of --max-loss, and nothing that was tried helps; this is the best of "
            f"{len(result.attempts)}. Try more photographs, another backbone or --format float16"
        )
        raise AccuracyError(message)


def prepare(settings: Settings, where: Distribution) -> None:
    """Make the output folder, and take care not to write over a model."""
    if not where.is_chief:
        return
    output = settings.output
    if (output / "model.tflite").exists() and not settings.overwrite:
        message = f"{output}: holds a model already; choose another --output, or give --overwrite"
        raise InputError(message)
    try:
        (output / WORK).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--output {output}: {in_words(error)}"
        raise InputError(message) from None
    if is_unfinished(output) and not settings.resume:
        say(f"warning: {output}: an unfinished training is there and is begun anew; --resume would go on with it")
        (output / WORK / checkpoint.FILE).unlink()


def is_unfinished(output: Path) -> bool:
    """Whether an output folder holds a training that can be gone on with."""
    return (output / WORK / checkpoint.FILE).exists()


def _learn(
    settings: Settings, photographs: Photographs, where: Distribution, work: Path
) -> tuple[keras.Model, tuple[Epoch, ...]]:
    """Build the classifier and teach it."""
    backbone = backbones.backbones()[settings.backbone]
    classes = photographs.listing.classes
    with where.strategy.scope():
        features = backbone.build(settings.size)
        load_weights(features, backbone, settings.weights)
        model = classifier(features, backbone, len(classes), DROPOUT)
    hyperparameters = Hyperparameters(settings.batch, patience=settings.patience, seed=settings.seed)
    training = Training(model, photographs.dataset, hyperparameters, where, work if where.is_chief else None)
    fingerprint = hashlib.sha256(f"{settings.told()}{photographs.fingerprint}".encode()).hexdigest()
    if settings.resume:
        if training.resume(settings.output / WORK, fingerprint):
            say(f"going on after {len(training.epochs)} epochs")
        elif settings.strategy == "multiworker":
            message = (
                f"--resume: {settings.output}: no unfinished training there; all machines must see the same folder"
            )
            raise InputError(message)
        else:
            say(f"warning: {settings.output}: no unfinished training there; beginning one")
    else:
        training.fingerprint = fingerprint
    training.run(_stages(settings, backbone, len(photographs.parts.train)))
    return model, training.epochs


def _stages(settings: Settings, backbone: backbones.Backbone, photographs: int) -> Sequence[Stage]:
    """The head first, as its random weights would spoil the backbone's; then the last layers, slower.

    A backbone that knows nothing yet is trained as a whole.
    """
    if settings.weights == NONE:
        epochs = settings.epochs or int(np.clip(SCRATCH_SHOWN // photographs, *SCRATCH_EPOCHS))
        return (Stage("training", None, epochs, settings.learning_rate),)
    head = settings.head_epochs or int(np.clip(HEAD_SHOWN // photographs, *HEAD_EPOCHS))
    tuning = settings.epochs or int(np.clip(TUNING_SHOWN // photographs, *TUNING_EPOCHS))
    return (
        Stage("head", "pool", head, HEAD_RATE),
        Stage("fine-tuning", backbone.tune_from, tuning, settings.learning_rate),
    )


def finish(
    settings: Settings,
    model: Normalised,
    photographs: Photographs,
    start: float,
    *,
    epochs: tuple[Epoch, ...] = (),
    pixels: report.Pixels | None = None,
) -> report.Report:
    """Convert a trained classifier, test it, and write model, labels and report."""
    classes, tested, output = photographs.listing.classes, photographs.parts.test, settings.output

    def measure(tflite: bytes) -> Evaluation:
        file = output / WORK / "model.tflite"
        file.write_bytes(carrying(tflite, model, classes, settings.fit))
        written = Classifier(config.ModelSettings(path=str(file)))
        return evaluate(written, photographs.pixels, photographs.labels, tested)

    before, converted = _converted(settings, model, photographs, measure)
    after = converted.evaluation
    content = carrying(converted.tflite, model, classes, settings.fit)
    (output / "model.tflite").write_bytes(content)
    (output / "labels.txt").write_text("".join(f"{name}\n" for name in classes), "utf-8")
    photos = [photographs.listing.photos[at] for at in tested]
    result = report.Report(
        backbone=settings.backbone,
        classes=classes,
        accuracy=report.Accuracy(
            before.accuracy, after.accuracy if settings.format == "int8" else None, after.accuracy
        ),
        format=settings.format,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        input_size=settings.size,
        latency_ms=round(after.latency_ms, 3),
        machine=report.machine(),
        seconds=round(time.monotonic() - start, 1),
        data=photographs.summary,
        settings=settings.told() | ({"pixels": pixels.name} if pixels else {}),
        pixels=pixels,
        epochs=epochs,
        attempts=converted.attempts,
        per_class=report.class_results(after, classes),
        confusion=tuple(tuple(row) for row in after.confusion().tolist()),
        mistakes=report.worst_mistakes(after, photos, classes),
    )
    report.write(result, output, photos)
    return result


def _converted(
    settings: Settings, model: Normalised, photographs: Photographs, measure: Callable[[bytes], Evaluation]
) -> tuple[Evaluation, Converted]:
    """How good the float model is, and the .tflite file in the chosen format, without what it carries."""
    plain = convert(model.network, "float32")
    before = measure(plain)
    say(f"float: accuracy {before.accuracy:.1%} on {len(before.labels)} test photographs")
    match settings.format:
        case "float32":
            return before, Converted(plain, before)
        case "float16":
            half = convert(model.network, "float16")
            return before, Converted(half, measure(half))
        case "int8":
            hyperparameters = Hyperparameters(settings.batch, seed=settings.seed)
            ways = remedies(model, photographs.dataset, hyperparameters)
            return before, quantise(ways, measure, before, settings.max_loss)


def carrying(tflite: bytes, model: Normalised, classes: Sequence[str], fit: Fit) -> bytes:
    """The file with labels and normalisation inside, and how a picture fits."""
    content = with_metadata(
        tflite,
        name=model.network.name,
        description=f"Tells which of {len(classes)} classes an image shows.",
        licence=LICENCE,
        labels=classes,
        mean=model.mean.tolist(),
        std=model.std.tolist(),
    )
    return with_own(content, {"fit": fit})
