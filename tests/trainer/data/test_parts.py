"""The split that is kept with a model."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the trainer is not set up here; make test-trainer sets it up")

from trainer.data.parts import DIGEST_BYTES, Parts
from trainer.data.split import Split
from trainer.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

DIGESTS = {index: hashlib.sha256(bytes([index])).digest() for index in range(6)}
SPLIT = Split(np.array([0, 3, 4]), np.array([1]), np.array([5]))


def archive(**files: bytes) -> bytes:
    """A model's bytes, and files behind it."""
    content = io.BytesIO(b"\x1c\x00\x00\x00TFL3" + bytes(40))
    with zipfile.ZipFile(content, "a") as behind:
        for name, each in files.items():
            behind.writestr(name.replace("_", "."), each)
    return content.getvalue()


def test_each_photograph_is_in_the_part_that_it_was_split_into() -> None:
    parts = Parts.of(SPLIT, DIGESTS)
    found = [parts.part_of(DIGESTS[index]) for index in range(6)]
    assert found == ["train", "validation", None, "train", "train", "test"]


def test_a_model_carries_them(tmp_path: Path) -> None:
    parts = Parts.of(SPLIT, DIGESTS)
    model, file = tmp_path / "model.tflite", tmp_path / "split.json"
    model.write_bytes(archive(labels_txt=b"cat\ndog\n", split_json=parts.encode()))
    file.write_bytes(parts.encode())
    assert Parts.read(model) == Parts.read(file) == parts


@pytest.mark.parametrize("content", [b"", archive()[:30], archive(labels_txt=b"cat\n")])
def test_a_model_of_others_carries_none(tmp_path: Path, content: bytes) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(content)
    assert Parts.read(model) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"train":"AAAA","validation":"","test":""}', b"\xff"])
def test_something_else_of_that_name_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(archive(split_json=content))
    with pytest.raises(InputError, match=r"model\.tflite: its split\.json is not one of the trainer's: [^\n]+$"):
        Parts.read(model)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for name in ("model.tflite", "split.json"):
        with pytest.raises(InputError, match=f"{name}: no such file"):
            Parts.read(tmp_path / name)


@given(
    st.dictionaries(
        st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES), st.sampled_from(["train", "validation", "test"])
    )
)
def test_what_is_written_is_read(by_digest: dict[bytes, str]) -> None:
    parts = Parts(by_digest)  # type: ignore[arg-type]  # hypothesis knows no literals
    assert Parts.decode(parts.encode()) == parts
    assert len(parts.encode()) <= 60 + 11 * len(by_digest)
