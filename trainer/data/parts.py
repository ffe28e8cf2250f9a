"""Which photographs a model was trained, validated and tested with, kept with the model.

So that what it is tested with later is known to be new to it, and so that photographs which are added do not move
those that were there before.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from trainer.data.listing import Part, PhotoPath
    from trainer.data.split import Split

SPLIT_FILE = "split.json"
DIGEST_BYTES = 8  # two of a million different files are the same in these with a chance of 1 in 37 million
PIECE_BYTES = 1 << 20
_PARTS: tuple[Part, ...] = ("train", "validation", "test")


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content: the digests of each part behind one another, in base64."""

    train: bytes
    validation: bytes
    test: bytes


def digest_of(photograph: PhotoPath) -> bytes:
    """Tell a file by its content: the first ``DIGEST_BYTES`` of its SHA-256.

    Raises:
        OSError: it cannot be read.
    """
    content = hashlib.sha256()
    with photograph.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            content.update(piece)
    return content.digest()[:DIGEST_BYTES]


def digest_if_readable(photograph: PhotoPath) -> bytes:
    """The same; empty where the file cannot be read, of which those are told who want to see it."""
    try:
        return digest_of(photograph)
    except OSError:
        return b""


@dataclass(frozen=True, slots=True)
class Parts:
    """The part of each photograph, by the digest of its file's content.

    Attributes:
        by_digest: from the first ``DIGEST_BYTES`` of a file's SHA-256.
    """

    by_digest: Mapping[bytes, Part]

    def part_of(self, digest: bytes) -> Part | None:
        """What a photograph served for; None: it was not there."""
        return self.by_digest.get(digest[:DIGEST_BYTES])

    @classmethod
    def of(cls, split: Split, digests: Mapping[int, bytes]) -> Parts:
        """Record a split.

        Args:
            split: indices of photographs.
            digests: by their index; more of them may be there.
        """
        return cls({digests[index][:DIGEST_BYTES]: part for part in _PARTS for index in getattr(split, part).tolist()})

    def encode(self) -> bytes:
        """Make ``split.json`` of it: about 11 bytes a photograph, the same ones for the same parts."""
        return msgspec.json.encode(_Record(*(b"".join(sorted(self._in(part))) for part in _PARTS)))

    @classmethod
    def decode(cls, content: bytes) -> Parts:
        """Read what ``encode`` made.

        Raises:
            ValueError: it is something else.
        """
        record = msgspec.json.decode(content, type=_Record)
        return cls({digest: part for part in _PARTS for digest in _digests(getattr(record, part))})

    @classmethod
    def read(cls, path: Path) -> Parts | None:
        """Read them from a ``split.json``, or out of a .tflite file that carries one.

        Returns:
            None: the model carries none.

        Raises:
            InputError: the file cannot be read, or holds something else under that name.
        """
        try:
            content = path.read_bytes() if path.suffix == ".json" else _carried(path)
            return None if content is None else cls.decode(content)
        except OSError as error:
            message = f"{path}: {in_words(error)}"
        except (ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
            message = f"{path}: its {SPLIT_FILE} is not one of the trainer's: {error}"
        raise InputError(message)

    def _in(self, part: Part) -> Iterator[bytes]:
        return (digest for digest, where in self.by_digest.items() if where == part)


def _carried(model: Path) -> bytes | None:
    """The file among those behind a model."""
    if not zipfile.is_zipfile(model):
        with model.open("rb"):
            return None
    with zipfile.ZipFile(model) as files:
        return files.read(SPLIT_FILE) if SPLIT_FILE in files.namelist() else None


def _digests(joined: bytes) -> Iterable[bytes]:
    if len(joined) % DIGEST_BYTES:
        message = f"expected digests of {DIGEST_BYTES} bytes each"
        raise ValueError(message)
    return (joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES))
