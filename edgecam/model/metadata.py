"""What a .tflite file tells of itself: its labels, and how it wants its pixels.

The format is https://ai.google.dev/edge/litert/models/metadata. Only the few fields that a classifier needs are read,
by their numbers in the published schemas: the libraries that know the whole of it are dead (tflite-support) or too
heavy for a Pi (mediapipe).
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flatbuffers import number_types
from flatbuffers.table import Table

from edgecam.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY = b"TFLITE_METADATA"
AXIS_LABELS = 2  # AssociatedFileType.TENSOR_AXIS_LABELS
NORMALISATION = 1  # ProcessUnitOptions.NormalizationOptions
LABELS_MAX_BYTES = 4_000_000
# What reading a damaged flatbuffer raises, and a damaged archive: encrypted, of an unknown method, cut short.
BROKEN_TABLE = (struct.error, IndexError, ValueError, StopIteration, KeyError, TypeError)
BROKEN_ARCHIVE = (zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class Metadata:
    """``labels``: one a score; ``mean`` and ``std``: the model takes (pixel - mean) / std; None where not told."""

    labels: tuple[str, ...] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def read_metadata(file: bytes) -> Metadata:
    """Read labels and normalisation from the bytes of a .tflite file.

    Raises:
        ModelError: the bytes are no flatbuffer, or what is in it cannot be right.
    """
    try:
        root = _find(file)
        if root is None:
            return Metadata()
        graph = next(_tables(root, 3))
        mean, std = _normalisation(next(_tables(graph, 2), None))
        name = _labels_file(next(_tables(graph, 3), None))
        return Metadata(_read_labels(file, name) if name else None, mean, std)
    except (*BROKEN_TABLE, *BROKEN_ARCHIVE) as error:
        message = f"its metadata is broken ({error or type(error).__name__})"
        raise ModelError(message) from None


def parse_labels(text: str) -> tuple[str, ...]:
    """Split the text of a label file: a label a line, blank lines at the end left out."""
    return tuple(line.strip() for line in text.rstrip().splitlines())


def _find(file: bytes) -> Table | None:
    """The root of the metadata flatbuffer within the model's, if it has one."""
    model = _root(file)
    buffers = list(_tables(model, 4))
    for entry in _tables(model, 6):
        if _text(entry, 0) == ENTRY:
            field = entry.Offset(_slot(1))
            number = entry.Get(number_types.Uint32Flags, field + entry.Pos) if field else 0
            data = buffers[number].Offset(_slot(0))
            start, length = buffers[number].Vector(data), buffers[number].VectorLen(data)
            return _root(file[start : start + length])
    return None


def _root(data: bytes) -> Table:
    return Table(data, struct.unpack_from("<I", data)[0])


def _slot(field: int) -> int:
    return 4 + 2 * field


def _tables(table: Table, field: int) -> Iterator[Table]:
    """The tables in a vector field."""
    offset = table.Offset(_slot(field))
    if not offset:
        return
    start = table.Vector(offset)
    for number in range(min(table.VectorLen(offset), len(table.Bytes))):
        yield Table(table.Bytes, table.Indirect(start + 4 * number))


def _text(table: Table, field: int) -> bytes:
    offset = table.Offset(_slot(field))
    return bytes(table.String(offset + table.Pos)) if offset else b""


def _byte(table: Table, field: int) -> int:
    offset = table.Offset(_slot(field))
    return int(table.Get(number_types.Uint8Flags, offset + table.Pos)) if offset else 0


def _floats(table: Table, field: int) -> tuple[float, ...] | None:
    offset = table.Offset(_slot(field))
    if not offset:
        return None
    start, length = table.Vector(offset), table.VectorLen(offset)
    return struct.unpack_from(f"<{length}f", table.Bytes, start)


def _normalisation(tensor: Table | None) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    for unit in _tables(tensor, 4) if tensor else ():
        offset = unit.Offset(_slot(1))
        if _byte(unit, 0) == NORMALISATION and offset:
            options = Table(unit.Bytes, unit.Indirect(offset + unit.Pos))
            return _floats(options, 0), _floats(options, 1)
    return None, None


def _labels_file(tensor: Table | None) -> str | None:
    for file in _tables(tensor, 6) if tensor else ():
        if _byte(file, 2) == AXIS_LABELS:
            return _text(file, 0).decode()
    return None


def _read_labels(file: bytes, name: str) -> tuple[str, ...]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        if archive.getinfo(name).file_size > LABELS_MAX_BYTES:
            message = f"{name} is larger than {LABELS_MAX_BYTES} bytes"
            raise ValueError(message)
        return parse_labels(archive.read(name).decode())
