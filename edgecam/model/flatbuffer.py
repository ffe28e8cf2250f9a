"""Reading a flatbuffer by its fields' numbers, without the code that a schema's compiler makes of it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from flatbuffers import number_types
from flatbuffers.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

# What reading a damaged flatbuffer raises.
BROKEN_TABLE = (struct.error, IndexError, ValueError, StopIteration, KeyError, TypeError)


def root_table(data: bytes) -> Table:
    """The table that a file begins with, as all of what is read here may raise one of BROKEN_TABLE."""
    return Table(data, struct.unpack_from("<I", data)[0])


def slot(field: int) -> int:
    """Where a field's offset lies in the table of offsets."""
    return 4 + 2 * field


def tables(table: Table, field: int) -> Iterator[Table]:
    """The tables in a vector field."""
    offset = table.Offset(slot(field))
    if not offset:
        return
    start = table.Vector(offset)
    for number in range(min(table.VectorLen(offset), len(table.Bytes))):
        yield Table(table.Bytes, table.Indirect(start + 4 * number))


def read_text(table: Table, field: int) -> bytes:
    """The text in a field, not decoded; empty: it is not there."""
    offset = table.Offset(slot(field))
    return bytes(table.String(offset + table.Pos)) if offset else b""


def read_byte(table: Table, field: int) -> int:
    """The byte in a field; 0: it is not there."""
    offset = table.Offset(slot(field))
    return int(table.Get(number_types.Uint8Flags, offset + table.Pos)) if offset else 0


def read_floats(table: Table, field: int) -> tuple[float, ...] | None:
    """The float32 numbers in a vector field; None: it is not there."""
    offset = table.Offset(slot(field))
    if not offset:
        return None
    start, length = table.Vector(offset), table.VectorLen(offset)
    return struct.unpack_from(f"<{length}f", table.Bytes, start)
