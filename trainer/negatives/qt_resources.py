"""Reads the files out of a Qt resource file (.rcc), as `rcc --binary` of Qt writes it and GCompris ships its pictures.

The format, as Qt's QResource reads it: `qres`, then as big-endian 32-bit numbers the version and where the tree, the
data and the names begin. A node of the tree: where its name is, flags, and then for a folder how many children it has
and which is the first, for a file where its bytes are. From version 2 on a node has eight bytes more, a time.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZLIB, _FOLDER, _ZSTD = 1, 2, 4
_NODE_LENGTHS: Final = {1: 14, 2: 22, 3: 22}


class ResourceError(ValueError):
    """These bytes are not a Qt resource file that we can read."""


def files(resource: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each file in it, in the order of the tree; what is compressed with zstd is left out.

    Raises:
        ResourceError: it is none, or is cut short.
    """
    try:
        yield from _files(resource)
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        message = f"not a whole Qt resource file: {error}"
        raise ResourceError(message) from None


def _files(resource: bytes) -> Iterator[tuple[str, bytes]]:
    magic, version, tree, data, names = struct.unpack_from(">4s4I", resource)
    if magic != b"qres" or version not in _NODE_LENGTHS:
        message = f"not a Qt resource file of version 1 to 3: {magic!r}, {version}"
        raise ResourceError(message)
    nodes = (len(resource) - tree) // _NODE_LENGTHS[version]
    pending, seen = [(0, "")], 0
    while pending:
        node, folder = pending.pop()
        seen += 1
        if seen > nodes:
            message = "its tree has no end"
            raise ResourceError(message)
        start = tree + node * _NODE_LENGTHS[version]
        name_start, flags = struct.unpack_from(">IH", resource, start)
        path = f"{folder}/{_name(resource, names + name_start)}" if node else ""
        if flags & _FOLDER:
            count, first = struct.unpack_from(">2I", resource, start + 6)
            pending.extend((child, path) for child in reversed(range(first, first + min(count, nodes))))
        elif not flags & _ZSTD:
            (offset,) = struct.unpack_from(">I", resource, start + 10)
            (length,) = struct.unpack_from(">I", resource, data + offset)
            (content,) = struct.unpack_from(f"{length}s", resource, data + offset + 4)
            yield path, zlib.decompress(content[4:]) if flags & _ZLIB else content


def _name(resource: bytes, start: int) -> str:
    """Its length in UTF-16 units, a hash, and the units."""
    (length,) = struct.unpack_from(">H", resource, start)
    (encoded,) = struct.unpack_from(f"{2 * length}s", resource, start + 6)
    return bytes(encoded).decode("utf-16-be")
