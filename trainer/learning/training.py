"""Teaches a classifier: its head first, then all of it, on as many processors and machines as there are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from trainer.errors import DivergenceError
from trainer.learning import checkpoint
from trainer.learning.batches import batches
from trainer.learning.learning_curve import Epoch, best, has_stalled
from trainer.learning.learning_rate import learning_rate
from trainer.learning.optimisation import Optimisation
from trainer.learning.shrunk import Shrunk
from trainer.network.classifier import make_trainable
from trainer.progress import bar, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.data.pixel_file import Pixels
    from trainer.learning.batches import Batch
    from trainer.learning.dataset import Dataset
    from trainer.learning.distribution import Distribution
    from trainer.learning.hyperparameters import Hyperparameters

PREDICT_BATCH = 32
# What fits into memory at once, as pixels of all its pictures. Of larger ones several steps make one.
STEP_PIXELS = 8 * 160 * 160
PREDICT_PIXELS = 16 * 160 * 160


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training.

    Attributes:
        name: for people.
        first_layer: which layers learn: from this one on, or all of them.
        epochs: how often all is shown.
        size: pixels a side at which it is shown; None: as the pictures are.
        span: which part of the learning rate's rise and fall this is, as fractions of the whole: 0..1.
        normalises: whether BatchNormalization gathers statistics anew, as where all is new.
    """

    name: str
    first_layer: str | None
    epochs: int
    size: int | None = None
    span: tuple[float, float] = (0.0, 1.0)
    normalises: bool = False


