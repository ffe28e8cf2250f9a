"""The user's photographs: which classes there are, and which files show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from edgecam.errors import as_text
from trainer.data.class_names import class_name
from trainer.data.findings import Finding, PhotoPath, shown, summed
from trainer.data.layouts.choice import understand
from trainer.data.layouts.part_names import Part
from trainer.data.layouts.reading import Layout
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from trainer.data.layouts.reading import Group

__all__ = ["Finding", "Layout", "Listing", "Part", "Photo", "PhotoPath", "list_photographs", "shown", "summed"]

NAMES_SHOWN = 20
LONGEST = 80  # of a name that is no name
TO_TRAIN = 2  # classes at least


class Photo(NamedTuple):
    """A file, the index of its class, and the part that the user put it into, if any."""

    path: PhotoPath
    label: int
    part: Part | None


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of a data set, before any of them was opened, and what was found in places where it is of no use.

    Attributes:
        root: the folder or the archive.
        classes: their names, each of one printable line, composed (NFC) and without spaces around it.
        photos: all files.
        findings: what the user should know.
        layout: how the folder was understood, in a phrase.
    """

    root: Path
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    findings: tuple[Finding, ...] = ()
    layout: str = ""


def list_photographs(
    root: Path, layout: Layout = "auto", work: Path | None = None, *, least: int = TO_TRAIN
) -> Listing:
    """Find classes and files, in any of the layouts that ``docs/training.md`` names.

    Args:
        root: a folder or a .zip file; pictures in an archive stay there, and have a ``zipfile.Path``.
        layout: how it is to be read; ``auto``: as it looks.
        work: a folder for archives that lie in archives; None: the system's folder for temporary files.
        least: how many classes there must be. With fewer than two nothing is to be trained: then a class that only a
            part to test with has is one of them.

    Raises:
        InputError: there is no such folder, it cannot be read or read in two ways, it has too few classes, or one that
            cannot be trained.
    """
    reading = understand(root, layout, work)
    named = [(group, _name(group)) for group in reading.groups]
    classes = _classes(root, named, least)
    places = {name: at for at, name in enumerate(classes)}
    photos = [Photo(file, places[name], group.part) for group, name in named for file in group.files]
    findings = (*reading.findings, *_odd_names(named), *_nearly_alike(root, classes))
    return Listing(root, classes, tuple(photos), findings, reading.layout)


def _name(group: Group) -> str:
    """A class's name, which becomes a label: one line of text."""
    name = class_name(group.name)
    if name is not None:
        return name
    if group.where.name == group.name:
        message = (
            f"'{shown(group.where)}': a class is named by its folder, and this name is no printable text: rename it"
        )
    else:
        called = as_text(shown_name(group.name), LONGEST)
        message = f"{shown(group.where)}: a class is called {called}, and this is no printable text: rename it"
    raise InputError(message)


def shown_name(name: str) -> str:
    """A name whose bytes may be no text."""
    return name.encode(errors="replace").decode()


def _classes(root: Path, named: Sequence[tuple[Group, str]], least: int) -> tuple[str, ...]:
    """The names of the classes, in the order of the folders' own names.

    Raises:
        InputError: there are too few, or one that cannot be trained.
    """
    parts = {group.part for group, _ in named}
    taught = next((part for part in ("train", None) if part in parts), "test")
    first: dict[str, str] = {}
    others: list[tuple[Group, str]] = []
    for group, name in named:
        if taught in (group.part, "test") or least < TO_TRAIN:
            first[name] = min(group.name, first.get(name, group.name))
        else:
            others.append((group, name))
    classes = tuple(sorted(first, key=lambda name: (first[name], name)))
    for group, name in others:
        if name not in first:
            alike = next((each for each in classes if each.casefold() == name.casefold()), None)
            hint = f"; is it {alike}? rename it" if alike else ""
            message = f"{shown(group.where)}: a class that is not among those to train ({_listed(classes)}){hint}"
            if group.where.name != group.name:
                message = f"{shown(group.where)}: {name} is not among the classes to train ({_listed(classes)}){hint}"
            raise InputError(message)
    if len(classes) < least:
        found = f"only one ({classes[0]})" if classes else "none"
        needed = "a classifier needs two classes or more, with a subfolder for each" if least > 1 else "no photographs"
        message = f"{shown(root)}: {needed}; there is {found}"
        raise InputError(message)
    if taught == "test" and least >= TO_TRAIN:
        message = f"{shown(root)}: holds parts to test and to validate with, and none to train with; add a folder train"
        raise InputError(message)
    return classes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")


def _odd_names(named: Iterable[tuple[Group, str]]) -> Iterator[Finding]:
    """Tell of names that stand for the same class, or that are not quite the label."""
    first: dict[str, Group] = {}
    told: set[str] = set()
    for group, name in named:
        other = first.setdefault(name, group)
        if group.name in told:
            continue
        if other.name != group.name:
            same = "the same class: spaces around a name, and how an accent is written, do not count"
            message = f"and {shown(other.where)} are {same}"
        elif group.name != group.name.strip():
            message = f"called '{name}', without the spaces around it"
        else:
            continue
        told.add(group.name)
        yield Finding(group.where, message)


def _nearly_alike(root: Path, classes: Iterable[str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name in classes:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield Finding(root, f"{other} and {name} are two classes, though they differ by capital letters only")
