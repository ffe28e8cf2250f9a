"""Teaches a classifier: its head first, then its last layers, on as many processors and machines as there are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from trainer.learning import checkpoint
from trainer.learning.augmentation import augment
from trainer.learning.learning_curve import Epoch, best, has_stalled
from trainer.learning.learning_rate import learning_rate
from trainer.network.classifier import make_trainable
from trainer.progress import bar, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.learning.distribution import Distribution

WEIGHT_DECAY = 1e-4
PREDICT_BATCH = 64


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photographs and what they show.

    Attributes:
        pixels: uint8 [photographs, size, size, 3], RGB.
        labels: int64 [photographs]: class indices.
        train: indices of those to learn from.
        validation: indices of those that tell how well.
        class_weights: float32 [classes]: how much a photograph of each counts.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    class_weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training: which layers learn (from the first on, or all of them), for how long and how fast."""

    name: str
    first_layer: str | None
    epochs: int
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How to train, whatever the stage."""

    batch: int = 32
    label_smoothing: float = 0.1
    patience: int = 6
    seed: int = 0


def class_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Weigh rare classes more, so that all count alike: float32 [classes], 1 on average over the photographs."""
    counts = np.bincount(labels, minlength=classes)
    return (labels.size / (classes * np.maximum(counts, 1))).astype(np.float32)


