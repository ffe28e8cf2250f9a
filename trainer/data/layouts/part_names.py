"""What people and tools call the parts of a data set."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Part = Literal["train", "validation", "test"]
WORDS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "trn": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "validate": "validation",
    "validating": "validation",
    "valset": "validation",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
UNLABELLED = {"pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "unseen", "inference"}
# Words beside them that change nothing: seg_train, training_set, train images.
BESIDE = {
    "seg",
    "set",
    "data",
    "dataset",
    "image",
    "images",
    "img",
    "imgs",
    "photos",
    "pictures",
    "labels",
    "label",
    "csv",
}
# Folders that nobody means to be a class, where there are parts.
LEFT_OVER = {
    "unsorted",
    "misc",
    "rest",
    "raw",
    "backup",
    "old",
    "extra",
    "todo",
    "tmp",
    "temp",
    "papers",
    "docs",
    "originals",
}


@lru_cache(1024)  # it is asked of each row of a table
def part_of(name: str) -> Part | None:
    """Which part a folder, a file or a cell of that name is; None: none."""
    words = _words(name)
    return WORDS.get(words[0]) if len(words) == 1 else None


def is_unlabelled(name: str) -> bool:
    """Whether a folder of that name holds pictures to try a model on, of no known class."""
    words = _words(name)
    return len(words) == 1 and words[0] in UNLABELLED


def is_left_over(name: str) -> bool:
    """Whether a folder of that name is beside the matter."""
    return name.strip().casefold() in LEFT_OVER


def is_wrapping(name: str) -> bool:
    """Whether a folder of that name says nothing about what is in it."""
    return not _words(name)


def with_same_beginning(names: list[str]) -> dict[str, Part]:
    """Those of the names that are parts only beside each other: ``asl_alphabet_train``, ``asl_alphabet_test``."""
    found: dict[str, dict[str, Part]] = {}
    for name in names:
        *beginning, last = _words(name) or [""]
        if beginning and last in WORDS:
            found.setdefault(" ".join(beginning), {})[name] = WORDS[last]
    return {
        name: part
        for parts in found.values()
        if "train" in parts.values() and len(set(parts.values())) > 1
        for name, part in parts.items()
    }


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.casefold()) if word and word not in BESIDE]
