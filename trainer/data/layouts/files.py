"""Finds the files that a table or a list of labels names, as people name them."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgecam.errors import in_words
from trainer.data.findings import Finding, shown
from trainer.data.layouts.archive import BROKEN
from trainer.data.layouts.left_behind import is_picture
from trainer.data.layouts.part_names import part_of
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trainer.data.findings import PhotoPath
    from trainer.data.layouts.part_names import Part
    from trainer.data.layouts.tree import Folder

MOST_ALIKE = 50  # files of one name in different folders, among which the right one is looked for
MOST_BYTES = 256 << 20  # of a table


class File(NamedTuple):
    """A picture, and where it lies in the data set."""

    within: str
    path: PhotoPath
    part: Part | None


class Files:
    """All pictures in a folder and below it, by what they may be called."""

    def __init__(self, root: Folder) -> None:
        self.all = [File(_key(within), path, _part(within)) for within, path in _walk(root, "")]
        self._by_path = {file.within: file for file in self.all}
        self._by_name: dict[str, list[File]] = {}
        for file in self.all:
            name = file.within.rpartition("/")[2]
            for called in (name, name.rpartition(".")[0]):
                self._by_name.setdefault(called, []).append(file)

    def find(self, called: str, folder: str = "", part: Part | None = None) -> File | None:
        """The one picture that may be meant; None: there is none, or there are several.

        Args:
            called: its path or name, with its ending or without.
            folder: that of the table, within the data set, ending in a slash; empty: at its top.
            part: that it is said to be in.
        """
        key = _key(called.replace("\\", "/")).lstrip("./")
        exact = self._by_path.get(f"{_key(folder)}{key}") or self._by_path.get(key)
        if exact:
            return exact
        alike = self._by_name.get(key.rpartition("/")[2], [])
        if len(alike) > MOST_ALIKE:
            return None
        for narrower in (
            [file for file in alike if file.within.startswith(_key(folder))],
            [file for file in alike if f"/{file.within}".endswith(f"/{key}")],
            [file for file in alike if part and file.part == part],
        ):
            if len(alike) > 1 and narrower:
                alike = narrower
        return alike[0] if len(alike) == 1 else None

    def unnamed(self, named: Collection[str], source: PhotoPath) -> Iterator[Finding]:
        """Tell of pictures of which nothing says what they show, a line a folder."""
        folders: dict[str, list[File]] = {}
        for file in self.all:
            if file.within not in named:
                folders.setdefault(file.within.rpartition("/")[0], []).append(file)
        for files in folders.values():
            count = "1 picture is" if len(files) == 1 else f"{len(files):,} pictures are"
            yield Finding(_folder_of(files[0].path), f"{count} not in {source.name}: left out")


def content(file: PhotoPath) -> bytes:
    """What is in a table or a list of labels.

    Raises:
        InputError: it cannot be read, or is far too large.
    """
    try:
        with file.open("rb") as stream:
            read = stream.read(MOST_BYTES + 1)
    except OSError as error:
        message = f"{shown(file)}: {in_words(error)}"
        raise InputError(message) from None
    except BROKEN as error:
        message = f"{shown(file)}: cannot be read ({type(error).__name__}); get it again"
        raise InputError(message) from None
    if len(read) > MOST_BYTES:
        message = f"{shown(file)}: more than {MOST_BYTES >> 20} MB: no list of photographs"
        raise InputError(message)
    return read


def _folder_of(path: PhotoPath) -> PhotoPath:
    return path.parent if isinstance(path, Path) else zipfile.Path(path.root, path.at.rpartition("/")[0] + "/")


def _walk(folder: Folder, at: str) -> Iterator[tuple[str, PhotoPath]]:
    for file in folder.files:
        if is_picture(file.name):
            yield f"{at}{file.name}", file
    for each in folder.folders:
        yield from _walk(each, f"{at}{each.name}/")


def _part(within: str) -> Part | None:
    return next((part for folder in within.split("/")[:-1] if (part := part_of(folder))), None)


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
