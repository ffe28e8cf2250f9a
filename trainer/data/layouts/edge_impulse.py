"""Edge Impulse's export: pictures of all classes in ``training`` and ``testing``, with labels in ``info.labels``.

Source: docs.edgeimpulse.com, "Edge Impulse labels". Without that file the label is what stands before the first dot of
a picture's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trainer.data.findings import Finding, shown
from trainer.data.layouts.files import Files, content
from trainer.data.layouts.folders import named_parts
from trainer.data.layouts.part_names import part_of
from trainer.data.layouts.reading import Group, Reading
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.data.findings import PhotoPath
    from trainer.data.layouts.part_names import Part
    from trainer.data.layouts.tree import Folder

NAME = "info.labels"
PIECES = 3  # label.number.ending
PER_LABEL = 2  # pictures at least, on average, for what stands before a dot to be labels
ROBOFLOW = ".rf."  # in its names what stands before the first dot is the picture's own


class _Label(msgspec.Struct):
    type: str = "label"
    label: str | None = None


class _Sample(msgspec.Struct):
    path: str
    category: str = ""
    label: _Label | str | None = None
    boxes: list[msgspec.Raw] = msgspec.field(default_factory=list, name="boundingBoxes")

    @property
    def name(self) -> str | None:
        """Of its class; None: it has none, or more than one."""
        return self.label.label if isinstance(self.label, _Label) else self.label


class _Labels(msgspec.Struct):
    files: list[_Sample]


def has_labels(root: Folder) -> bool:
    """Whether there is a list of labels."""
    return any(True for _ in _lists(root))


def read(root: Folder, *, is_asked: bool = False) -> Reading | None:
    """What the export says.

    Args:
        root: it.
        is_asked: whether the user says that it is such.

    Returns:
        None: it is no such export.

    Raises:
        InputError: its labels cannot be read, or are boxes.
    """
    return _from_lists(root, is_asked=is_asked) if has_labels(root) else _from_names(root, is_asked=is_asked)


def _lists(root: Folder) -> Iterator[tuple[str, PhotoPath]]:
    """Lists of labels, and where in the data set they lie: that of the whole, else one a part."""
    places = [("", root)]
    if not any(file.name == NAME for file in root.files):
        places = [(f"{folder.name}/", folder) for folder in root.folders if part_of(folder.name)]
    return ((at, file) for at, folder in places for file in folder.files if file.name == NAME)


def _from_lists(root: Folder, *, is_asked: bool) -> Reading:
    files = Files(root)
    groups: dict[tuple[str, Part | None], list[PhotoPath]] = {}
    findings: list[Finding] = []
    named: set[str] = set()
    source = root.path
    for folder, source in _lists(root):
        samples = _samples(source)
        boxed = sum(bool(sample.boxes) for sample in samples)
        if boxed * 2 > len(samples) and not is_asked:
            message = (
                f"{shown(source)}: labels of boxes in pictures (object detection), not of pictures; "
                "if the pictures have labels of their own too, --layout edge-impulse takes them"
            )
            raise InputError(message)
        for sample in samples:
            file = files.find(sample.path, folder)
            if file is None:
                findings.append(Finding(source, f"names {sample.path[:200]!r}, which is no picture there: left out"))
            elif not sample.name:
                named.add(file.within)
                findings.append(Finding(file.path, "without a label, or with several: left out"))
            elif file.within not in named:
                named.add(file.within)
                part = part_of(sample.category) or file.part
                groups.setdefault((sample.name, part), []).append(file.path)
    findings += files.unnamed(named, source)
    made = tuple(Group(name, source, part, tuple(paths)) for (name, part), paths in groups.items())
    if not made:
        message = (
            f"{shown(source)}: an export of Edge Impulse without a labelled picture; is it one of sensors or sound?"
        )
        raise InputError(message)
    return Reading(f"Edge Impulse: {NAME}", _trained(made), tuple(findings))


def _trained(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Take what is in no part to train with, where others are there for that."""
    if not any(group.part == "train" for group in groups):
        return groups
    return tuple(group._replace(part=group.part or "train") for group in groups)


def _samples(file: PhotoPath) -> list[_Sample]:
    try:
        return msgspec.json.decode(content(file), type=_Labels).files
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"{shown(file)}: no list of labels as Edge Impulse writes them ({str(error).splitlines()[0]})"
        raise InputError(message) from None


def _from_names(root: Folder, *, is_asked: bool) -> Reading | None:
    named = named_parts(root)
    groups: dict[tuple[str, Part | None], list[PhotoPath]] = {}
    places: list[tuple[Folder, Part | None]] = [
        (folder, named[folder.name]) for folder in root.folders if folder.name in named
    ]
    if is_asked and not places:
        places = [(root, None)]
    pictures = [(file, part) for folder, part in places for file in folder.pictures]
    for file, part in pictures:
        label, *others = file.name.split(".")
        if len(others) < PIECES - 1 or (ROBOFLOW in file.name and not is_asked):
            return None
        groups.setdefault((label, part), []).append(file)
    labels = {name for name, _ in groups}
    has_folders = any(folder.folders for folder, _ in places)
    if not labels or (not is_asked and (has_folders or len(labels) * PER_LABEL > len(pictures))):
        return None
    where = {part: folder.path for folder, part in places}
    made = tuple(Group(name, where[part], part, tuple(paths)) for (name, part), paths in groups.items())
    return Reading("Edge Impulse: labels before the first dot of the names", made)
