"""What is no model that edgecam runs: it is named, and what to do, in one line."""

from __future__ import annotations

import io
import os
import re
import zipfile
from itertools import islice
from typing import TYPE_CHECKING

import flatbuffers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.errors import ModelError, split_remedy
from edgecam.model.loading import plan_model
from edgecam.model.refusals import MOST, in_words, why_refused
from edgecam.tools.check import findings
from edgecam.tools.finding import Status
from tests import tflite
from tests.command import edgecam
from tests.shared import shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def zipped(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


WHOLE = tflite.classifier("uint8", classes=100)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 4070174\n".encode()
# What it is, and what to do: words of both.
FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "empty", "download it again"),
    "Git LFS": (POINTER, "Git LFS pointer", "git lfs pull"),
    "GitHub's page": (b"\n\n<!DOCTYPE html>\n<html lang=en>", "a web page", "Download raw file"),
    "a page with a mark": (b"\xef\xbb\xbf<html>", "a web page", "Download raw file"),
    "a server's error": (b'<?xml version="1.0"?><Error>', "XML", "download"),
    "labels": ("chat\nchien\n\xe9l\xe9phant\n".encode(), "text", "model.labels"),
    "C": (b"// made by xxd -i\nunsigned char model_tflite[] = {\n 0x1c, 0x00", "as C", "the .tflite file"),
    "JSON": (b'{"format": "layers-model"}', "JSON", ".tflite"),
    "Keras 2": (b"\x89HDF\r\n\x1a\n\0\0", "a Keras model", "python -m trainer convert"),
    "Keras 3": (
        zipped({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b""}),
        "a Keras model",
        "python -m trainer convert",
    ),
    "Teachable Machine's Keras": (
        zipped({"keras_model.h5": b"", "labels.txt": b"0 cat"}),
        "a Keras model",
        "python -m trainer convert",
    ),
    "Teachable Machine's download": (
        zipped({"model_unquant.tflite": WHOLE, "labels.txt": b"0 cat"}),
        "an archive with model_unquant.tflite in it",
        "unzip",
    ),
    "a .task of MediaPipe": (
        zipped({"hand_detector.tflite": WHOLE, "hand_landmarks_detector.tflite": WHOLE}),
        "an archive with hand_detector.tflite in it",
        "unzip",
    ),
    "a SavedModel in a zip": (zipped({"m/saved_model.pb": b"", "m/variables/": b""}), "SavedModel", "from_saved_model"),
    "PyTorch": (zipped({"best/data.pkl": b"", "best/version": b"3"}), "PyTorch", "format=tflite"),
    "PyTorch of old": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "PyTorch", "litert-torch"),
    "Core ML, packed": (zipped({"Manifest.json": b"{}", "Data/m.mlmodel": b""}), "Core ML", ".tflite"),
    "Core ML": (b"\x08\x04\x12\xa2\x01\n\x13\n\x05image", "Core ML", ".tflite"),
    "another archive": (zipped({"readme": b""}), "archive", "unpack it"),
    "a cut archive": (zipped({"model.tflite": WHOLE})[:500], "an archive that cannot be read", "download it again"),
    "gzip": (b"\x1f\x8b\x08\0", "archive", "unpack it"),
    "tar": (b"model.tflite".ljust(257, b"\0") + b"ustar\x0000", "archive", "unpack it"),
    "ONNX": (b"\x08\x07\x12\x07pytorch\x1a\x051.13.1:\xb5\xf3", "ONNX", "onnx2tf"),
    "ONNX without a maker": (b"\x08\x08:\xb5\xf3\x10", "ONNX", "onnx2tf"),
    "a SavedModel's graph": (b"\x08\x01\x12\xb5\xf3\x10\n", "SavedModel", "from_saved_model"),
    "a frozen graph": (b"\n\x2c\n\x05input\x12\x0bPlaceholder*\x0b", "frozen graph", "from_frozen_graph"),
    "a picture": (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture", "model.path"),
    "for a Hailo": (b"\x01HEF\0\0", "Hailo", ".tflite"),
    "an accelerator's library": (b"\x7fELF\x02\x01", "library", "model.delegate"),
    "cut at its end": (WHOLE[:-100], "cut off", "copy it anew"),
    "cut in the middle": (WHOLE[: len(WHOLE) // 2], "cut off", "copy it anew"),
    "cut by a byte": (WHOLE[:-1], "broken: not a valid flatbuffer", "copy it anew"),
    "a bare header": (b"\x1c\0\0\0TFL3", "cut off", "copy it anew"),
    "for a Coral": (tflite.custom_operator("edgetpu-custom-op"), "Coral Edge TPU", "without _edgetpu"),
    "for an Ethos-U": (tflite.custom_operator("ethos-u"), "Vela", "before Vela"),
    "with Flex": (tflite.custom_operator("FlexMatMul"), "FlexMatMul", "SELECT_TF_OPS"),
    "a detector": (tflite.custom_operator("TFLite_Detection_PostProcess"), "a detector", "model.path"),
    "of sound": (tflite.custom_operator("AudioSpectrogram"), "sound", "model.path"),
    "a segmenter": (tflite.custom_operator("MaxUnpooling2D"), "MediaPipe", "model.path"),
    "of another operator": (tflite.custom_operator("Mine"), "unresolved custom op Mine", "TFLite's own operators"),
    "of a newer operator": (tflite.newer_operator(), "RELU in version 99 is newer", "upgrade ai-edge-litert"),
    "that cannot be": (tflite.impossible_reshape(), "RESHAPE fails to prepare", "model.path"),
}
USUAL = {"model.runtime": "litert", "model.graph": "original", "model.threads": "1"}


@pytest.mark.parametrize("kind", FILES)
def test_it_is_named_in_one_line_and_what_to_do(tmp_path: Path, kind: str) -> None:
    content, what, remedy = FILES[kind]
    path = tflite.saved(tmp_path, content)
    overrides = [f"{key}={value}" for key, value in {**USUAL, "model.path": path}.items()]
    (found,) = islice(findings(lambda: config.load(None, overrides), None), 1, 2)
    assert (found.name, found.status) == ("model", Status.FAILURE)
    assert what in found.detail
    assert remedy in found.remedy
    assert "\n" not in found.line()
    assert len(found.detail) < len(str(path)) + 300


@pytest.mark.parametrize("kind", ["Git LFS", "a detector", "that cannot be"])
def test_the_daemon_ends_with_that_line(tmp_path: Path, kind: str) -> None:
    """Told by the file's content, by its operators, and by the runtime."""
    content, what, _ = FILES[kind]
    path = tflite.saved(tmp_path, content)
    settings = {**USUAL, "model.path": path, "camera.source": os.devnull}
    ended = edgecam("run", "--config", os.devnull, *[f"--set={key}={value}" for key, value in settings.items()])
    assert ended.returncode == 3
    (line,) = ended.stderr.splitlines()
    assert what in line
    assert len(line) < len(str(path)) + 350


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_a_whole_model_is_let_pass(dtype: tflite.Type) -> None:
    assert why_refused(tflite.classifier(dtype), has_delegate=False) == ""


def test_what_is_cut_anywhere_is_told_before_a_runtime_sees_it() -> None:
    small = tflite.classifier("uint8")
    passed = [place for place in range(8, len(small)) if not why_refused(small[:place], has_delegate=False)]
    assert len(small) - min(passed, default=len(small)) <= 8  # padding at its end


def test_tables_that_overlap_are_not_looked_into_for_ever() -> None:
    """As no real file has them: one tensor, a thousand times in one graph, which is there a thousand times."""
    build = flatbuffers.Builder(10_000)

    def table(fields: int, place: int = 0, value: int = 0) -> int:
        build.StartObject(fields)
        if value:
            build.PrependUOffsetTRelativeSlot(place, value, 0)
        return int(build.EndObject())

    def a_thousand(of: int) -> int:
        build.StartVector(4, 1000, 4)
        for _ in range(1000):
            build.PrependUOffsetTRelative(of)
        return int(build.EndVector())

    graph = table(5, 0, a_thousand(table(8)))
    build.Finish(table(8, 2, a_thousand(graph)), file_identifier=b"TFL3")
    assert why_refused(bytes(build.Output()), has_delegate=False).startswith("cut off or damaged")


def test_a_delegate_may_take_what_no_runtime_does() -> None:
    assert why_refused(tflite.custom_operator("edgetpu-custom-op"), has_delegate=True) == ""
    assert why_refused(tflite.custom_operator("TFLite_Detection_PostProcess"), has_delegate=True)


@given(content=st.binary(max_size=300), has_delegate=st.booleans())
def test_any_file_gives_at_most_a_line(content: bytes, *, has_delegate: bool) -> None:
    for beginning in (b"", b"PK\x03\x04", b"\x08\x01", b"\n\x10\n", b"\x1c\0\0\0TFL3"):
        assert "\n" not in why_refused(beginning + content, has_delegate=has_delegate)


@given(st.lists(st.tuples(st.integers(8, len(WHOLE) - 1), st.integers(0, 255)), max_size=8))
def test_any_damage_gives_at_most_a_line(damage: list[tuple[int, int]]) -> None:
    content = bytearray(WHOLE)
    for place, value in damage:
        content[place] = value
    reason = why_refused(bytes(content), has_delegate=False)
    assert reason.isprintable()


@given(st.text())
def test_whatever_a_runtime_says_becomes_a_line_of_readable_length(said: str) -> None:
    line = in_words(said)
    assert 0 < len(line) <= MOST + 4
    assert line.isprintable()
    assert split_remedy(line)[1] == ""


@pytest.mark.parametrize("place", ["/tensorflow/lite/kernels/reshape.cc:92", "./tflite/kernels/reshape_utils.h"])
def test_the_operator_is_named_where_the_runtime_tells_it(place: str) -> None:
    said = (
        f"{place} num_input_elements != num_output_elements (192 != 100)"
        "Node number 0 (RESHAPE) failed to prepare.Failed to apply the default delegate indexed at 0."
    )
    assert in_words(said) == (
        "its operator RESHAPE fails to prepare: num_input_elements != num_output_elements (192 != 100)"
    )


def test_a_saved_model_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12")
    with pytest.raises(ModelError, match="is a directory; it is a SavedModel: convert it with"):
        plan_model(config.ModelSettings(path=str(tmp_path)), 30, measure=False)


class TestOthersFiles:
    """Files that nobody here made."""

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("field/edgetpu_custom_op/mobilenet_v1_0.25_128_quant_edgetpu", "compiled for a Coral Edge TPU"),
            ("field/not_an_image/person_detect", "for microcontrollers (TFLite Micro)"),
            ("model_invoking_error", "unresolved custom op fake-op-double"),
        ],
    )
    @pytest.mark.parametrize("runtime", ["auto", "litert"])
    def test_they_are_refused_in_a_line(self, name: str, reason: str, runtime: str) -> None:
        settings = config.ModelSettings(path=str(shared(f"models/{name}.tflite")), runtime=runtime)  # type: ignore[arg-type]
        with pytest.raises(ModelError, match=re.escape(reason)) as refused:
            plan_model(settings, 30, measure=False)
        assert len(str(refused.value)) < len(settings.path) + 300
        assert refused.value.remedy

    def test_every_model_that_runs_is_whole(self) -> None:
        for path in shared("models").glob("**/*.tflite"):
            assert "cut off" not in why_refused(path.read_bytes(), has_delegate=False)

    def test_a_keras_model_is_told_by_its_content(self) -> None:
        assert "a Keras model" in why_refused(
            shared("weights/mobilenet_v3_small_imagenet.keras").read_bytes(), has_delegate=False
        )
