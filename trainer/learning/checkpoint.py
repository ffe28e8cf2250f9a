"""Keeps what a training has learnt so far, so that one that was killed can go on."""

from __future__ import annotations

import io
import os
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from trainer.errors import InputError
from trainer.learning.learning_curve import Epoch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "checkpoint.npz"
Arrays = list["NDArray[Any]"]


class Progress(msgspec.Struct, frozen=True):
    """How far a training is; ``fingerprint`` tells whether it is the same one."""

    fingerprint: str
    stage: str
    epochs: tuple[Epoch, ...]


def save(folder: Path, progress: Progress, **groups: Sequence[NDArray[Any]]) -> None:
    """Write progress and groups of arrays; a reader finds the old file or the new one, never half of one."""
    arrays = {f"{name}{place:04}": array for name, group in groups.items() for place, array in enumerate(group)}
    unfinished = folder / f"{FILE}.part"
    content = io.BytesIO()  # on a disk that is full, numpy leaves an archive open that cannot be closed any more
    np.savez(content, progress=np.frombuffer(msgspec.json.encode(progress), np.uint8), **arrays)
    with unfinished.open("wb") as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FILE)


def load(folder: Path, fingerprint: str) -> tuple[Progress, dict[str, Arrays]] | None:
    """Read what `save` wrote, or return None where there is nothing yet.

    Raises:
        InputError: it is of another training, or broken.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            progress = msgspec.json.decode(arrays["progress"].tobytes(), type=Progress)
            groups: dict[str, Arrays] = {}
            for key in arrays.files:
                if key != "progress":
                    groups.setdefault(key[:-4], []).append(arrays[key])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        message = f"{path}: broken ({error}); delete it and train without --resume"
        raise InputError(message) from None
    if progress.fingerprint != fingerprint:
        remedy = "train without --resume, compare with --overwrite"
        message = f"{path}: of a training with other settings or photographs; {remedy}"
        raise InputError(message)
    return progress, groups
