"""Reads a PyTorch state dict without PyTorch."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
STORAGE_TYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


class _Tensor(NamedTuple):
    """Where a tensor's numbers lie: its storage's key, and offset, shape and strides in elements."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage: str, offset: int, shape: Any, strides: Any, *_: object) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """Builds nothing but what a state dict is made of, so that a file cannot run code."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        message = f"{module}.{name} does not belong in a state dict"
        raise pickle.UnpicklingError(message)

    def persistent_load(self, pid: Any) -> str:
        _, dtype, key, *_ = pid
        self.dtypes[key] = dtype
        return str(key)


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Read the tensors of a state dict in PyTorch's file format from before version 1.6.

    The format: a magic number, a protocol version and facts of the writer's machine, then the state dict with
    references to storages, then the storages' keys, each of these a pickle; then each storage as the number of its
    elements (int64) and the elements themselves, little-endian.

    Raises:
        ValueError: the file has another format.
    """
    with path.open("rb") as file:
        try:
            magic = _Unpickler(file).load()
        except (pickle.UnpicklingError, EOFError, ValueError):
            magic = None
        if magic != MAGIC:
            message = f"{path}: not a PyTorch state dict in the format from before PyTorch 1.6"
            raise ValueError(message)
        for _ in ("protocol version", "machine"):
            _Unpickler(file).load()
        unpickler = _Unpickler(file)
        tensors: dict[str, _Tensor] = unpickler.load()
        storages = {}
        for key in _Unpickler(file).load():
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            dtype = unpickler.dtypes[key]
            storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {
        name: np.lib.stride_tricks.as_strided(
            storages[tensor.storage][tensor.offset :],
            tensor.shape,
            [stride * storages[tensor.storage].itemsize for stride in tensor.strides],
        )
        for name, tensor in tensors.items()
    }
