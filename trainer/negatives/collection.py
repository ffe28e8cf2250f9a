"""What there is in the packages: pictures with the credit of each, as `sources.toml` says."""

from __future__ import annotations

import io
import re
import tomllib
import zipfile
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from PIL import Image

from trainer.negatives import qt_resources
from trainer.negatives.licences import CopyrightFile, Credit, free
from trainer.negatives.packages import Package, PackageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

SOURCES: Final = Path(__file__).with_name("sources.toml")
_LONGEST: Final = 512  # pixels; larger photographs are shrunk as they are read


@dataclass(frozen=True, slots=True)
class Collection:
    """Pictures of one kind in a package; the fields are those of `sources.toml`, which explains them."""

    kind: Literal["photograph", "things"]
    files: tuple[str, ...]
    source: str
    pictures: int
    but: tuple[str, ...] = ()
    inside: Literal["", "qt", "zip"] = ""
    members: tuple[str, ...] = ("*",)
    credit: Literal["", "copyright", "catalogue"] = ""
    begins: str = ""
    stem: str = ""
    author: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a package.

    Attributes:
        source: which source it is of.
        name: its path in the package, for the credits.
        credit: whose it is.
        pixels: uint8 [height, width, 4], RGB and how opaque.
    """

    source: str
    name: str
    credit: Credit
    pixels: NDArray[np.uint8] = field(repr=False)


def read_sources(path: Path = SOURCES) -> list[tuple[Package, list[Collection]]]:
    """The packages, and what is taken from each, in the order of the file."""
    sources = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["package"]:
        collections = [Collection(**_fields(collection)) for collection in entry.pop("collection")]
        sources.append((Package(**entry), collections))
    return sources


def items(files: Mapping[str, bytes], collection: Collection) -> Iterator[Item]:
    """The free pictures of a collection, by path.

    Args:
        files: path and bytes of the files of the package.
        collection: which of them.

    Raises:
        PackageError: the package does not say whose a picture is.
    """
    copyright_file = _copyright(files) if collection.credit == "copyright" else None
    for path, content in _members(files, collection):
        if copyright_file:
            in_source = collection.stem + path.partition(collection.begins)[2]
            found = copyright_file.credit(in_source)
            named = [(path, content, found, PurePosixPath(path).parent.name)] if found else []
        elif collection.credit == "catalogue":
            named = list(_furniture(path, content))
        else:
            named = [(path, content, Credit(collection.author, collection.licence), PurePosixPath(path).parent.name)]
        for name, encoded, credit, folder in named:
            if free(credit.licence):
                yield Item(collection.source.format(folder=folder.lower()), name, credit, _pixels(encoded))


def _fields(collection: dict[str, Any]) -> dict[str, Any]:
    named = {"begins" if key == "from" else key: value for key, value in collection.items()}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in named.items()}


def _copyright(files: Mapping[str, bytes]) -> CopyrightFile:
    for path, content in files.items():
        if re.fullmatch(r"usr/share/doc/[^/]+/copyright", path):
            return CopyrightFile(content.decode("utf-8"))
    message = "this package has no usr/share/doc/*/copyright"
    raise PackageError(message)


def _members(files: Mapping[str, bytes], collection: Collection) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of what is taken; a zip with a catalogue stays whole."""
    for path, content in sorted(files.items()):
        if not _matches(path, collection.files) or _matches(path, collection.but):
            continue
        if collection.inside != "qt":
            yield path, content
            continue
        for name, member in sorted(qt_resources.files(content)):
            if _matches(name, collection.members) and not _matches(name, collection.but):
                yield name, member


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _furniture(path: str, content: bytes) -> Iterator[tuple[str, bytes, Credit, str]]:
    """The icons of a catalogue of Sweet Home 3D's: name, bytes, credit and category of each."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        catalogue = archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
        fields = dict(re.findall(r"^([\w#]+)=(.*?)\s*$", catalogue, re.MULTILINE))
        licence = _creative_commons(fields.get("license", ""))
        icons: dict[str, tuple[Credit, str]] = {}
        for key, icon in fields.items():
            label, _, number = key.partition("#")
            if label == "icon":
                author = f"{fields.get(f'creator#{number}', '')} ({fields.get('name', '')})"
                icons[icon.lstrip("/")] = (Credit(author, licence), fields.get(f"category#{number}", ""))
        names = set(archive.namelist())
        for icon, (credit, category) in sorted(icons.items()):
            if icon in names:
                yield f"{PurePosixPath(path).name}/{icon}", archive.read(icon), credit, category


def _creative_commons(words: str) -> str:
    """`Creative Commons Attribution 3.0 ...` in short; what it is not comes back as it is, and is then not free."""
    if words.startswith("Public domain"):
        return "CC0-1.0"
    found = re.match(r"Creative Commons Attribution ([\d.]+)", words)
    return f"CC-BY-{found[1]}" if found else words


def _pixels(encoded: bytes) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(encoded)).convert("RGBA")
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.BOX)
    return np.asarray(image)
