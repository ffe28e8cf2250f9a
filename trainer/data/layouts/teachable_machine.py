"""Teachable Machine's samples, a .zip a class, and its project file, which is a .zip of all of them.

Its makers document neither: a project holds ``manifest.json`` and the pictures, in a folder a class or named
``<class>-!-<number>``; both are read.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from trainer.data.findings import Finding, shown
from trainer.data.layouts.archive import is_archive, read_archive
from trainer.data.layouts.files import content
from trainer.data.layouts.left_behind import is_document
from trainer.data.layouts.reading import Group, Reading
from trainer.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.data.findings import PhotoPath
    from trainer.data.layouts.tree import Folder

MANIFEST = "manifest.json"
PROJECT = ".tm"
BETWEEN = "-!-"  # a class's name and a picture's number
SAMPLES = re.compile(r"[-_ ]samples$|[-_ ]samples?(?= ?\(\d+\)$)| ?\(\d+\)$", re.IGNORECASE)
FEWEST = 2


def archives(root: Folder) -> list[PhotoPath]:
    """The .zip files of a folder."""
    return [file for file in root.files if is_archive(file) and not file.name.lower().endswith(PROJECT)]


def is_project(root: Folder) -> bool:
    """Whether a folder is the inside of a project file."""
    if not any(file.name == MANIFEST for file in root.files):
        return False
    is_file = str(root.path).rstrip("/").lower().endswith(PROJECT)
    return is_file or any(BETWEEN in file.name for folder in root.walk() for file in folder.pictures)


def read(root: Folder, work: Path | None = None, *, is_asked: bool = False) -> Reading | None:
    """What a folder of samples or a project says.

    Returns:
        None: it is no such folder.

    Raises:
        InputError: an archive cannot be read; a project is not one of pictures; there are several.
    """
    projects = [file for file in root.files if file.name.lower().endswith(PROJECT)]
    if len(projects) > 1:
        message = f"{shown(root.path)}: holds {len(projects)} projects of Teachable Machine; give the one that is meant"
        raise InputError(message)
    if projects:
        inside, findings = read_archive(projects[0], work)
        reading = _project(inside, projects[0])
        return Reading(reading.layout, reading.groups, (*findings, *reading.findings))
    if is_project(root) or (is_asked and any(file.name == MANIFEST for file in root.files)):
        return _project(root, root.path)
    zips = archives(root)
    return _samples(zips, work) if len(zips) >= FEWEST else None


def _samples(zips: list[PhotoPath], work: Path | None) -> Reading | None:
    groups: list[Group] = []
    findings: list[Finding] = []
    for file in zips:
        inside, found = read_archive(file, work)
        while not inside.pictures and len(inside.folders) == 1:
            inside = inside.folders[0]
        if inside.folders:
            return None  # a data set of its own, not the pictures of one class
        findings += found
        name = SAMPLES.sub("", SAMPLES.sub("", PurePosixPath(file.name).stem))
        groups.append(Group(name, file, None, tuple(each for each in inside.files if not is_document(each.name))))
    return Reading("Teachable Machine: a .zip a class", tuple(groups), tuple(findings))


def _project(inside: Folder, where: PhotoPath) -> Reading:
    manifest = next((file for file in inside.files if file.name == MANIFEST), None)
    if manifest is None:
        message = f"{shown(where)}: no project of Teachable Machine, as it has no {MANIFEST}"
        raise InputError(message)
    try:
        told = msgspec.json.decode(content(manifest))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = f"{shown(where)}: its {MANIFEST} cannot be read; save the project again"
        raise InputError(message) from None
    kind = told.get("type") if isinstance(told, dict) else None
    if isinstance(kind, str) and ("audio" in kind.lower() or "pose" in kind.lower()):
        message = f"{shown(where)}: a project of {'sounds' if 'audio' in kind.lower() else 'poses'}, not of pictures"
        raise InputError(message)
    groups: dict[str, list[PhotoPath]] = {}
    findings = []
    for folder in inside.walk():
        for file in folder.pictures:
            name, between, _ = file.name.partition(BETWEEN)
            if between or folder is not inside:
                groups.setdefault(name if between else folder.name, []).append(file)
            else:
                findings.append(Finding(file, "in the folder of no class: left out"))
    made = tuple(Group(name, where, None, tuple(files)) for name, files in groups.items())
    return Reading("Teachable Machine: a project", made, tuple(findings))
