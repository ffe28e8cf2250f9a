"""The user's photographs: which classes there are, and which files show them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Part = Literal["train", "validation", "test"]
FOLDERS: dict[str, Part] = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
# What systems leave behind: of these nobody wants to be told.
NOT_PHOTOGRAPHS = {".ds_store", "thumbs.db", "desktop.ini"}
RESOURCE_FORK = "._"


class Photo(NamedTuple):
    """A file, the index of its class, and the part that the user put it into, if any."""

    path: Path
    label: int
    part: Part | None


def shown(path: Path) -> str:
    """A path as text that can be printed and written, though its bytes may be none."""
    return os.fsencode(path).decode(errors="replace")


class Finding(NamedTuple):
    """Something about the data that the user should know."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.message}"


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a data set, before any of them was opened, and what was found in places where it is of no use."""

    root: Path
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    findings: tuple[Finding, ...] = ()


def list_photographs(root: Path, least: int = 2) -> Listing:
    """Find classes and files: ``root/<class>/*``, or ``root/train/<class>/*`` and the like.

    A folder ``test`` or ``validation`` of its own is used, beside ``train`` or beside the classes.

    Args:
        root: the folder.
        least: how many classes there must be: to train two, to test a model one.

    Raises:
        InputError: there is no such folder, or too few classes, or a class that cannot be trained.
    """
    folders = _subfolders(root)
    parts = {folder.name: folder for folder in folders if folder.name in FOLDERS}
    places: list[tuple[Path, Part | None]] = [(folder, FOLDERS[name]) for name, folder in parts.items()]
    others = [folder for folder in folders if folder.name not in FOLDERS]
    findings = [Finding(file, "in the folder of no class: left out") for file in _files(root)]
    if "train" in parts:
        findings += [Finding(folder, "beside train and in no part: left out") for folder in others]
        classes = [_class_name(folder) for folder in _subfolders(parts["train"])]
    else:
        places.insert(0, (root, None))
        classes = [_class_name(folder) for folder in others]
    if len(classes) < least:
        found = f"only one ({classes[0]})" if classes else "none"
        message = f"{root}: a classifier needs two classes or more, with a subfolder for each; there is {found}"
        raise InputError(message)
    photos: list[Photo] = []
    for place, part in places:
        for folder in _subfolders(place):
            if part is not None or folder.name not in FOLDERS:
                label = _label(folder, classes)
                good, bad = _sorted_out(folder)
                photos += [Photo(file, label, part) for file in good]
                findings += bad
        if part is not None:
            findings += [Finding(file, "in the folder of no class: left out") for file in _files(place)]
    return Listing(root, tuple(classes), tuple(photos), tuple(findings))


def _label(folder: Path, classes: Sequence[str]) -> int:
    if folder.name not in classes:
        message = f"{shown(folder)}: a class that is not among those to train ({', '.join(classes)})"
        raise InputError(message)
    return classes.index(folder.name)


def _class_name(folder: Path) -> str:
    """A folder's name, which becomes a label: one line of text."""
    name = folder.name
    if not name.isprintable():
        message = f"{shown(folder)!r}: a class is named by its folder, and this name is no printable text: rename it"
        raise InputError(message)
    return name


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        message = f"{folder}: {in_words(error)}; expected a folder with a subfolder a class"
        raise InputError(message) from None


def _files(folder: Path) -> list[Path]:
    """What lies in a folder and is meant by the user, but no folder."""
    return sorted(each for each in folder.iterdir() if not each.is_dir() and _is_meant(each))


def _is_meant(file: Path) -> bool:
    return file.name.lower() not in NOT_PHOTOGRAPHS and not file.name.startswith(RESOURCE_FORK)


def _sorted_out(folder: Path) -> tuple[list[Path], list[Finding]]:
    """All files in a class's folder and the folders in it: those to open, and those not even to open."""
    good, bad = [], []
    for file in sorted(filter(_is_meant, folder.rglob("*"))):
        *within, name = file.relative_to(folder).parts
        if any(part.startswith(".") for part in within):
            continue  # the folder has been named
        if name.startswith("."):
            bad.append(Finding(file, "hidden: left out"))
        elif file.is_dir() and file.is_symlink():
            bad.append(Finding(file, "a link to a folder: left out"))
        elif file.is_file():
            good.append(file)
        elif not file.is_dir():
            bad.append(Finding(file, "no ordinary file: left out"))
    return good, bad
