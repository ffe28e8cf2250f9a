"""Small made-up packages: a Qt resource file, a Debian package, a package of npm, pictures."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

import cv2
import numpy as np


def resource(members: dict[str, bytes], *, compress: bool = False, version: int = 2) -> bytes:
    """A .rcc with all members in one folder `pictures`."""
    extra = b"\0" * (8 if version > 1 else 0)
    names = data = b""
    starts = []
    for name in ("pictures", *members):
        starts.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    nodes = [struct.pack(">IHII", 0, 2, 1, 1) + extra, struct.pack(">IHII", starts[0], 2, len(members), 2) + extra]
    for start, content in zip(starts[1:], members.values(), strict=True):
        stored = struct.pack(">I", len(content)) + zlib.compress(content) if compress else content
        nodes.append(struct.pack(">IHHHI", start, int(compress), 0, 0, len(data)) + extra)
        data += struct.pack(">I", len(stored)) + stored
    tree = b"".join(nodes)
    begin = 20
    return (
        b"qres" + struct.pack(">4I", version, begin, begin + len(tree), begin + len(tree + data)) + tree + data + names
    )


def tgz(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def png(seed: int, *, cut_out: bool, side: int = 80) -> bytes:
    """A noisy picture; cut out: with a transparent rim."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 4), np.uint8)
    pixels[..., 3] = 255
    if cut_out:
        pixels[: side // 4, :, 3] = 0
    return bytes(cv2.imencode(".png", pixels)[1])
