"""A .zip file as a folder. Nothing is unpacked: pictures are read out of it one by one, so it cannot fill a disk."""

from __future__ import annotations

import lzma
import stat
import struct
import tempfile
import weakref
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from edgecam.errors import in_words
from trainer.data.findings import Finding, printable, shown
from trainer.data.layouts.left_behind import is_left_behind
from trainer.data.layouts.tree import DEEPEST, Folder, without_outputs
from trainer.errors import InputError

if TYPE_CHECKING:
    from trainer.data.findings import PhotoPath

MOST_ENTRIES = 1_000_000
MOST_BYTES = 256 << 20  # of one picture, unpacked: a small file can claim to become a very large one
MOST_WITHIN = 2 << 30  # of an archive in an archive
READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
LOCKED = 0x1
UNPACK = "unpack it, and give the folder"
BROKEN_ARCHIVE = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, IndexError, struct.error, RuntimeError)
BROKEN = (*BROKEN_ARCHIVE, zlib.error, lzma.LZMAError)


def is_archive(path: PhotoPath) -> bool:
    """Whether a file is named as one that can be read here."""
    return path.name.lower().endswith((".zip", ".tm"))


def read_archive(path: PhotoPath, work: Path | None = None) -> tuple[Folder, list[Finding]]:
    """List a .zip file, which may lie in another one.

    Args:
        path: it.
        work: a folder for one that lies in another: it is copied into a file there that has no name; None: the system's
            folder for such.

    Raises:
        InputError: it is broken, locked or no archive of photographs.
    """
    archive = _opened(path, work)
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        message = f"{shown(path)}: holds {len(entries):,} files, more than {MOST_ENTRIES:,}; {UNPACK}"
        raise InputError(message)
    for entry in entries:
        _check(path, entry)
    findings: list[Finding] = []
    top = _Branch()
    for entry in sorted({each.filename: each for each in entries}.values(), key=lambda each: each.filename):
        _put(archive, entry, top, findings)
    return without_outputs(top.folder(archive, "", PurePosixPath(path.name).stem), findings), findings


def _opened(path: PhotoPath, work: Path | None) -> zipfile.ZipFile:
    with ExitStack() as stack:
        try:
            if isinstance(path, Path):
                return _named_rightly(path)
            copy = stack.enter_context(tempfile.TemporaryFile(dir=work))
            _copy(path, copy)
            archive = _named_rightly(copy)
        except InputError:
            raise
        except OSError as error:
            message = f"{shown(path)}: {in_words(error)}"
            raise InputError(message) from None
        except BROKEN as error:
            message = f"{shown(path)}: no .zip file that can be read ({printable(str(error)).lower()}); get it again"
            raise InputError(message) from None
        archive.filename = str(path)
        weakref.finalize(archive, stack.pop_all().close)  # the copy lives as long as the pictures in it
        return archive


def _named_rightly(file: Any) -> zipfile.ZipFile:
    """Open an archive: macOS writes names in UTF-8 without saying so."""
    try:
        return zipfile.ZipFile(file, metadata_encoding="utf-8")
    except UnicodeDecodeError:
        return zipfile.ZipFile(file)


def _copy(path: zipfile.Path, copy: Any) -> None:
    """Copy an archive out of an archive, as it is read back and forth."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if copy.tell() + len(block) > MOST_WITHIN:
                message = f"{shown(path)}: an archive of more than {MOST_WITHIN >> 30} GB in an archive; {UNPACK}"
                raise InputError(message)
            copy.write(block)


def _check(path: PhotoPath, entry: zipfile.ZipInfo) -> None:
    """Refuse an archive that is not to be read.

    Raises:
        InputError: a name in it leads out of it, or it is locked or packed in a way that is not known here.
    """
    name = entry.filename
    if name.startswith("/") or "\\" in name or "//" in name or {"..", "."} & {*name.split("/")}:
        message = f"{shown(path)}: holds '{printable(name)[:80]}', no name of a file within it; {UNPACK}"
        raise InputError(message)
    if entry.flag_bits & LOCKED:
        message = f"{shown(path)}: locked with a password; {UNPACK}"
        raise InputError(message)
    if entry.compress_type not in READABLE:
        message = f"{shown(path)}: packed in a way that cannot be read here; {UNPACK}"
        raise InputError(message)


@dataclass(slots=True)
class _Branch:
    """A folder while it grows."""

    folders: dict[str, _Branch] = field(default_factory=dict)
    files: list[zipfile.Path] = field(default_factory=list)

    def folder(self, archive: zipfile.ZipFile, at: str, name: str) -> Folder:
        within = (each.folder(archive, f"{at}{key}/", key) for key, each in sorted(self.folders.items()))
        return Folder(zipfile.Path(archive, at), name, tuple(within), tuple(self.files))


def _put(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, top: _Branch, findings: list[Finding]) -> None:
    """Put a file into its folder."""
    parts = entry.filename.split("/")
    if any(is_left_behind(part) for part in parts):
        return
    path = zipfile.Path(archive, entry.filename)
    hidden = next((part for part in parts if part.startswith(".")), None)
    problem = ""
    if hidden:
        problem = "hidden" if not entry.is_dir() else ""
    elif len(parts) > DEEPEST:
        problem = f"more than {DEEPEST} folders within each other"
    elif stat.S_ISLNK(entry.external_attr >> 16):
        problem = "a link"
    elif entry.file_size > MOST_BYTES and not is_archive(path):
        problem = f"more than {MOST_BYTES >> 20} MB"
    if problem:
        findings.append(Finding(path, f"{problem}: left out"))
    if problem or hidden:
        return
    branch = top
    for part in parts[:-1]:
        branch = branch.folders.setdefault(part, _Branch())
    if parts[-1]:
        branch.files.append(path)