def predict(
    model: Callable[..., Any], pixels: Pixels, indices: NDArray[np.int64], title: str = "looking"
) -> NDArray[np.float32]:
    """What a model says of pictures that are larger than memory: float32 [indices, numbers]."""
    said = []
    batch = max(1, min(PREDICT_BATCH, PREDICT_PIXELS // (pixels.shape[1] * pixels.shape[2])))
    starts = range(0, len(indices), batch)
    for start in bar(starts, title, len(starts)):
        chosen = pixels[indices[start : start + batch]]
        missing = batch - len(chosen)  # one shape, so that one graph does
        padded = np.concatenate([chosen, np.zeros((missing, *chosen.shape[1:]), np.uint8)]) if missing else chosen
        said.append(np.asarray(model(padded.astype(np.float32)), np.float32)[: len(chosen)])
    return np.concatenate(said)


def inference(forward: Callable[..., Any]) -> Callable[[NDArray[np.float32]], Any]:
    """A graph of how a model answers, for `predict`."""
    graph: Callable[[Any], Any] = tf.function(lambda pixels: forward(pixels, training=False), autograph=False)
    return graph


class Training:
    """A training under way.

    Attributes:
        epochs: what was learnt in each so far.
        fingerprint: tells in a checkpoint whether it is of the same training.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: Dataset,
        hyperparameters: Hyperparameters,
        distribution: Distribution,
        folder: Path | None = None,
        forward: Callable[..., Any] | None = None,
        told: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Prepare.

        Args:
            model: from pixels to scores, made in the distribution's scope.
            dataset: what to learn.
            hyperparameters: how.
            distribution: where.
            folder: keeps checkpoints, if any.
            forward: how the model answers, from pixels and ``training``; without it, by being called.
            told: are told of each epoch, as by Keras.
        """
        self.epochs: tuple[Epoch, ...] = ()
        self._model = model
        self._dataset = dataset
        self._hyperparameters = hyperparameters
        self._distribution = distribution
        self._folder = folder
        self._forward = forward or model
        self._told = keras.callbacks.CallbackList([*told], model=model)
        self._resumed: tuple[checkpoint.Progress, dict[str, checkpoint.Arrays]] | None = None
        self.fingerprint = ""

    def resume(self, folder: Path, fingerprint: str) -> bool:
        """Take up where a training with this fingerprint stopped; return whether there was one.

        Raises:
            InputError: what is there belongs to another training.
        """
        self.fingerprint = fingerprint
        self._resumed = checkpoint.load(folder, fingerprint)
        if self._resumed:
            self.epochs = self._resumed[0].epochs
        return self._resumed is not None

    def run(self, stages: Sequence[Stage]) -> None:
        """Go through all stages; the model ends with the weights that did best on validation, or those it began with.

        Raises:
            DivergenceError: what is learnt is no number any more.
        """
        names = [stage.name for stage in stages]
        kept = self._model.get_weights()
        if self._resumed:
            kept = self._resumed[1]["best"]
        else:
            self.epochs = (self._before(),)
        begun = names.index(self._resumed[0].stage) if self._resumed else 0
        self._told.on_train_begin()
        for stage in stages[begun:]:
            kept = self._run(stage, kept)
        self._told.on_train_end()
        self._model.set_weights(kept)

    def _before(self) -> Epoch:
        """How good the model is that is given: whatever is learnt must be better."""
        start = time.monotonic()
        size = self._dataset.pixels.shape[1]
        loss, accuracy = self._figures(inference(self._forward), size)
        return Epoch("before", None, None, loss, accuracy, time.monotonic() - start, size)

    def _run(self, stage: Stage, kept: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        """Go through a stage; return the best weights so far."""
        model = self._model
        make_trainable(model, stage.first_layer, normalises=stage.normalises)
        parts = self._parts(stage)
        with self._distribution.strategy.scope():
            steps = stage.epochs * parts * -(-self._dataset.shown // self._batch_size())
            optimisation = Optimisation(model, self._hyperparameters, steps, parts)
        learn = self._learner(optimisation)
        infer = inference(self._forward)
        self._take_up(optimisation)
        size = stage.size or self._dataset.pixels.shape[1]
        while not self._finished(stage):
            number = len(self._of(stage))
            self._told.on_epoch_begin(len(self.epochs) - 1)
            start = time.monotonic()
            loss, correct = self._epoch(stage, number, size, parts, optimisation, learn)
            learnt = model.get_weights()
            optimisation.average()
            averaged = model.get_weights()
            figures = self._figures(infer, size)
            epoch = Epoch(stage.name, loss, correct, *figures, time.monotonic() - start, size)
            self.epochs += (epoch,)
            if best(self.epochs) == len(self.epochs) - 1:
                kept = averaged
            model.set_weights(learnt)
            self._tell(epoch, f"{stage.name} {number + 1}/{stage.epochs}")
            self._save(stage, optimisation, kept)
        return kept

    def _epoch(
        self,
        stage: Stage,
        number: int,
        size: int,
        parts: int,
        optimisation: Optimisation,
        learn: Callable[..., list[Any]],
    ) -> tuple[float, float]:
        """Show everything once; return the mean loss, and the share that was told rightly."""
        seed = (self._hyperparameters.seed, *stage.name.encode(), number)
        whole = self._batch_size()
        order = self._dataset.epoch(np.random.default_rng(seed))
        steps = -(-len(order) // whole) * parts
        # The last batch is filled up from the beginning.
        order = np.resize(order, (steps, whole // parts))
        title = f"{stage.name} {number + 1}/{stage.epochs}"
        shown = bar(self._spread(order, size, seed), title, steps)
        loss, correct = 0.0, 0.0
        for done, (pixels, targets, weights) in enumerate(shown, 1):
            share = (number * steps + done - 1) // parts / (stage.epochs * steps // parts)
            low, high = stage.span
            optimisation.set_rate(learning_rate(low + (high - low) * share))
            step_loss, step_correct = (float(each) for each in learn(pixels, targets, weights))
            if not np.isfinite(step_loss):
                message = f"{title}: the loss is no number any more: choose a lower --learning-rate or --head-rate"
                raise DivergenceError(message)
            loss, correct = loss + step_loss, correct + step_correct
            shown.set_postfix(loss=f"{loss / done:.3f}", refresh=False)
        return loss / steps, correct / order.size

    def _tell(self, epoch: Epoch, title: str) -> None:
        logs = {"loss": epoch.loss, "accuracy": epoch.accuracy}
        logs |= {"val_loss": epoch.validation_loss, "val_accuracy": epoch.validation_accuracy}
        self._told.on_epoch_end(len(self.epochs) - 2, logs)
        say(
            f"{title}: loss {epoch.loss:.3f}, accuracy on validation photographs "
            f"{epoch.validation_accuracy:.1%} ({epoch.seconds:.0f} s)"
        )

    def _take_up(self, optimisation: Optimisation) -> None:
        """Set model and optimizers as they were."""
        if self._resumed is None:
            return
        _, groups = self._resumed
        self._resumed = None
        for variable, value in zip(self._model.variables, groups["model"], strict=True):
            variable.assign(value)
        for variable, value in zip(optimisation.variables, groups["optimizer"], strict=True):
            variable.assign(value)

    def _save(self, stage: Stage, optimisation: Optimisation, kept: Sequence[NDArray[Any]]) -> None:
        if self._folder is not None:
            progress = checkpoint.Progress(self.fingerprint, stage.name, self.epochs)
            variables = {"model": self._model.variables, "optimizer": optimisation.variables}
            arrays = {name: [each.numpy() for each in group] for name, group in variables.items()}
            checkpoint.save(self._folder, progress, **arrays, best=kept)

    def _of(self, stage: Stage) -> list[Epoch]:
        return [epoch for epoch in self.epochs if epoch.stage == stage.name]

    def _finished(self, stage: Stage) -> bool:
        epochs, patience = self._of(stage), self._hyperparameters.patience
        return len(epochs) >= stage.epochs or (patience > 0 and has_stalled(epochs, patience))

    def _batch_size(self) -> int:
        """Of all replicas together: each gets as many photographs as the others."""
        replicas = self._distribution.replicas
        return -(-min(self._hyperparameters.batch, self._dataset.shown) // replicas) * replicas

    def _parts(self, stage: Stage) -> int:
        """Into how many steps a batch is divided, so that it fits into memory.

        Where BatchNormalization gathers statistics, a batch must be whole.
        """
        size, whole = stage.size or self._dataset.pixels.shape[1], self._batch_size()
        if stage.normalises or self._distribution.replicas > 1:
            return 1
        fitting = max(1, STEP_PIXELS // size**2)
        return next(parts for parts in range(1, whole + 1) if whole % parts == 0 and whole // parts <= fitting)

    def _figures(self, infer: Callable[..., Any], size: int) -> tuple[float, float]:
        """Loss on all that validates, and accuracy on the photographs of it, at a size in pixels a side."""
        dataset = self._dataset
        indices = np.concatenate([dataset.validation, dataset.background_validation])
        scores = predict(infer, Shrunk(dataset.pixels, size), indices, "validating")
        labels = dataset.labels[indices]
        likelihood = np.clip(scores[np.arange(len(labels)), labels], 1e-7, 1)
        hits = (scores.argmax(1) == labels)[: len(dataset.validation)]
        return float(-np.log(likelihood).mean()), float(hits.mean())

    def _spread(self, order: NDArray[np.int64], size: int, seed: Sequence[int]) -> Iterator[Batch]:
        """Batches, spread over the replicas, of which each gets as many photographs as the others.

        Not by tf.data: its ``from_generator`` has glibc give back each freed block at once, and a third of the time
        goes into asking for it again.
        """
        strategy = self._distribution.strategy
        mine = self._distribution.own
        parts = order.reshape(len(order), self._distribution.replicas, -1)[:, mine]
        rows = parts.reshape(-1, parts.shape[-1])
        made = batches(self._dataset, rows, size, self._hyperparameters, (*seed, mine[0]))
        for own in zip(*[made] * len(mine), strict=True):
            step = dict(zip(mine, own, strict=True))
            yield strategy.experimental_distribute_values_from_function(
                lambda context, step=step: step[context.replica_id_in_sync_group]
            )

    def _learner(self, optimisation: Optimisation) -> Callable[..., list[Any]]:
        """One step on one batch, as tf.distribute wants it: Keras 3's fit() knows no MultiWorkerMirroredStrategy.

        See https://github.com/keras-team/keras/issues/20585.
        """
        forward, strategy = self._forward, self._distribution.strategy
        smoothing, variables = self._hyperparameters.label_smoothing, self._model.trainable_variables

        def step(pixels: Any, targets: Any, weights: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                scores = tf.cast(forward(tf.cast(pixels, tf.float32), training=True), tf.float32)
                losses = keras.losses.categorical_crossentropy(targets, scores, label_smoothing=smoothing)
                loss = tf.reduce_mean(losses * weights) / strategy.num_replicas_in_sync
            optimisation.apply(tape.gradient(loss, variables))
            right = tf.argmax(scores, -1) == tf.argmax(targets, -1)
            return loss, tf.reduce_sum(tf.cast(right, tf.float32))

        def learn(pixels: Any, targets: Any, weights: Any) -> list[Any]:
            results = strategy.run(step, (pixels, targets, weights))
            return [strategy.reduce("SUM", each, None) for each in results]

        graph: Callable[..., list[Any]] = tf.function(learn, autograph=False)
        return graph
