"""What a .tflite file tells of itself: its labels, and how it wants its pixels.

The format is https://ai.google.dev/edge/litert/models/metadata. Only the few fields that a classifier needs are read,
by their numbers in the published schemas: the libraries that know the whole of it are dead (tflite-support) or too
heavy for a Pi (mediapipe).
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, get_args

import msgspec
from flatbuffers import number_types
from flatbuffers.table import Table

from edgecam.camera.fit import Fit
from edgecam.errors import ModelError
from edgecam.model.flatbuffer import BROKEN_TABLE, read_byte, read_floats, read_text, root_table, slot, tables
from edgecam.model.labels.files import BROKEN_ARCHIVE, in_archive, unpacked
from edgecam.model.plan import Graph

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRY = b"TFLITE_METADATA"
AXIS_LABELS = 2  # AssociatedFileType.TENSOR_AXIS_LABELS
NORMALISATION = 1  # ProcessUnitOptions.NormalizationOptions
OWN_FILE = "edgecam.json"  # what only edgecam asks for, in the archive beside the labels
OWN_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a model tells of itself; None where it does not.

    Attributes:
        labels: the name of the file with a label a score, which may be among ``files``.
        files: those of the archive behind the model in which labels may be.
        mean: the model takes (pixel - mean) / std: one number, or one a channel.
        std: likewise.
        groups: of labels that count as one, by name.
        neutral: labels that begin no event.
        fit: how a picture of another shape is made to fit, as it was in training.
        thresholds: from which score on a label begins an event, by label.
        graphs: with which it was measured by who made it, and which may so be chosen.
    """

    labels: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neutral: tuple[str, ...] | None = None
    fit: Fit | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    graphs: tuple[Graph, ...] | None = None


class _Own(msgspec.Struct, frozen=True):
    """OWN_FILE; keys that a later edgecam may know are passed over."""

    groups: dict[str, tuple[str, ...]] = {}
    neutral: tuple[str, ...] | None = None
    fit: Fit | None = None
    thresholds: dict[str, Annotated[float, msgspec.Meta(ge=0, le=1)]] = {}
    graphs: tuple[str, ...] | None = None

    def completing(self, told: Metadata) -> Metadata:
        """Add what is in here to what the rest of the model tells."""
        known = None if self.graphs is None else tuple(each for each in get_args(Graph) if each in self.graphs)
        return replace(
            told, groups=self.groups, neutral=self.neutral, fit=self.fit, thresholds=self.thresholds, graphs=known
        )


def read_metadata(file: bytes) -> Metadata:
    """Read what the bytes of a .tflite file tell of the model.

    Raises:
        ModelError: the bytes are no flatbuffer, or what is in it cannot be right.
    """
    try:
        root, archive = _find(file), _archive(file)
        own = _read_own(archive) if archive else _Own()
        if root is None:
            files = in_archive(archive, None) if archive else {}
            return own.completing(Metadata(files=files))
        graph = next(tables(root, 3))
        mean, std = _normalisation(next(tables(graph, 2), None))
        labels = _labels_file(next(tables(graph, 3), None))
        files = in_archive(archive, labels) if archive else {}
        return own.completing(Metadata(labels, files, mean, std))
    except (*BROKEN_TABLE, *BROKEN_ARCHIVE) as error:
        message = f"its metadata is broken ({error or type(error).__name__})"
        raise ModelError(message) from None


def _find(file: bytes) -> Table | None:
    """The root of the metadata flatbuffer within the model's, if it has one."""
    model = root_table(file)
    buffers = list(tables(model, 4))
    for entry in tables(model, 6):
        if read_text(entry, 0) == ENTRY:
            field = entry.Offset(slot(1))
            number = entry.Get(number_types.Uint32Flags, field + entry.Pos) if field else 0
            data = buffers[number].Offset(slot(0))
            start, length = buffers[number].Vector(data), buffers[number].VectorLen(data)
            return root_table(file[start : start + length])
    return None


def _normalisation(tensor: Table | None) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    for unit in tables(tensor, 4) if tensor else ():
        offset = unit.Offset(slot(1))
        if read_byte(unit, 0) == NORMALISATION and offset:
            options = Table(unit.Bytes, unit.Indirect(offset + unit.Pos))
            return read_floats(options, 0), read_floats(options, 1)
    return None, None


def _labels_file(tensor: Table | None) -> str | None:
    for file in tables(tensor, 6) if tensor else ():
        if read_byte(file, 2) == AXIS_LABELS:
            return read_text(file, 0).decode()
    return None


def _archive(file: bytes) -> zipfile.ZipFile | None:
    """The files that lie behind the flatbuffer, if there are any."""
    try:
        return zipfile.ZipFile(io.BytesIO(file))
    except zipfile.BadZipFile:
        return None


def _read_own(archive: zipfile.ZipFile) -> _Own:
    if OWN_FILE not in archive.namelist():
        return _Own()
    text = unpacked(archive, archive.getinfo(OWN_FILE), OWN_MAX_BYTES).decode()
    try:
        own = msgspec.json.decode(text, type=_Own)
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"{OWN_FILE}: {error}".replace("`", "")
        raise ValueError(message) from None
    owners: dict[str, str] = {}
    for group, labels in own.groups.items():
        for label in labels:
            if owners.setdefault(label, group) != group:
                message = f"{OWN_FILE}: groups: {label} is in {owners[label]} and in {group}"
                raise ValueError(message)
    return own
