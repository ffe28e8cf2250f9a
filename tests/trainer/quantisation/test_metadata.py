"""Files behind a model."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("mediapipe", reason="the trainer is not set up here; make test-trainer sets it up")

from edgecam import config
from edgecam.model import classifier
from edgecam.model.metadata import OWN_FILE
from trainer.quantisation.metadata import with_file, with_own

SHIPPED = Path(classifier.__file__).parent.parent / "assets" / "efficientnet_lite0.tflite"
PARTS = json.dumps({"test": [f"{number:064x}" for number in range(300)]}).encode()


def file_in(model: bytes, name: str) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(model)) as files:
        return files.read(name) if name in files.namelist() else None


def test_a_file_is_kept_beside_the_others(tmp_path: Path) -> None:
    model = SHIPPED.read_bytes()
    made = with_file(model, "split.json", PARTS)
    assert file_in(made, "split.json") == PARTS
    assert file_in(made, "labels.txt") == file_in(model, "labels.txt")
    assert file_in(with_own(made, {"fit": "crop"}), "split.json") == PARTS
    (tmp_path / "model.tflite").write_bytes(made)
    read = classifier.Classifier(config.ModelSettings(path=str(tmp_path / "model.tflite")))
    assert len(read.classes) == 1000


def test_it_is_exchanged_and_no_byte_of_the_model_changes() -> None:
    model = SHIPPED.read_bytes()
    made = with_file(with_file(model, "split.json", b"{}"), "split.json", PARTS)
    assert made == with_file(model, "split.json", PARTS)
    end = min(entry.header_offset for entry in zipfile.ZipFile(io.BytesIO(model)).infolist())
    assert made[:end] == model[:end]


def test_nothing_is_deflated_as_mediapipe_refuses_that() -> None:
    made = zipfile.ZipFile(io.BytesIO(with_file(SHIPPED.read_bytes(), "split.json", PARTS)))
    assert {entry.compress_type for entry in made.infolist()} == {zipfile.ZIP_STORED}


def test_what_is_not_there_is_none() -> None:
    assert file_in(SHIPPED.read_bytes(), "split.json") is None
    assert json.loads(file_in(SHIPPED.read_bytes(), OWN_FILE) or b"")["fit"]


@pytest.mark.parametrize("name", ["split.json", "labels.txt"])
def test_a_model_without_files_gets_one(name: str) -> None:
    model = SHIPPED.read_bytes()
    end = min(entry.header_offset for entry in zipfile.ZipFile(io.BytesIO(model)).infolist())
    assert file_in(with_file(model[:end], name, b"x"), name) == b"x"
