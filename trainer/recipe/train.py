"""Trains a classifier on a folder of photographs."""

from __future__ import annotations

import hashlib
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import msgspec
import numpy as np
import tensorflow as tf

from edgecam import __version__
from trainer.errors import InputError
from trainer.learning import checkpoint
from trainer.learning.distribution import distribution
from trainer.learning.learning_curve import best
from trainer.learning.logs import logs
from trainer.learning.precision import precision
from trainer.learning.training import Stage, Training
from trainer.network.backbones import backbones
from trainer.network.classifier import Normalised, classifier, without_rescaling
from trainer.network.weights import NONE, check_weights, load_weights
from trainer.output import FILES, Output
from trainer.progress import say
from trainer.recipe.beginning import Beginning, begin, unless_asked
from trainer.recipe.finish import finish, judge
from trainer.recipe.learnt import Learnt, calibrated
from trainer.recipe.pictures import read_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.learning.distribution import Distribution
    from trainer.network.backbones import Backbone
    from trainer.recipe.pictures import Pictures
    from trainer.recipe.settings import Settings
    from trainer.report.report import Report

KERAS_MODEL = "model.keras"
# Epochs, as how many pictures are shown in all, and within which bounds: many pictures need fewer rounds.
SHOWN, EPOCHS = 28_000, (10, 40)
SCRATCH_SHOWN, SCRATCH_EPOCHS = 60_000, (20, 80)
# Most is learnt on smaller pictures, in half the time. What is shown moved and enlarged looks larger than it will
# later, so a network does best on pictures that are larger than those it learnt from (Touvron et al. 2019,
# arXiv:1906.06423); the last epochs are at full size.
SMALL_SHARE, LEAST_SMALL, STEP = 5 / 7, 96, 32
LAST_EPOCHS = 0.17  # of all


def train(settings: Settings) -> Report | None:
    """Do all of it.

    Returns:
        The report; None in a worker that only helps another.

    Raises:
        InputError: a setting or the photographs cannot be used.
        AccuracyError: the int8 model lost too much; everything was written nevertheless.
    """
    start = time.monotonic()
    where = distribution(settings.strategy)  # workers must know of each other before anything is computed
    backbone = backbones()[settings.backbone]
    check_weights(backbone, settings.weights)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()  # the same seed gives the same model
    output = Output(settings.output)
    if where.is_chief:
        output.prepare(overwrite=settings.overwrite, files=(*FILES, KERAS_MODEL))
        _mind_unfinished(settings)
    with output.clearing(kept=checkpoint.FILE) if where.is_chief else nullcontext():
        result = _trained(settings, backbone, where, output, start)
    if result:
        output.finish()
        judge(result, settings)
    return result


def is_unfinished(output: Path) -> bool:
    """Whether an output folder holds a training that can be gone on with."""
    return (Output(output).work / checkpoint.FILE).exists()


def _mind_unfinished(settings: Settings) -> None:
    """Tell of a training that the first epoch of this one will write over."""
    if is_unfinished(settings.output) and not settings.resume:
        remedy = "stop now, and add --resume, to go on with it"
        say(f"warning: {settings.output}: an unfinished training is there, and another one begins; {remedy}")


def _trained(
    settings: Settings, backbone: Backbone, where: Distribution, output: Output, start: float
) -> Report | None:
    """Read, learn, and write the results; None in a worker that only helps another."""
    with tempfile.TemporaryDirectory() as other:
        work = output.work if where.is_chief else Path(other)
        pictures = read_pictures(settings, (settings.size, settings.size), work)
        learnt = _learn(settings, backbone, pictures, where, work)
        return finish(settings, learnt, pictures, output, start) if where.is_chief else None


def _learn(settings: Settings, backbone: Backbone, pictures: Pictures, where: Distribution, work: Path) -> Learnt:
    """Build the classifier and teach it."""
    chosen, dataset = settings.hyperparameters, pictures.dataset()
    labels, small = len(pictures.labels.names), small_size(settings.size)
    with where.strategy.scope(), precision(chosen.precision):
        features = backbone.build(None)
        load_weights(features, backbone, settings.weights)
        model = classifier(features, backbone, labels, chosen.dropout)
    beginning = Beginning(unless_asked(settings.mirror))
    if settings.weights != NONE:
        beginning = begin(model, dataset, pictures.labels, small, settings.mirror)
    chosen = msgspec.structs.replace(chosen, mirror=beginning.mirror.used)
    told = logs(settings.logs) if settings.logs and where.is_chief else ()
    training = Training(model, dataset, chosen, where, work if where.is_chief else None, told=told)
    _take_up(settings, training, pictures)
    training.run(stages(settings, backbone.tune_from, dataset.shown))
    if len(training.epochs) > 1 and best(training.epochs) == 0:
        remedy = "try a lower --learning-rate, or more --epochs"
        say(f"warning: no epoch was better than what there was before, which is kept: {remedy}")
    final = classifier(backbone.build(settings.size), backbone, labels, chosen.dropout)
    final.set_weights(model.get_weights())
    whole, temperature = calibrated(Normalised(final, np.zeros(1), np.ones(1)), dataset)
    if where.is_chief:
        whole.network.save(Output(settings.output).results / KERAS_MODEL)
    part = without_rescaling(whole.network)
    return Learnt(part, dataset, chosen, training.epochs, beginning, temperature=temperature)


def _take_up(settings: Settings, training: Training, pictures: Pictures) -> None:
    """Go on where a training stopped, if the user says so."""
    fingerprint = hashlib.sha256(f"{__version__}{settings.told()}{pictures.fingerprint}".encode()).hexdigest()
    training.fingerprint = fingerprint
    if not settings.resume:
        return
    if training.resume(Output(settings.output).work, fingerprint):
        say(f"going on after {len(training.epochs) - 1} epochs")
    elif settings.strategy == "multiworker":
        message = f"--resume: {settings.output}: no unfinished training there; all machines must see the same folder"
        raise InputError(message)
    else:
        say(f"warning: {settings.output}: no unfinished training there; beginning one")


def small_size(size: int) -> int:
    """At how many pixels a side most is learnt, where the model takes ``size``."""
    small = round(SMALL_SHARE * size / STEP) * STEP
    return small if LEAST_SMALL <= small < size else size


def stages(settings: Settings, first: str, shown: int) -> Sequence[Stage]:
    """What is learnt, stage by stage.

    A backbone that knows nothing yet is trained as a whole. Of another the head is fitted already; then its later
    layers learn, first on small pictures, and last on those of full size, along one rise and fall of the learning rate.

    Args:
        settings: epochs, size and weights.
        first: the first layer to learn where the backbone knows something: those before it see what is common to all.
        shown: pictures in an epoch.
    """
    if settings.weights == NONE:
        epochs = int(np.clip(SCRATCH_SHOWN // shown, *SCRATCH_EPOCHS)) if settings.epochs is None else settings.epochs
        return (Stage("training", None, epochs, normalises=True),) if epochs else ()
    small = small_size(settings.size)
    epochs = int(np.clip(SHOWN // shown, *EPOCHS)) if settings.epochs is None else settings.epochs
    last = min(epochs, max(1, round(LAST_EPOCHS * epochs))) if small < settings.size else 0
    turn = (epochs - last) / epochs if epochs else 1.0
    every = (
        Stage("head", "pool", settings.head_epochs, small),
        Stage("fine-tuning", first, epochs - last, small, (0.0, turn)),
        Stage("fine-tuning at full size", first, last, settings.size, (turn, 1.0)),
    )
    return tuple(stage for stage in every if stage.epochs)
