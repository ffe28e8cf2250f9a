"""Which layout a folder has: found out, or as the user says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trainer.data.class_names import class_name
from trainer.data.findings import Finding, shown
from trainer.data.layouts import detection, edge_impulse, folders, table, teachable_machine
from trainer.data.layouts.archive import is_archive, read_archive
from trainer.data.layouts.part_names import part_of
from trainer.data.layouts.tree import Folder, read_folder
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainer.data.layouts.reading import Layout, Reading

WRAPPINGS = 8  # folders and archives around a data set
OTHER_ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
MISSING: dict[Layout, str] = {
    "parts": "no folders such as train, validation and test with a subfolder a class in each",
    "csv": "no CSV file with a column of files that are there and a column of their classes",
    "edge-impulse": "no info.labels, and no pictures in training and testing that are named as label.number.jpg",
    "roboflow": "no folders train, valid and test with a subfolder a class or a file _classes.csv in each",
    "teachable-machine": "no project file, and no .zip files with the pictures of a class in each",
}


def understand(root: Path, layout: Layout, work: Path | None) -> Reading:
    """Read a folder or a .zip file.

    Args:
        root: it.
        layout: as the user says, or ``auto``.
        work: where an archive that lies in another is copied to.

    Raises:
        InputError: it cannot be read; it is of a kind that is not for this; several readings are possible.
    """
    level, findings = _opened(root, work)
    top = level
    read = _reader(layout, work)
    reading = None
    for _ in range(WRAPPINGS):
        reading = read(level)
        inner = None if reading else _inner(level, findings, work, into_parts=layout == "folders")
        if inner is None:
            break
        level = inner
    if layout == "auto":
        reading = _decided(level, reading)
    elif layout == "folders":
        reading = folders.as_folders(level)
    if reading is None:
        message = f"--layout {layout}: {shown(root)}: {MISSING[layout]}"
        raise InputError(message)
    where = "" if level is top else f", in {shown(level.path)}"
    return replace(reading, layout=f"{reading.layout}{where}", findings=(*findings, *reading.findings))


def _opened(root: Path, work: Path | None) -> tuple[Folder, list[Finding]]:
    if root.is_file():
        if is_archive(root):
            return read_archive(root, work)
        if root.name.lower().endswith(OTHER_ARCHIVES):
            message = f"{shown(root)}: an archive of a kind that is not read here; unpack it, and give the folder"
            raise InputError(message)
    return read_folder(root)


def _reader(layout: Layout, work: Path | None) -> Callable[[Folder], Reading | None]:
    """What reads a level; None: it is not of this layout, or, with folders, not for sure."""

    def special(level: Folder) -> Reading | None:
        detection.refuse(level)
        return (
            edge_impulse.read(level) or table.read(level, only_roboflow=True) or teachable_machine.read(level, work)
        ) or table.read(level)

    readers: dict[Layout, Callable[[Folder], Reading | None]] = {
        "auto": special,
        "folders": lambda _: None,
        "parts": folders.as_parts,
        "csv": table.read,
        "edge-impulse": lambda level: edge_impulse.read(level, is_asked=True),
        "roboflow": lambda level: table.read(level, only_roboflow=True) or folders.as_parts(level),
        "teachable-machine": lambda level: teachable_machine.read(level, work, is_asked=True),
    }
    return readers[layout]


def _inner(level: Folder, findings: list[Finding], work: Path | None, *, into_parts: bool) -> Folder | None:
    """What a folder merely wraps: the one folder or the one archive in it; None: it wraps nothing."""
    if level.pictures:
        return None
    archives = teachable_machine.archives(level)
    if not level.folders:
        if len(archives) != 1:
            return None
        inside, found = read_archive(archives[0], work)
        findings += found
        return inside
    filled = [folder for folder in level.folders if not folder.is_empty]
    if len(level.folders) != 1 or not filled:
        return None
    only = filled[0]
    if part_of(only.name) and not into_parts:
        return None
    holds_lists = bool(table.tables(only)) or edge_impulse.has_labels(only) or bool(teachable_machine.archives(only))
    holds_classes = any(not folder.is_empty for folder in only.folders) and not only.pictures
    return only if holds_classes or (holds_lists and not into_parts) else None


def _decided(level: Folder, special: Reading | None) -> Reading:
    """One reading, where another layout and folders may both fit.

    Raises:
        InputError: both fit, and do not say the same.
    """
    if special is None:
        return folders.read(level)
    if not folders.holds_classes_for_sure(level):
        return special
    plain = folders.as_parts(level) or folders.as_folders(level)
    if _agree(special, plain):
        is_table = special.layout.startswith("CSV")  # whose names for the classes may be but numbers
        return special if special.has_parts or not (is_table or plain.has_parts) else plain
    option = next(name for start, name in OPTIONS if special.layout.startswith(start))
    other = "parts" if plain.has_parts else "folders"
    message = (
        f"{shown(level.path)}: may be read as {special.layout}, or as {plain.layout}, which say different things: "
        f"say which by --layout {option} or --layout {other}"
    )
    raise InputError(message)


OPTIONS: tuple[tuple[str, Layout], ...] = (
    ("Edge Impulse", "edge-impulse"),
    ("Roboflow", "roboflow"),
    ("Teachable Machine", "teachable-machine"),
    ("CSV", "csv"),
)


def _agree(one: Reading, other: Reading) -> bool:
    """Whether two readings tell the same pictures apart in the same way, by whatever names."""
    first, second = (
        {str(file): class_name(group.name) for group in reading.groups for file in group.files}
        for reading in (one, other)
    )
    pairs = {(name, second[file]) for file, name in first.items() if file in second}
    return bool(pairs) and len(pairs) == len({name for name, _ in pairs}) == len({name for _, name in pairs})
