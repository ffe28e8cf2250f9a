"""Reading a PyTorch state dict without PyTorch."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from trainer.network.torch_weights import MAGIC, read_state_dict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = dict[str, NDArray[Any]]

OF_NUMPY = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "u2": "BFloat16"}
TENSORS: Tensors = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(3, np.float32)}


def _global(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


def _constant(value: object) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def _dict(pairs: Iterable[tuple[str, bytes]], *, ordered: bool = True) -> bytes:
    made = _global("collections", "OrderedDict") + b")R" if ordered else b"}"
    return made + b"".join(_constant(name) + value + b"s" for name, value in pairs)


def _tensor(key: int, tensor: NDArray[Any], rebuild: bytes | None = None, *, shift: int = 0) -> bytes:
    storage = f"{OF_NUMPY[tensor.dtype.str[1:]]}Storage"
    persistent = b"(" + _constant("storage") + _global("torch", storage) + _constant(str(key))
    persistent += _constant("cpu") + _constant(tensor.size) + b"NtQ"
    strides = tuple(stride // tensor.itemsize for stride in tensor.strides)
    arguments = b"(" + persistent + _constant(shift) + _constant(tensor.shape) + _constant(strides) + b"\x89"
    arguments += _global("collections", "OrderedDict") + b")Rt"
    return (rebuild or _global("torch._utils", "_rebuild_tensor_v2")) + arguments + b"R"


def _body(tensors: Tensors, prefix: str, rebuild: bytes | None) -> bytes:
    return _dict((f"{prefix}{name}", _tensor(key, each, rebuild)) for key, (name, each) in enumerate(tensors.items()))


def _whole(tensor: NDArray[Any]) -> bytes:
    return (tensor.base if tensor.base is not None else tensor).tobytes()


def of_before(tensors: Tensors, rebuild: bytes | None = None) -> bytes:
    """The bytes that ``torch.save`` of before 1.6 writes, put together by opcodes."""
    body = b"\x80\x02" + _body(tensors, "", rebuild) + b"."
    file = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + body
    file += pickle.dumps([str(key) for key in range(len(tensors))], 2)
    return file + b"".join(np.int64(each.size).tobytes() + _whole(each) for each in tensors.values())


def of_today(
    tensors: Tensors, rebuild: bytes | None = None, *, prefix: str = "", nest: str = "", body: bytes = b""
) -> bytes:
    """Likewise of today: an archive."""
    inner = body or _body(tensors, prefix, rebuild)
    if nest:
        inner = _dict([("epoch", _constant(7)), (nest, inner)], ordered=False)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("weights/data.pkl", b"\x80\x02" + inner + b".")
        files.writestr("weights/byteorder", b"little")
        for key, tensor in enumerate(tensors.values()):
            files.writestr(f"weights/data/{key}", _whole(tensor))
        files.writestr("weights/version", b"3\n")
    return archive.getvalue()


def read(content: bytes, folder: Path) -> Tensors:
    (folder / "weights.pth").write_bytes(content)
    return read_state_dict(folder / "weights.pth")


def same(one: Tensors, other: Tensors) -> bool:
    return [*one] == [*other] and all(np.array_equal(one[name], other[name]) for name in one)


FORMATS = pytest.mark.parametrize("saved", [of_before, of_today])


@FORMATS
def test_tensors_come_back_with_names_shapes_and_values(saved: Any, tmp_path: Path) -> None:
    assert same(read(saved(TENSORS), tmp_path), TENSORS)


@FORMATS
def test_strides_are_honoured(saved: Any, tmp_path: Path) -> None:
    tensors = {"transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    assert same(read(saved(tensors), tmp_path), tensors)


@FORMATS
@pytest.mark.parametrize("type_", ["f2", "f8", "i8"])
def test_other_numbers_come_back_too(saved: Any, type_: str, tmp_path: Path) -> None:
    tensors = {"a": np.arange(6).astype(type_)}
    made = read(saved(tensors), tmp_path)
    assert same(made, tensors)
    assert made["a"].dtype == np.dtype(type_)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    numbers = np.array([1.0, -2.5, 0.0], np.float32)
    halves = (numbers.view(np.uint32) >> 16).astype("<u2")
    made = read(of_today({"a": halves}), tmp_path)["a"]
    assert made.dtype == np.float32
    assert np.array_equal(made, numbers)


@pytest.mark.parametrize("prefix", ["module.", "module.model.", "_orig_mod."])
@pytest.mark.parametrize("nest", ["", "state_dict", "model"])
def test_what_training_scripts_put_around_it_is_taken_off(prefix: str, nest: str, tmp_path: Path) -> None:
    assert same(read(of_today(TENSORS, prefix=prefix, nest=nest), tmp_path), TENSORS)


@FORMATS
def test_a_file_cannot_run_code(saved: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^os\.system does not belong in a state dict"):
        read(saved({"a": np.ones(1, np.float32)}, _global("os", "system")), tmp_path)


def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path) -> None:
    tensors = {"a": np.ones(3, np.float32)}
    body = _dict([("a", _tensor(0, tensors["a"], shift=2))])
    with pytest.raises(ValueError, match="a tensor lies outside its storage"):
        read(of_today(tensors, body=body), tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip file", pickle.dumps({"no": "magic"})])
def test_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="not a PyTorch state dict"):
        read(content, tmp_path)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("photograph.jpg", b"x")
    with pytest.raises(ValueError, match=r"no PyTorch state dict"):
        read(archive.getvalue(), tmp_path)


def test_a_whole_model_has_no_state_dict(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no tensors in it; expected what torch\.save"):
        read(of_today({}, body=_constant({"epoch": 3})), tmp_path)


@given(some.data())
def test_a_damaged_file_is_told_or_read(tmp_path_factory: pytest.TempPathFactory, data: some.DataObject) -> None:
    content = bytearray(data.draw(some.sampled_from([of_before(TENSORS), of_today(TENSORS)])))
    for _ in range(data.draw(some.integers(1, 4))):
        content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    path.write_bytes(content[: data.draw(some.integers(0, len(content)))])
    try:
        read_state_dict(path)
    except ValueError as error:
        assert str(error)