def predict(model: Callable[[Any], Any], pixels: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores of photographs: float32 [indices, classes]."""
    scores = []
    for start in range(0, len(indices), PREDICT_BATCH):
        chosen = pixels[indices[start : start + PREDICT_BATCH]]
        missing = PREDICT_BATCH - len(chosen)  # one shape, so that one graph does
        padded = np.concatenate([chosen, np.zeros((missing, *chosen.shape[1:]), np.uint8)]) if missing else chosen
        scores.append(np.asarray(model(padded.astype(np.float32)))[: len(chosen)])
    return np.concatenate(scores)


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
    ) -> None:
        """Prepare.

        Args:
            model: from pixels to scores, made in the distribution's scope.
            dataset: what to learn.
            hyperparameters: how.
            distribution: where.
            folder: keeps checkpoints, if any.
            forward: how the model answers, from pixels and ``training``; without it, by being called.
        """
        self.epochs: tuple[Epoch, ...] = ()
        self._model = model
        self._dataset = dataset
        self._hyperparameters = hyperparameters
        self._distribution = distribution
        self._folder = folder
        self._forward = forward or model
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
        """Go through all stages; the model ends with the best weights of the last one."""
        done = self._resumed[0].stage if self._resumed else stages[0].name
        names = [stage.name for stage in stages]
        for stage in stages[names.index(done) :]:
            self._run(stage)

    def _run(self, stage: Stage) -> None:
        model = self._model
        make_trainable(model, stage.first_layer)
        batch = self._batch_size()
        steps = -(-len(self._dataset.train) // batch)
        with self._distribution.strategy.scope():
            optimizer = keras.optimizers.AdamW(weight_decay=WEIGHT_DECAY)
            optimizer.build(model.trainable_variables)
        learn = self._learner(optimizer, batch)
        kept = self._take_up(optimizer)
        infer = tf.function(lambda pixels: self._forward(pixels, training=False), autograph=False)
        while not self._finished(stage):
            number = len(self._of(stage))
            start = time.monotonic()
            batches = bar(self._batches(stage.name, number, batch), f"{stage.name} {number + 1}/{stage.epochs}", steps)
            loss, correct = 0.0, 0.0
            for done, (pixels, targets, weights) in enumerate(batches, 1):
                rate = learning_rate(number * steps + done - 1, stage.epochs * steps, stage.learning_rate)
                optimizer.learning_rate = rate
                step_loss, step_correct = learn(pixels, targets, weights)
                loss, correct = loss + float(step_loss), correct + float(step_correct)
                batches.set_postfix(loss=f"{loss / done:.3f}", accuracy=f"{correct / done / batch:.3f}", refresh=False)
            scores = predict(infer, self._dataset.pixels, self._dataset.validation)
            figures = self._figures(scores)
            epoch = Epoch(stage.name, loss / steps, correct / steps / batch, *figures, time.monotonic() - start)
            self.epochs += (epoch,)
            say(
                f"{stage.name} {number + 1}/{stage.epochs}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.3f}, "
                f"on photographs held back {epoch.validation_accuracy:.3f} ({epoch.seconds:.0f} s)"
            )
            if best(self._of(stage)) == number:
                kept = model.get_weights()
            self._save(stage, optimizer, kept)
        model.set_weights(kept)

    def _take_up(self, optimizer: keras.Optimizer) -> list[NDArray[Any]]:
        """Set model and optimizer as they were; return the best weights so far."""
        if self._resumed is None:
            return list(self._model.get_weights())
        _, groups = self._resumed
        self._resumed = None
        for variable, value in zip(self._model.variables, groups["model"], strict=True):
            variable.assign(value)
        for variable, value in zip(optimizer.variables, groups["optimizer"], strict=True):
            variable.assign(value)
        return groups["best"]

    def _save(self, stage: Stage, optimizer: keras.Optimizer, kept: Sequence[NDArray[Any]]) -> None:
        if self._folder is not None:
            progress = checkpoint.Progress(self.fingerprint, stage.name, self.epochs)
            variables = {"model": self._model.variables, "optimizer": optimizer.variables}
            arrays = {name: [each.numpy() for each in group] for name, group in variables.items()}
            checkpoint.save(self._folder, progress, **arrays, best=kept)

    def _of(self, stage: Stage) -> list[Epoch]:
        return [epoch for epoch in self.epochs if epoch.stage == stage.name]

    def _finished(self, stage: Stage) -> bool:
        epochs = self._of(stage)
        return len(epochs) >= stage.epochs or has_stalled(epochs, self._hyperparameters.patience)

    def _batch_size(self) -> int:
        """Of all replicas together: each gets as many photographs as the others."""
        replicas = self._distribution.replicas
        return -(-min(self._hyperparameters.batch, len(self._dataset.train)) // replicas) * replicas

    def _figures(self, scores: NDArray[np.float32]) -> tuple[float, float]:
        """Loss and accuracy on the photographs held back."""
        labels = self._dataset.labels[self._dataset.validation]
        likelihood = np.clip(scores[np.arange(len(labels)), labels], 1e-7, 1)
        return float(-np.log(likelihood).mean()), float((scores.argmax(1) == labels).mean())

    def _batches(self, stage: str, epoch: int, batch: int) -> Any:
        """One epoch's batches of pixels, targets and weights, spread over the replicas."""
        dataset, classes = self._dataset, len(self._dataset.class_weights)
        seed = (self._hyperparameters.seed, *stage.encode(), epoch)
        order = np.random.default_rng(seed).permutation(dataset.train)
        steps = -(-len(order) // batch)
        order = np.resize(order, steps * batch)  # the last batch is filled up from the beginning
        image = tf.TensorSpec(dataset.pixels.shape[1:], tf.float32)
        signature = (image, tf.TensorSpec((classes,), tf.float32), tf.TensorSpec((), tf.float32))

        def spread(context: Any) -> Any:
            mine = order.reshape(steps, context.num_input_pipelines, -1)[:, context.input_pipeline_id].reshape(-1)

            def examples() -> Iterator[tuple[Any, Any, Any]]:
                for index in mine:
                    view = augment(dataset.pixels[index], np.random.default_rng((*seed, int(index))))
                    label = dataset.labels[index]
                    yield (
                        view.astype(np.float32),
                        np.eye(classes, dtype=np.float32)[label],
                        dataset.class_weights[label],
                    )

            part = context.get_per_replica_batch_size(batch)
            examples_of = tf.data.Dataset.from_generator(examples, output_signature=signature)
            return examples_of.batch(part, drop_remainder=True).prefetch(2)

        return self._distribution.strategy.distribute_datasets_from_function(spread)

    def _learner(self, optimizer: keras.Optimizer, batch: int) -> Callable[..., list[Any]]:
        """One step on one batch, as tf.distribute wants it: Keras 3's fit() knows no MultiWorkerMirroredStrategy.

        See https://github.com/keras-team/keras/issues/20585.
        """
        forward, strategy, smoothing = self._forward, self._distribution.strategy, self._hyperparameters.label_smoothing
        variables = self._model.trainable_variables

        def step(pixels: Any, targets: Any, weights: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                scores = forward(pixels, training=True)
                losses = keras.losses.categorical_crossentropy(targets, scores, label_smoothing=smoothing)
                loss = tf.reduce_sum(losses * weights) / batch
            optimizer.apply(tape.gradient(loss, variables), variables)
            right = tf.argmax(scores, -1) == tf.argmax(targets, -1)
            return loss, tf.reduce_sum(tf.cast(right, tf.float32))

        def learn(pixels: Any, targets: Any, weights: Any) -> list[Any]:
            results = strategy.run(step, (pixels, targets, weights))
            return [strategy.reduce("SUM", each, None) for each in results]

        graph: Callable[..., list[Any]] = tf.function(learn, autograph=False)
        return graph
