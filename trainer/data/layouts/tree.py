"""Folders and files, listed once; the layouts then look at this and no longer at the disk."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgecam.errors import in_words
from trainer.data.findings import Finding, shown
from trainer.data.layouts.left_behind import is_left_behind, is_output, is_picture
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.data.findings import PhotoPath

DEEPEST = 32  # folders within each other
LINKS_WITHIN = 2  # a class's folder, or one in a part, may be a link to another disk


@dataclass(frozen=True)
class Folder:
    """A folder on disk or in an archive: what users mean by it, in order, without what systems leave behind."""

    path: PhotoPath
    name: str
    folders: tuple[Folder, ...] = ()
    files: tuple[PhotoPath, ...] = ()

    @cached_property
    def pictures(self) -> tuple[PhotoPath, ...]:
        """Files directly in it that are named as pictures."""
        return tuple(file for file in self.files if is_picture(file.name))

    @cached_property
    def is_empty(self) -> bool:
        """Whether there is no file in it, nor below it."""
        return not self.files and all(folder.is_empty for folder in self.folders)

    def walk(self) -> Iterator[Folder]:
        """It, and all folders below it."""
        yield self
        for folder in self.folders:
            yield from folder.walk()

    def all_files(self) -> tuple[PhotoPath, ...]:
        """Files in it and below it."""
        return tuple(file for folder in self.walk() for file in folder.files)


def read_folder(root: Path) -> tuple[Folder, list[Finding]]:
    """List a folder and all below it. Links to folders are followed only out of it, and only near its top.

    Raises:
        InputError: it, or a folder below it, cannot be read.
    """
    try:
        status = root.stat()
        inside = root.resolve()
        with os.scandir(root):
            pass
    except (OSError, ValueError) as error:  # a name with a NUL in it is no path at all
        reason = in_words(error) if isinstance(error, OSError) else "no path"
        message = f"{shown(root)}: {reason}; expected a folder with a subfolder a class, or a .zip of one"
        raise InputError(message) from None
    scan = _Scan(inside, {(status.st_dev, status.st_ino)})
    folder = scan.folder(root, root.name, 0)
    return without_outputs(folder, scan.findings), scan.findings


def without_outputs(folder: Folder, findings: list[Finding]) -> Folder:
    """Leave out what the trainer itself has written, and tell."""
    kept = []
    for each in folder.folders:
        if is_output(each):
            findings.append(Finding(each.path, "holds what the trainer has made, no photographs: left out"))
        else:
            kept.append(without_outputs(each, findings))
    return replace(folder, folders=tuple(kept))


class _Scan:
    """One look at a disk."""

    def __init__(self, root: Path, seen: set[tuple[int, int]]) -> None:
        self._root = root
        self._seen = seen
        self.findings: list[Finding] = []

    def folder(self, path: Path, name: str, depth: int) -> Folder:
        try:
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            message = f"{shown(path)}: {in_words(error)}; make it readable, or move it out of the photographs' folder"
            raise InputError(message) from None
        folders, files = [], []
        for entry in listed:
            if is_left_behind(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                if self._is_wanted(entry, depth):
                    folders.append(self.folder(Path(entry.path), entry.name, depth + 1))
            elif self._is_folder(entry):
                if self._leads_out(entry, depth):
                    folders.append(self.folder(Path(entry.path), entry.name, depth + 1))
            elif self._is_file(entry):
                files.append(Path(entry.path))
        return Folder(path, name, tuple(folders), tuple(files))

    def _told(self, entry: os.DirEntry[str], message: str) -> None:
        self.findings.append(Finding(Path(entry.path), f"{message}: left out"))

    def _is_wanted(self, entry: os.DirEntry[str], depth: int) -> bool:
        if entry.name.startswith("."):
            self._told(entry, "hidden")
            return False
        if depth >= DEEPEST:
            self._told(entry, f"more than {DEEPEST} folders within each other")
            return False
        return True

    @staticmethod
    def _is_folder(entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir()
        except OSError:  # a link that leads to itself
            return False

    def _leads_out(self, entry: os.DirEntry[str], depth: int) -> bool:
        target = Path(entry.path).resolve()
        status = entry.stat()
        is_within = target.is_relative_to(self._root) or self._root.is_relative_to(target)
        if depth >= LINKS_WITHIN or is_within or (status.st_dev, status.st_ino) in self._seen:
            self._told(entry, "a link to a folder")
            return False
        self._seen.add((status.st_dev, status.st_ino))
        return self._is_wanted(entry, depth)

    def _is_file(self, entry: os.DirEntry[str]) -> bool:
        try:
            is_file = entry.is_file()
        except OSError:
            is_file = False
        if not is_file:
            self._told(entry, "no ordinary file")
        elif entry.name.startswith("."):
            self._told(entry, "hidden")
            return False
        return is_file
