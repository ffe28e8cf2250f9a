"""The curves of a training, while it goes on, for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CSV_FILE = "training.csv"
PARTS = {"train": "", "validation": "val_"}  # as Keras names them


class Curves(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """What TensorBoard shows, in the places and under the names that Keras' own callback gives it.

    That one wants a model with an optimizer of Keras', which ours lacks: it learns at several rates.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._writers = {prefix: tf.summary.create_file_writer(str(folder / part)) for part, prefix in PARTS.items()}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Write loss and accuracy."""
        for prefix, writer in self._writers.items():
            with writer.as_default(step=epoch):
                for name in ("loss", "accuracy"):
                    tf.summary.scalar(f"epoch_{name}", (logs or {})[f"{prefix}{name}"])
            writer.flush()


def logs(folder: Path) -> tuple[keras.callbacks.Callback, ...]:
    """Write ``training.csv`` and what TensorBoard shows, epoch by epoch; a training that is gone on with goes on there.

    Raises:
        InputError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--logs {folder}: {in_words(error)}"
        raise InputError(message) from None
    return (keras.callbacks.CSVLogger(str(folder / CSV_FILE), append=True), Curves(folder))
