"""Reading a PyTorch state dict without PyTorch."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from trainer.network.torch_weights import MAGIC, read_state_dict

if TYPE_CHECKING:
    from pathlib import Path


def _global(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


def state_dict(tensors: dict[str, np.ndarray[Any, np.dtype[np.float32]]], rebuild: bytes | None = None) -> bytes:
    """The bytes that ``torch.save`` of before 1.6 writes for float32 tensors, put together by opcodes."""
    body = b"\x80\x02" + _global("collections", "OrderedDict") + b")R"
    for key, (name, tensor) in enumerate(tensors.items()):
        storage = pickle.dumps(str(key), 2)[2:-1]
        persistent = b"(" + pickle.dumps("storage", 2)[2:-1] + _global("torch", "FloatStorage") + storage
        persistent += pickle.dumps("cpu", 2)[2:-1] + pickle.dumps(tensor.size, 2)[2:-1] + b"NtQ"
        strides = tuple(stride // 4 for stride in tensor.strides)
        arguments = b"(" + persistent + pickle.dumps(0, 2)[2:-1]
        arguments += pickle.dumps(tensor.shape, 2)[2:-1] + pickle.dumps(strides, 2)[2:-1] + b"\x89"
        arguments += _global("collections", "OrderedDict") + b")Rt"
        call = (rebuild or _global("torch._utils", "_rebuild_tensor_v2")) + arguments + b"R"
        body += pickle.dumps(name, 2)[2:-1] + call + b"s"
    keys = [str(key) for key in range(len(tensors))]
    file = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + body + b"."
    file += pickle.dumps(keys, 2)
    for tensor in tensors.values():
        whole = tensor.base if tensor.base is not None else tensor
        file += np.int64(tensor.size).tobytes() + whole.astype("<f4").tobytes()
    return file


def test_tensors_come_back_with_names_shapes_and_values(tmp_path: Path) -> None:
    tensors = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(3, np.float32)}
    (tmp_path / "weights.pth").write_bytes(state_dict(tensors))
    read = read_state_dict(tmp_path / "weights.pth")
    assert list(read) == ["a.weight", "a.bias"]
    assert all(np.array_equal(read[name], tensors[name]) for name in tensors)


def test_strides_are_honoured(tmp_path: Path) -> None:
    tensors = {"transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    (tmp_path / "weights.pth").write_bytes(state_dict(tensors))
    assert np.array_equal(read_state_dict(tmp_path / "weights.pth")["transposed"], tensors["transposed"])


def test_a_file_cannot_run_code(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(state_dict({"a": np.ones(1, np.float32)}, _global("os", "system")))
    with pytest.raises(pickle.UnpicklingError, match=r"os\.system does not belong in a state dict"):
        read_state_dict(tmp_path / "weights.pth")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip file", pickle.dumps({"no": "magic"})])
def test_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(ValueError, match="not a PyTorch state dict"):
        read_state_dict(tmp_path / "weights.pth")
