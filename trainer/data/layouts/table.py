"""A table (CSV) of files and their classes: a row a picture; and Roboflow's, with a column a class."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from trainer.data.findings import Finding, printable, shown
from trainer.data.layouts.files import Files, content
from trainer.data.layouts.part_names import part_of
from trainer.data.layouts.reading import Group, Reading
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trainer.data.findings import PhotoPath
    from trainer.data.layouts.part_names import Part
    from trainer.data.layouts.tree import Folder

# What the columns are called, without spaces, hyphens and underscores; the likelier names come first.
FILE = "filepath imagepath path filename imagefilename file filepaths imagename image images img imageid photo id name"
CLASS = "classname label labels class category species breed target dx diagnosis classid labelid y"
PART = "split subset set part partition dataset usage"
BOXES = {"xmin", "ymin", "bbox", "xcenter", "boundingbox"}
ROBOFLOW = "_classes.csv"
UTF16 = (b"\xff\xfe", b"\xfe\xff")  # as spreadsheets save "Unicode text"
ONES, ZEROS = {"1", "1.0"}, {"0", "0.0", ""}
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file that has been read.

    Attributes:
        file: it.
        folder: in which it lies, within the data set: empty, or ending in a slash.
        header: its first row, as the columns are told by.
        titles: the same as written.
        rows: all others.
    """

    file: PhotoPath
    folder: str
    header: tuple[str, ...]
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, names: str) -> int | None:
        """Where the likeliest of some columns is."""
        return next((self.header.index(name) for name in names.split() if name in self.header), None)

    @property
    def part(self) -> Part | None:
        """As its name or its folder says."""
        return part_of(self.file.name.rsplit(".", 1)[0]) or part_of(self.folder.rstrip("/").rpartition("/")[2])

    @property
    def classes_by_column(self) -> dict[int, str]:
        """The classes, where each has a column of 0 and 1; empty: it is not so."""
        others = {self.column(FILE), self.column(PART)}
        columns = {at: title for at, title in enumerate(self.titles) if at not in others}
        flags = ONES | ZEROS
        if not self.rows or any(row[at] not in flags for row in self.rows for at in columns if at < len(row)):
            return {}
        return columns

    @property
    def is_of_classes(self) -> bool:
        """Whether it says what files show."""
        if self.column(FILE) is None or "submission" in self.file.name.lower() or BOXES & {*self.header}:
            return False
        least = 1 if self.file.name == ROBOFLOW else 2
        has_label = self.file.name != ROBOFLOW and self.column(CLASS) is not None
        return has_label or len(self.classes_by_column) >= least


def tables(root: Folder) -> list[Table]:
    """The CSV files of a data set: at its top, and at the top of its parts.

    Raises:
        InputError: one cannot be read.
    """
    places = [("", root), *((f"{folder.name}/", folder) for folder in root.folders if part_of(folder.name))]
    return [
        table(file, at)
        for at, folder in places
        for file in folder.files
        if file.name.lower().endswith((".csv", ".tsv"))
    ]


def table(file: PhotoPath, folder: str = "") -> Table:
    """Read a CSV file: with commas, semicolons or tabs. One that is no table has no columns.

    Raises:
        InputError: it cannot be read at all.
    """
    raw = content(file)
    text = raw.decode("utf-16" if raw[:2] in UTF16 else "utf-8-sig", errors="replace")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        rows = [tuple(cell.strip() for cell in row) for row in lines if row]
    except csv.Error:
        rows = []
    titles, *others = rows or [()]
    header = tuple("".join(letter for letter in title.casefold() if letter not in " -_") for title in titles)
    return Table(file, folder, header, titles, tuple(others))


def read(root: Folder, *, only_roboflow: bool = False) -> Reading | None:
    """What the tables say.

    Returns:
        None: there is none that names files which are there.

    Raises:
        InputError: a table cannot be read, or two say the same.
    """
    found = [each for each in tables(root) if each.is_of_classes]
    found = [each for each in found if (each.file.name == ROBOFLOW) or not only_roboflow]
    if not found:
        return None
    files = Files(root)
    used = [each for each in found if any(_files_of(each, files))]
    if not used:
        return None
    _check(used)
    return _reading(used, files)


def _check(used: Sequence[Table]) -> None:
    """Refuse several tables of one part.

    Raises:
        InputError: there are.
    """
    first: dict[Part | None, Table] = {}
    for each in used:
        other = first.setdefault(each.part, each)
        if other is not each or (None in first and len(first) > 1):
            other = first.get(None, other)
            one, two = (shown(file) for file in sorted((each.file, other.file), key=str))
            message = f"{one}: names files and their classes, as {two} does; leave one of them there"
            raise InputError(message)


def _files_of(each: Table, files: Files) -> Iterator[bool]:
    column = each.column(FILE) or 0
    return (column < len(row) and files.find(row[column], each.folder, each.part) is not None for row in each.rows)


def _reading(used: Sequence[Table], files: Files) -> Reading:
    findings: list[Finding] = []
    named: set[str] = set()
    labels: dict[str, _Label] = {}
    for each in used:
        for called, names, part in _rows(each):
            file = files.find(called, each.folder, part)
            if file is None:
                findings.append(Finding(each.file, f"names {printable(called)[:200]}, which is not there: left out"))
            elif len(names) != 1:
                named.add(file.within)
                what = f"of {len(names)} classes ({printable(', '.join(names[:SHOWN]))})" if names else "of no class"
                findings.append(Finding(file.path, f"{what}: left out"))
            elif file.within not in labels:
                named.add(file.within)
                labels[file.within] = _Label(names[0], each.file, part or file.part, file.path)
            elif labels[file.within].name != names[0]:
                findings.append(Finding(file.path, f"of another class in another row of {each.file.name}: left out"))
                labels[file.within] = labels[file.within]._replace(name="")
    findings += files.unnamed(named, used[0].file)
    kind = "Roboflow CSV" if used[0].file.name == ROBOFLOW else "CSV"
    tables_used = ", ".join(f"{each.folder}{each.file.name}" for each in used)
    return Reading(f"{kind}: {tables_used}", _groups(labels), tuple(findings))


class _Label(NamedTuple):
    """What a table says of a picture; without a name where it says two things."""

    name: str
    source: PhotoPath
    part: Part | None
    path: PhotoPath


def _groups(labels: Mapping[str, _Label]) -> tuple[Group, ...]:
    is_parted = any(label.part == "train" for label in labels.values())
    groups: dict[tuple[str, Part | None], list[_Label]] = {}
    for _, label in sorted(labels.items()):
        if label.name:
            groups.setdefault((label.name, label.part or ("train" if is_parted else None)), []).append(label)
    return tuple(
        Group(name, found[0].source, part, tuple(label.path for label in found))
        for (name, part), found in groups.items()
    )


def _rows(each: Table) -> Iterator[tuple[str, list[str], Part | None]]:
    """Each picture that is named, its classes and its part."""
    file_at, class_at, part_at = each.column(FILE) or 0, each.column(CLASS), each.column(PART)
    by_column = {} if class_at is not None and each.file.name != ROBOFLOW else each.classes_by_column
    for row in each.rows:
        if file_at >= len(row) or not row[file_at]:
            continue
        part = part_of(row[part_at]) if part_at is not None and part_at < len(row) else None
        if by_column:
            names = [title for at, title in by_column.items() if at < len(row) and row[at] in ONES]
        else:
            names = [row[class_at]] if class_at is not None and class_at < len(row) and row[class_at] else []
        yield row[file_at], names, part or each.part
