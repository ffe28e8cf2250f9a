"""Damages good inputs in the ways that parsers stumble over."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

NUMBERS = (0, 1, 2, 4, 127, 128, 255, 256, 32_767, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)


def mutated(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return one of the seeds with one to eight damages."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        if data:
            chance.choice(DAMAGES)(data, chance)
    return bytes(data)


def _flip_bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set_byte(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _set_number(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data)) & ~3
    data[place : place + 4] = struct.pack("<I", chance.choice(NUMBERS))


def _change_number(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data)) & ~3
    if place + 4 <= len(data):
        value = struct.unpack_from("<I", data, place)[0] + chance.randint(-64, 64)
        struct.pack_into("<I", data, place, value % 2**32)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data))
    del data[place : place + chance.randrange(1, 64)]


def _repeat(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data))
    data[place:place] = data[place : place + chance.randrange(1, 256)]


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip_bit, _set_byte, _set_number, _change_number),
    *(_cut, _remove, _repeat),
)
