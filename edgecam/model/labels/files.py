"""Where a model's labels are: in the file that the settings name, in the model, or in a file beside it."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edgecam.errors import ModelError, in_words
from edgecam.model.labels.formats import MAX_BYTES, Reading, readings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgecam import config

REMEDY = "name the file with a line for each score in model.labels"
# What reading a damaged archive raises: encrypted, of an unknown method, cut short.
BROKEN_ARCHIVE = (zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error, lzma.LZMAError)
# {} is the model's name. Those that also tell who made the model stand first.
BESIDE = (
    "{}.txt",
    "{}_labels.txt",
    "{}-labels.txt",
    "signature.json",
    "labels.txt",
    "label.txt",
    "labelmap.txt",
    "label_map.txt",
    "dict.txt",
    "classes.txt",
    "class_names.txt",
    "class_names.json",
    "labels.json",
    "class_indices.json",
    "classes.json",
    "{}.json",
    "{}_labels.json",
    "metadata.yaml",
    "data.yaml",
    "labels.yaml",
    "labels.yml",
    "classes.yaml",
    "{}.yaml",
    "{}.yml",
    "labels.csv",
    "classes.csv",
    "class_names.csv",
    "{}.csv",
    "{}_labels.csv",
    "{}.names",
    "classes.names",
    "labelmap.pbtxt",
    "label_map.pbtxt",
    "metadata.json",
)
MARKED = ("signature.json", "metadata.json", "metadata.yaml")  # that tell who made the model, whoever has the labels
IN_ARCHIVE = ("metadata.json", "temp_meta.txt", "meta.txt", *(name for name in BESIDE if "{}" not in name))
MOST_IN_ARCHIVE = 16
WITH_BACKGROUND = 1001  # scores of Google's classifiers: ImageNet's 1000 classes, and one for none of them
MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FoundLabels:
    """A model's labels.

    Attributes:
        labels: one a score; of a model with one score one, or two: for a low score and for a high one.
        place: where they are, for people: "its metadata", "metadata.json in it", or a path.
        form: the format as it was understood, for people.
        is_numbered: it is just as Teachable Machine writes labels: each with its index from 0 and a blank in front.
        maker: of whose making the model is by its labels, "yolo", "lobe" or "teachable machine"; empty: nothing tells.
    """

    labels: tuple[str, ...]
    place: str
    form: str
    is_numbered: bool = False
    maker: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: str
    name: str
    content: bytes | Path

    def readings(self) -> list[Reading]:
        """How it may be meant.

        Raises:
            ModelError: it cannot be read, or no labels are in it.
        """
        try:
            return readings(_read(self.content) if isinstance(self.content, Path) else self.content, self.name)
        except ModelError as error:
            message = f"{self.place}: {error}" + ("" if error.remedy else f"; {REMEDY}")
            raise ModelError(message) from None


def find(
    settings: config.ModelSettings, path: Path, count: int, named: str | None, archive: Mapping[str, bytes]
) -> FoundLabels:
    """Find the labels: in the named file alone, else in the model, else in a file beside it: where the number fits.

    Args:
        settings: which may name a file of labels.
        path: of the model.
        count: scores that the model has.
        named: the file of the archive that the model's metadata name as that of its labels.
        archive: the files in the model in which labels may be, see ``in_archive``.

    Raises:
        ModelError: there are none, or they cannot be read, or their number is another.
    """
    refusal: ModelError | None = None
    for candidate in _candidates(settings, path, named, archive):
        try:
            meant = candidate.readings()
            fitting = next((reading for reading in meant if _fits(reading.labels, count)), None)
            if fitting:
                maker = fitting.maker or _maker(path, fitting.labels)
                return FoundLabels(fitting.labels, candidate.place, fitting.form, fitting.is_numbered, maker)
            _refuse(candidate.place, meant[0], count)
        except ModelError as error:
            refusal = refusal or error
    if refusal:
        raise refusal
    message = f"no labels in it, nor in {path.stem}.txt, labels.txt or the like beside it; {_remedy(path)}"
    raise ModelError(message)


def beside(path: Path) -> list[Path]:
    """The files beside a model in which its labels may be, whatever the case of their names: the likeliest first."""
    order = {name.format(path.stem).casefold(): place for place, name in reversed([*enumerate(BESIDE)])}
    files = [file for file in _files(path.parent) if file.name.casefold() in order]
    return sorted(files, key=lambda file: (order[file.name.casefold()], file.name))


def in_archive(archive: zipfile.ZipFile, named: str | None) -> dict[str, bytes]:
    """Unpack the files behind a model in which its labels may be, of at most MAX_BYTES each.

    Args:
        archive: the files behind the model.
        named: the one that its metadata name, which must be readable if it is there.

    Raises:
        ValueError: that one is too large, or packed in a way that labels are not.
        BROKEN_ARCHIVE: that one cannot be read.
    """
    entries = {entry.filename: entry for entry in archive.infolist()}
    found = {}
    if named is not None and named in entries:
        found[named] = unpacked(archive, entries[named], MAX_BYTES)
    for entry in [entry for name, entry in entries.items() if name != named and _is_likely(name)][:MOST_IN_ARCHIVE]:
        try:
            found[entry.filename] = unpacked(archive, entry, MAX_BYTES)
        except (ValueError, *BROKEN_ARCHIVE):
            continue  # it may be nobody's labels
    return found


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Unpack a file of at most so many bytes, whatever the archive says of its size.

    Raises:
        ValueError: it is larger, or packed by another method than those that can be unpacked in parts.
        BROKEN_ARCHIVE: it cannot be read.
    """
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        message = f"{entry.filename} is packed by a method that is not known"
        raise ValueError(message)
    with archive.open(entry) as file:
        content = file.read(most + 1)
    if len(content) > most:
        message = f"{entry.filename} is larger than {most} bytes"
        raise ValueError(message)
    return content


