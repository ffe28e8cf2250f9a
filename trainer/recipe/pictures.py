"""What a training sees: the user's photographs, and generic pictures of what the classes are not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainer.data.content import content_digest
from trainer.data.findings import summed
from trainer.data.listing import list_photographs
from trainer.data.parts import SPLIT_FILE, Parts
from trainer.data.pixels import read_pixels
from trainer.data.split import Split, split
from trainer.errors import InputError
from trainer.learning.dataset import Dataset, class_weights
from trainer.negatives import negatives
from trainer.progress import say
from trainer.recipe.labels import Labels, labels_of
from trainer.report import report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.data.listing import Finding, Listing, Photo
    from trainer.data.pixel_file import Pixels
    from trainer.recipe.settings import Settings

GENERIC_SHARE = 0.2  # of the sources of generic pictures, for each of validation and test
NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Pictures:
    """A data set that has been read.

    Attributes:
        listing: its files.
        labels: what the model is to tell.
        pixels: uint8 [pictures, size, size, 3], RGB: the photographs in the listing's order, then generic pictures.
        shown: int64 [pictures]: the place of the label that each shows.
        parts: which photographs serve what for.
        generic: which generic pictures do.
        digests: of the photographs' files, by index.
        content: tells what lies in the listing's files from anything else.
        findings: what was odd.
        made_by: what decided on the parts.
    """

    listing: Listing
    labels: Labels
    pixels: Pixels
    shown: NDArray[np.int64]
    parts: Split
    generic: Split
    digests: Mapping[int, bytes]
    content: str
    findings: tuple[Finding, ...]
    made_by: Literal["folders", "seed", "kept"]

    @property
    def fingerprint(self) -> str:
        """Tells these pictures, and what they serve for, from others."""
        content = hashlib.sha256(repr(self.labels.names).encode() + self.shown.tobytes())
        for part in (self.parts.train, self.parts.validation, self.parts.test):
            content.update(part.tobytes())
        content.update(b"".join(self.digests.values()))
        return content.hexdigest()

    @property
    def kept(self) -> Parts:
        """What each photograph served for, to be kept with the model."""
        return Parts.of(self.parts, self.digests)

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many photographs train, validate and test."""
        return len(self.parts.train), len(self.parts.validation), len(self.parts.test)

    @property
    def summary(self) -> report.Data:
        """What the report says of the photographs."""
        findings = tuple(str(each) for each in self.findings)
        train, validation, test = self.counts
        told = summed(self.findings)
        return report.Data(str(self.listing.root), train, validation, test, findings, told, self.content)

    @property
    def told(self) -> report.Split:
        """What the report says of what was tested on."""
        return report.Split("test", self.made_by, *self.counts)

    def photo(self, index: int) -> Photo:
        """The file of a photograph."""
        return self.listing.photos[index]

    def dataset(self) -> Dataset:
        """What is learnt of them."""
        background = self.labels.background
        generic = self.generic.train if background is not None else NOBODY
        counts = np.bincount(self.shown[self.parts.train], minlength=len(self.labels.names))
        dataset = Dataset(
            self.pixels,
            self.shown,
            self.parts.train,
            self.parts.validation,
            np.ones(len(counts), np.float32),
            generic,
            self.generic.validation if background is not None else NOBODY,
        )
        if background is not None:
            counts[background] += dataset.drawn
        return dataset.weighted(class_weights(counts))


def read_pictures(settings: Settings, size: tuple[int, int], folder: Path, beside: Path | None = None) -> Pictures:
    """List, read and split a data set, and tell what is wrong or odd about it.

    Args:
        settings: which one, how it lies and fits, and the seed.
        size: width and height in pixels.
        folder: for what is unpacked, and for the pixels.
        beside: a ``split.json`` of the model that is converted, which may not be there.

    Raises:
        InputError: it cannot be used.
    """
    listing = list_photographs(settings.data, settings.layout, folder)
    say(f"photographs: {listing.layout}")
    labels = labels_of(listing.classes, settings.kind, settings.unknown)
    if len(labels.names) < 2:  # noqa: PLR2004  nothing to tell apart
        message = (
            f"{settings.data}: all classes ({', '.join(listing.classes)}) are names of nothing in particular, which "
            "are one label: add a class, or give --unknown none or --kind state"
        )
        raise InputError(message)
    kept = _kept(beside or settings.output / SPLIT_FILE)
    others = negatives(size)
    read = read_pixels(listing, size, folder / "pixels", settings.fit, others.pixels)
    parts, more = split(listing, read, settings.seed, kept)
    findings = (*listing.findings, *read.findings, *more)
    for line in summed(findings):
        say(f"warning: {line}")
    first = len(listing.photos)
    of_photos = [labels.of_class[photo.label] for photo in listing.photos]
    # Where no label is theirs, generic pictures show none of them.
    generic = np.full(len(others.pixels), -1 if labels.background is None else labels.background)
    shown = np.concatenate([np.array(of_photos, np.int64), generic])
    has_test = any(photo.part == "test" for photo in listing.photos)
    made_by: Literal["folders", "kept", "seed"] = "folders" if has_test else "kept" if kept else "seed"
    generic_parts = by_source(others.sources, first)
    content = content_digest(listing, read.digests)
    return Pictures(listing, labels, read.pixels, shown, parts, generic_parts, read.digests, content, findings, made_by)


def _kept(split_file: Path) -> Parts | None:
    """What photographs served for before, where a model is made anew or converted."""
    return Parts.read(split_file) if split_file.is_file() else None


def by_source(sources: NDArray[np.int64], first: int) -> Split:
    """Split generic pictures so that no source is in two parts; the same for every training.

    Args:
        sources: int64 [pictures].
        first: the index of the first picture.
    """
    names, counts = np.unique(sources, return_counts=True)
    order = np.random.default_rng(0).permutation(len(names))
    done = np.cumsum(counts[order]) - counts[order] / 2  # the middle of each source in the row
    part_of = np.searchsorted([GENERIC_SHARE * len(sources), 2 * GENERIC_SHARE * len(sources)], done)
    test, validation, train = (
        first + np.flatnonzero(np.isin(sources, names[order[part_of == part]])) for part in range(3)
    )
    return Split(train, validation, test)
