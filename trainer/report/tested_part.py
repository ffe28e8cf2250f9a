"""Which photographs of a folder are new to a model, so that a test with them does not flatter it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.data.parts import SPLIT_FILE, Parts, digest_if_readable
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trainer.data.listing import Photo


@dataclass(frozen=True, slots=True)
class Tested:
    """What is tested with.

    Attributes:
        photos: these.
        trained: how many photographs of the folder the model was trained with, or chosen by; None: nothing tells.
        all: how many there are.
        words: what these are, for people.
    """

    photos: tuple[Photo, ...]
    trained: int | None
    all: int
    words: str

    @property
    def flatters(self) -> bool:
        """Whether the model may know some of them already."""
        return bool(self.trained) and len(self.photos) == self.all


def parts_of(model: Path) -> Parts | None:
    """What each photograph served for, as the model carries it, or as the file beside it tells; None: nothing tells.

    Raises:
        InputError: what tells it is broken.
    """
    beside = model.with_name(SPLIT_FILE)
    return Parts.read(model) or (Parts.read(beside) if beside.is_file() else None)


def choose(root: Path, photos: Sequence[Photo], parts: Parts | None, *, every: bool = False) -> Tested:
    """Choose photographs to test with.

    Those that the model was tested with when it was trained; where there are none of these, those that it has never
    seen; where nothing is known of that, those in the user's folder ``test``, if there is one.

    Args:
        root: the folder, for messages.
        photos: all in it.
        parts: what they served for; None: nothing tells.
        every: take all the same.

    Raises:
        InputError: it was trained with all of them.
    """
    everything = tuple(photos)
    if parts is None:
        put_aside = tuple(photo for photo in photos if photo.part == "test")
        words = f"test photographs of {root}" if put_aside and not every else f"photographs of {root}"
        return Tested(everything if every else put_aside or everything, None, len(photos), words)
    served = [parts.part_of(digest_if_readable(photo.path)) for photo in photos]
    trained = sum(part in ("train", "validation") for part in served)
    if every:
        return Tested(everything, trained, len(photos), f"photographs of {root}")
    kept = tuple(photo for photo, part in zip(photos, served, strict=True) if part == "test")
    if kept:
        return Tested(kept, trained, len(photos), "test photographs of its training")
    new = [photo for photo, part in zip(photos, served, strict=True) if part is None]
    if not new:
        message = (
            f"{root}: the model was trained with all {len(photos)} of these photographs, and a test with them would "
            "flatter it; give others, or --all"
        )
        raise InputError(message)
    put_aside = tuple(photo for photo in new if photo.part == "test")
    return Tested(put_aside or tuple(new), trained, len(photos), f"photographs of {root} that are new to it")