def repeated(labels: Sequence[str]) -> str:
    """Tell which labels a model has more than once; empty: none."""
    names = [repr(name) for name, count in Counter(labels).items() if count > 1]
    if not names:
        return ""
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return (
        f"several of the model's classes are called {', '.join(names[:MOST_SHOWN])}{more}: they count as one; give "
        "each a name of its own in the file of labels"
    )


def _candidates(
    settings: config.ModelSettings, path: Path, named: str | None, archive: Mapping[str, bytes]
) -> Iterator[_Candidate]:
    if settings.labels:
        file = Path(settings.labels)
        yield _Candidate(settings.labels, file.name, file)
        return
    if named is not None and named in archive:
        yield _Candidate("its metadata", named, archive[named])
    for name in sorted(archive, key=_likeliness):
        if name != named:
            yield _Candidate(f"{name} in it", name, archive[name])
    for file in beside(path):
        yield _Candidate(str(file), file.name, file)


def _read(file: Path) -> bytes:
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):  # opening a pipe would wait for its other end
            message = "not a file"
            raise ModelError(message)
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(in_words(error)) from None


def _fits(labels: Sequence[str], count: int) -> bool:
    return len(labels) == count or (count == 1 and len(labels) == 2)  # noqa: PLR2004  one for a low score, one for a high


def _refuse(place: str, reading: Reading, count: int) -> None:
    """Say that the number of labels is another than that of scores.

    Raises:
        ModelError: always.
    """
    number, remedy = len(reading.labels), REMEDY
    if (number, count) == (WITH_BACKGROUND - 1, WITH_BACKGROUND):
        remedy = "its first score is probably that of the background: begin the labels with a line 'background'"
    elif (number, count) == (WITH_BACKGROUND, WITH_BACKGROUND - 1):
        remedy = f"{reading.labels[0]!r} is probably the background, which it lacks: leave the first line out"
    elif count == 1:
        remedy = "name a file with two lines in model.labels: for a low score, and for a high one"
    labels, scores = "label" if number == 1 else "labels", "score" if count == 1 else "scores"
    message = f"{place}: {number} {labels} ({reading.form}), but the model has {count} {scores}; {remedy}"
    raise ModelError(message)


def _remedy(path: Path) -> str:
    """What to do where no labels are found: a file whose name speaks of labels may be meant."""
    near = sorted(file.name for file in _files(path.parent) if "label" in file.stem.casefold())
    near = [name for name in near if PurePosixPath(name).suffix.lower() in {".txt", ".json", ".csv", ".yaml", ".pbtxt"}]
    return f"set model.labels = {path.with_name(near[0])}, if these are its" if near else "name a file in model.labels"


def _maker(path: Path, labels: tuple[str, ...]) -> str:
    """Whose mark lies beside a model: a file with the same labels."""
    for file in beside(path):
        if file.name.casefold() in MARKED:
            try:
                meant = readings(_read(file), file.name)
            except ModelError:
                continue
            if maker := next((each.maker for each in meant if each.labels == labels and each.maker), ""):
                return maker
    return ""


def _files(folder: Path) -> list[Path]:
    try:
        return [file for file in folder.iterdir() if file.is_file()]
    except OSError:
        return []


def _is_likely(name: str) -> bool:
    plain = PurePosixPath(name.casefold())
    return plain.name in IN_ARCHIVE or ("label" in plain.stem and plain.suffix in {".txt", ".json", ".csv"})


def _likeliness(name: str) -> tuple[int, str]:
    plain = PurePosixPath(name.casefold()).name
    return (IN_ARCHIVE.index(plain) if plain in IN_ARCHIVE else len(IN_ARCHIVE)), name
