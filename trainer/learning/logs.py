"""The curves of a training, while it goes on, for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

CSV_FILE = "training.csv"


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
    return (
        keras.callbacks.CSVLogger(str(folder / CSV_FILE), append=True),
        keras.callbacks.TensorBoard(str(folder), write_graph=False, profile_batch=0),
    )
