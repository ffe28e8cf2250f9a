"""Pictures of one size in a file, as all of them may not fit into memory."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Pixels(Protocol):
    """Pictures by their indices: an array, or a file that is used like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Pictures, height, width, 3."""

    def __getitem__(self, indices: Any, /) -> NDArray[np.uint8]:
        """Return uint8 [height, width, 3] of one index, [indices, height, width, 3] of several; RGB."""


class PixelFile:
    """A file of pictures, uint8 [pictures, height, width, 3], black at first.

    It is read and written, not mapped: pages of a mapped file count as memory that is used, and a disk that has become
    full would kill the process.
    """

    def __init__(self, file: Path, shape: tuple[int, int, int, int]) -> None:
        """Make it, and take all of its room on the disk.

        Raises:
            OSError: there is no room, or it cannot be written.
        """
        self.shape: tuple[int, ...] = shape
        self._bytes = int(np.prod(shape[1:]))
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        weakref.finalize(self, os.close, self._descriptor)
        os.posix_fallocate(self._descriptor, 0, shape[0] * self._bytes)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Any, /) -> NDArray[np.uint8]:
        """Read one picture of an index, several of an array of them.

        Raises:
            IndexError: there is none.
        """
        wanted = np.asarray(indices)
        read = np.empty((wanted.size, *self.shape[1:]), np.uint8)
        for place, index in enumerate(wanted.ravel().tolist()):
            os.preadv(self._descriptor, [read[place].reshape(-1).data], self._offset(index))
        return read.reshape((*wanted.shape, *self.shape[1:]))

    def __setitem__(self, index: int, picture: NDArray[np.uint8], /) -> None:
        """Write one picture.

        Raises:
            IndexError: there is none.
            OSError: it cannot be written.
        """
        if picture.shape != self.shape[1:] or picture.dtype != np.uint8:
            message = f"expected uint8 {self.shape[1:]}, got {picture.dtype} {picture.shape}"
            raise ValueError(message)
        os.pwrite(self._descriptor, np.ascontiguousarray(picture).data, self._offset(index))

    def _offset(self, index: int) -> int:
        if not 0 <= index < len(self):
            message = f"picture {index} of {len(self)}"
            raise IndexError(message)
        return index * self._bytes
