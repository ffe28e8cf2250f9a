"""Reads a PyTorch state dict without PyTorch."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
BFLOAT16 = np.dtype("<u2")  # the upper half of a float32, which numpy has no type for
STORAGE_TYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": BFLOAT16,
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
# Where training scripts put the state dict, the smoothed weights first; and what they put before each name.
NESTS = ("state_dict_ema", "model_ema", "ema", "state_dict", "model_state_dict", "model", "net", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "backbone.")


class _Tensor(NamedTuple):
    """Where a tensor's numbers lie: its storage's key, and offset, shape and strides in elements."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def numbers(self, storage: NDArray[Any]) -> NDArray[Any]:
        """Take them out.

        Raises:
            ValueError: they would lie outside the storage.
        """
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides)) < 0 or (0 not in self.shape and last >= storage.size):
            message = "a tensor lies outside its storage; the file is damaged"
            raise ValueError(message)
        if storage.dtype == BFLOAT16:
            storage = (storage.astype(np.uint32) << 16).view(np.float32)
        strides = [stride * storage.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.shape, strides, writeable=False)


def _rebuild_tensor(storage: str, offset: int, shape: Any, strides: Any, *_: object) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor: _Tensor, *_: object) -> _Tensor:
    return tensor


BUILT = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}


class _Unpickler(pickle.Unpickler):
    """Builds nothing but what a state dict is made of, so that a file cannot run code."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in BUILT:
            return BUILT[module, name]
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        message = f"{module}.{name} does not belong in a state dict; save model.state_dict() alone"
        raise pickle.UnpicklingError(message)

    def persistent_load(self, pid: Any) -> str:
        _, dtype, key, *_ = pid
        self.dtypes[str(key)] = dtype
        return str(key)


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Read the tensors of a file that ``torch.save`` has written, by their names without ``module.`` and the like.

    It may be a state dict or a checkpoint that holds one. bfloat16 becomes float32.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, or holds other things than tensors.
    """
    with path.open("rb") as file:
        try:
            return _of_archive(file) if zipfile.is_zipfile(file) else _of_pickles(file)
        except (OSError, ValueError):
            raise
        except Exception as error:  # noqa: BLE001  a damaged pickle or archive may raise anything
            message = str(error).strip() or type(error).__name__
            raise ValueError(message) from None


def _of_archive(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """PyTorch's format since version 1.6: an archive with a pickle, ``*/data.pkl``, and storages, ``*/data/KEY``."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        folder = next((name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")), None)
        if folder is None:
            message = "an archive without data.pkl, which is no PyTorch state dict"
            raise ValueError(message)
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            message = "written on a machine whose numbers begin with the greatest byte"
            raise ValueError(message)
        with archive.open(f"{folder}data.pkl") as pickled:
            unpickler = _Unpickler(pickled)  # type: ignore[arg-type]  # it reads
            tensors = _tensors(unpickler.load())
        dtypes = unpickler.dtypes
        wanted = {tensor.storage for tensor in tensors.values()}
        storages = {key: np.frombuffer(archive.read(f"{folder}data/{key}"), dtypes[key]) for key in wanted}
    return {name: tensor.numbers(storages[tensor.storage]) for name, tensor in tensors.items()}


def _of_pickles(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """PyTorch's format from before version 1.6.

    A magic number, a protocol version and facts of the writer's machine, then the state dict with references to
    storages, then the storages' keys, each of these a pickle; then each storage as the number of its elements (int64)
    and the elements themselves, little-endian.
    """
    file.seek(0)
    try:
        magic = _Unpickler(file).load()
    except Exception:  # noqa: BLE001  whatever else it may be
        magic = None
    if magic != MAGIC:
        message = "not a PyTorch state dict"
        raise ValueError(message)
    for _ in ("protocol version", "machine"):
        _Unpickler(file).load()
    unpickler = _Unpickler(file)
    tensors = _tensors(unpickler.load())
    storages = {}
    for key in _Unpickler(file).load():
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        dtype = unpickler.dtypes[str(key)]
        storages[str(key)] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: tensor.numbers(storages[tensor.storage]) for name, tensor in tensors.items()}


def _tensors(saved: Any) -> dict[str, _Tensor]:
    """Find the state dict in what was saved, and the plain names in it."""
    while isinstance(saved, dict):
        nest = next((name for name in NESTS if isinstance(saved.get(name), dict)), None)
        if nest is None:
            break
        saved = saved[nest]
    items = saved.items() if isinstance(saved, dict) else ()
    found = {str(name): each for name, each in items if isinstance(each, _Tensor)}
    if not found:
        message = "no tensors in it; expected what torch.save(model.state_dict(), ...) writes"
        raise ValueError(message)
    while prefix := next((each for each in PREFIXES if all(name.startswith(each) for name in found)), None):
        found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found
