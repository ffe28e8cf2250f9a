"""An epoch's batches, made by threads while the network learns from those before."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from trainer.learning.augmentation import augment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from trainer.learning.dataset import Dataset
    from trainer.learning.hyperparameters import Hyperparameters

AHEAD = 4  # batches


class Batch(NamedTuple):
    """Pictures, uint8 [batch, size, size, 3]; targets, float32 [batch, classes]; weights, float32 [batch]."""

    pixels: NDArray[np.uint8]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


def batch(
    dataset: Dataset, indices: NDArray[np.int64], size: int, chosen: Hyperparameters, seed: Sequence[int]
) -> Batch:
    """Make a batch of other views of pictures; the same seed gives the same one.

    Half of the batches are mixed, each picture with another one (mixup; Zhang et al. 2018, arXiv:1710.09412).

    Args:
        dataset: whose.
        indices: which.
        size: pixels a side.
        chosen: how they are changed and mixed.
        seed: of the epoch and, last, of this batch: how a picture is changed does not depend on its batch.
    """
    *epoch, _ = seed
    views = [
        augment(dataset.pixels[index], np.random.default_rng((*epoch, int(index))), size, chosen) for index in indices
    ]
    pixels = np.stack(views)
    labels = dataset.labels[indices]
    targets = np.eye(len(dataset.class_weights), dtype=np.float32)[labels]
    weights = dataset.class_weights[labels]
    rng = np.random.default_rng(seed)
    if chosen.mixup and rng.random() < 0.5:  # noqa: PLR2004
        share = rng.beta(chosen.mixup, chosen.mixup)
        share, others = max(share, 1 - share), rng.permutation(len(indices))
        pixels = (pixels * np.float32(share) + pixels[others] * np.float32(1 - share)).astype(np.uint8)
        targets = (targets * share + targets[others] * (1 - share)).astype(np.float32)
        weights = (weights * share + weights[others] * (1 - share)).astype(np.float32)
    return Batch(pixels, targets, weights)


def batches(
    dataset: Dataset, order: NDArray[np.int64], size: int, chosen: Hyperparameters, seed: Sequence[int]
) -> Iterator[Batch]:
    """Make batches in their order, a few ahead of who takes them.

    Args:
        dataset: whose pictures.
        order: int64 [steps, batch]: indices of them.
        size: pixels a side.
        chosen: how they are changed.
        seed: of the epoch.
    """
    cv2.setNumThreads(1)  # whole batches are what runs side by side
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(os.cpu_count(), "batches") as pool:
        for step, indices in enumerate(order):
            waiting.append(pool.submit(batch, dataset, indices, size, chosen, (*seed, step)))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
