"""A subfolder a class, in one folder or in parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainer.data.class_names import class_name
from trainer.data.findings import Finding, shown
from trainer.data.layouts.left_behind import is_document
from trainer.data.layouts.part_names import (
    is_left_over,
    is_unlabelled,
    is_wrapping,
    part_of,
    with_same_beginning,
)
from trainer.data.layouts.reading import Group, Reading
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.data.layouts.part_names import Part
    from trainer.data.layouts.tree import Folder

STRAY = "in the folder of no class: left out"
AS_A_CLASS = "taken as a class of that name, as it holds pictures itself"
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Parts:
    """The subfolders of a folder, told apart.

    Attributes:
        parts: hold a subfolder a class.
        empty: are named as parts, and hold nothing.
        bare: are named as parts, or as pictures without classes, and hold pictures themselves.
        others: all else.
    """

    parts: tuple[tuple[Folder, Part], ...]
    empty: tuple[Folder, ...]
    bare: tuple[Folder, ...]
    others: tuple[Folder, ...]

    @property
    def trains(self) -> bool:
        """Whether there is a part to train with."""
        return any(part == "train" for _, part in self.parts)


def named_parts(root: Folder) -> dict[str, Part]:
    """Which subfolders are named as parts."""
    names = [folder.name for folder in root.folders]
    found = {name: part for name in names if (part := part_of(name))}
    return with_same_beginning(names) | found


def told_apart(root: Folder) -> Parts:
    """Parts are only what holds classes: a class may be called ``train``."""
    named = named_parts(root)
    parts: list[tuple[Folder, Part]] = []
    empty, bare, others = [], [], []
    for folder in root.folders:
        part = named.get(folder.name)
        if part is None and not is_unlabelled(folder.name):
            others.append(folder)
        elif folder.is_empty:
            empty.append(folder)
        elif part and _holds_classes(within := _unwrapped(folder, part)):
            parts.append((within, part))
        else:
            bare.append(folder)
    return Parts(tuple(parts), tuple(empty), tuple(bare), tuple(others))


def as_folders(root: Folder, findings: Sequence[Finding] = ()) -> Reading:
    """Every subfolder is a class."""
    groups = tuple(Group(folder.name, folder.path, None, folder.all_files()) for folder in root.folders)
    return Reading("folders, one a class", groups, (*_strays(root), *findings))


def as_parts(root: Folder) -> Reading | None:
    """Subfolders ``train``, ``validation``, ``test``, by whatever names, or some of them beside the classes.

    Returns:
        None: there are none.
    """
    found = told_apart(root)
    if not found.parts:
        return None
    findings = _strays(root)
    findings += [Finding(folder.path, "empty: left out") for folder in found.empty]
    findings += [Finding(folder.path, "pictures without classes: left out") for folder in found.bare]
    groups = [
        Group(folder.name, folder.path, part, folder.all_files())
        for place, part in found.parts
        for folder in place.folders
    ]
    for place, _ in found.parts:
        findings += _strays(place)
    if found.trains:
        findings += [Finding(folder.path, "beside train and in no part: left out") for folder in found.others]
    else:
        groups += [Group(folder.name, folder.path, None, folder.all_files()) for folder in found.others]
    names = ", ".join(
        folder.name for folder in root.folders if folder.name in named_parts(root) and not folder.is_empty
    )
    is_roboflow = any("roboflow" in file.name.lower() for file in root.files)
    return Reading(f"{'Roboflow' if is_roboflow else 'parts'}: {names}", tuple(groups), tuple(findings))


def read(root: Folder) -> Reading:
    """Classes in parts, or without.

    Raises:
        InputError: both readings are possible.
    """
    found = told_apart(root)
    if doubt := _doubt(found):
        message = f"{shown(root.path)}: {doubt}: say which by --layout parts or --layout folders"
        raise InputError(message)
    reading = as_parts(root)
    if reading:
        return reading
    named = named_parts(root)
    findings = [Finding(folder.path, "empty: left out") for folder in found.empty]
    classes = [*found.others]
    untaught: list[Folder] = []
    for folder in found.bare:
        (untaught if is_unlabelled(folder.name) or named.get(folder.name) == "test" else classes).append(folder)
    if len(classes) < FEWEST:  # "test" beside one other can only be a class
        classes += [folder for folder in untaught if folder.name in named]
        untaught = [folder for folder in untaught if folder.name not in named]
    for folder in untaught:
        findings += _strays(folder)
    findings += [Finding(folder.path, AS_A_CLASS) for folder in classes if folder.name in named]
    return as_folders(replace(root, folders=tuple(sorted(classes, key=lambda folder: folder.name))), findings)


def holds_classes_for_sure(root: Folder) -> bool:
    """Whether it reads well as folders, in parts or without: beside what another layout makes of it, a doubt."""
    found = told_apart(root)
    classes = [folder for folder in found.others if folder.pictures and not is_wrapping(folder.name)]
    return bool(found.parts) or len(classes) >= FEWEST


def _doubt(found: Parts) -> str:
    others = [folder for folder in found.others if not folder.is_empty and not is_left_over(folder.name)]
    if found.trains:
        if others and len(found.parts) == 1 and not found.bare:
            return (
                f"{found.parts[0][0].name} holds classes, and beside it lies {others[0].name}, in no part; "
                "the first may be the part to train with, or a class of that name"
            )
        return ""
    if found.parts and others:
        place = found.parts[0][0]
        known = {class_name(folder.name) for folder in others}
        if not known & {class_name(folder.name) for folder in place.folders}:
            return f"{place.name} may be a part, though of other classes than those beside it, or a class of that name"
    if not found.parts and not others and len(found.bare) >= FEWEST:
        names = " and ".join(folder.name for folder in found.bare)
        return f"{names} hold pictures, and nothing says of which class; these may be parts, or classes of that name"
    return ""


def _unwrapped(folder: Folder, part: Part) -> Folder:
    """What is within ``seg_train/seg_train`` or ``train/images``."""
    while len(folder.folders) == 1 and not folder.pictures:
        only = folder.folders[0]
        if not only.folders or not (part_of(only.name) == part or is_wrapping(only.name) or only.name == folder.name):
            break
        folder = only
    return folder


def _holds_classes(folder: Folder) -> bool:
    return any(not each.is_empty for each in folder.folders)


def _strays(folder: Folder) -> list[Finding]:
    return [Finding(file, STRAY) for file in folder.files if not is_document(file.name)]
