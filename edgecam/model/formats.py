"""What a file is that is no .tflite file, told by its first bytes, and what to do about it; each is one line."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

NO_MODEL: Final = "not a .tflite file"
LOOK_AT: Final = 4096  # bytes, of a text
TOC_MAX: Final = 20_000  # entries of an archive that are looked at

CONVERT = "convert it: python -m trainer convert FILE PHOTOGRAPHS"
KERAS = f"a Keras model; {CONVERT}"
SAVED_MODEL = "a SavedModel of TensorFlow; convert it with tf.lite.TFLiteConverter.from_saved_model"
FROZEN = "a frozen graph of TensorFlow; convert it with tf.compat.v1.lite.TFLiteConverter.from_frozen_graph"
PYTORCH = "a model of PyTorch; export it with litert-torch, a YOLO with yolo export format=tflite"
ONNX = "a model in ONNX; convert it: onnx2tf -i FILE"
CORE_ML = "a model of Core ML; export what it was made from as .tflite"
ARCHIVE = "a packed archive; unpack it, and name the .tflite file in it"
PICTURE = "a picture; name a model in model.path"
EMPTY = "but empty; copy it anew, or download it again"

BEGINNINGS: Final = {
    b"\x89HDF\r\n\x1a\n": KERAS,
    b"\x80\x02": PYTORCH,  # a pickle, as torch.save wrote it until 1.6
    b"\x1f\x8b": ARCHIVE,
    b"BZh": ARCHIVE,
    b"\xfd7zXZ": ARCHIVE,
    b"7z\xbc\xaf": ARCHIVE,
    b"Rar!": ARCHIVE,
    b"\x28\xb5\x2f\xfd": ARCHIVE,
    b"\xff\xd8\xff": PICTURE,
    b"\x89PNG": PICTURE,
    b"GIF8": PICTURE,
    b"\x01HEF": "a model compiled for a Hailo, which edgecam does not use; take the .tflite file that it was made from",
    b"RKNN": "a model compiled for a Rockchip, which edgecam does not use; take the .tflite file that it was made from",
    b"GGUF": "a language model; edgecam takes image classifiers",
    b"LITERTLM": "a language model; edgecam takes image classifiers",
    b"\x7fELF": "a program or library; an accelerator's belongs into model.delegate",
}
TEXTS: Final = (
    (
        r"version https://git-lfs",
        "a Git LFS pointer, which stands for the model; fetch it where it was cloned: git lfs pull",
    ),
    (
        r"(?:<!--.*?-->\s*)?<(?:!doctype html|html|head)",
        "a web page; download the file itself, on GitHub by Download raw file",
    ),
    (r"<\?xml|<error", "XML, perhaps a server's error; download the file again"),
    (
        r"(?s).*\bchar\s+\w+\s*\[\w*\].*0x",
        "a model written as C, for microcontrollers; take the .tflite file that it was made from",
    ),
    (r"[{\[]", "JSON; name the .tflite file"),
)
TEXT = "text; name labels in model.labels, and the .tflite file in model.path"
# Of an archive: what a name in it ends with.
CONTENTS: Final = (
    (r"(?:^|/)data\.pkl$|(?:^|/)constants\.pkl$", PYTORCH),
    (r"(?:^|/)model\.weights\.h5$|(?:^|/)keras_model\.h5$|\.(?:keras|h5)$", KERAS),
    (r"(?:^|/)saved_model\.pb$", SAVED_MODEL),
    (r"\.mlmodel$|(?:^|/)Manifest\.json$", CORE_ML),
)


def told_by_content(content: bytes) -> str:
    """Say what a file is that is no .tflite file, and what to do.

    Args:
        content: of the file.
    """
    if not content:
        return f"{NO_MODEL} {EMPTY}"
    found = (
        next((told for beginning, told in BEGINNINGS.items() if content.startswith(beginning)), "")
        or _zipped(content)
        or (ARCHIVE if content[257:262] == b"ustar" else "")
        or _text(content)
        or _protobuf(content)
    )
    return f"{NO_MODEL} but {found}" if found else NO_MODEL


def _zipped(content: bytes) -> str:
    if not content.startswith(b"PK\x03\x04"):
        return ""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()[:TOC_MAX]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return f"an archive that cannot be read; {EMPTY.partition('; ')[2]}"
    if models := [name for name in names if name.endswith(".tflite") and name.isprintable()]:
        name = models[0].replace(";", "_")[-80:]
        return f"an archive with {name} in it; unpack it (unzip FILE), and name a .tflite file of it in model.path"
    for pattern, told in CONTENTS:
        if any(re.search(pattern, name) for name in names):
            return told
    return ARCHIVE


def _text(content: bytes) -> str:
    beginning = content[:LOOK_AT]
    try:
        text = beginning.decode("utf-8-sig").lstrip()
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 3:  # not just cut within a character
            return ""
        text = beginning[: error.start].decode("utf-8-sig").lstrip()
    if not all(each.isprintable() or each.isspace() for each in text):
        return ""
    return next((told for pattern, told in TEXTS if re.match(pattern, text, re.IGNORECASE)), TEXT)


def _protobuf(content: bytes) -> str:
    """Of formats that begin with no mark: by their first two fields, as their schemas number them."""
    match content[0], content[2:3]:
        case 0x0A, _ if re.match(rb"\x0a.{1,3}\x0a.[\w./^-]+\x12.[A-Z]\w+", content, re.DOTALL):
            return FROZEN  # GraphDef: nodes, each a name and the name of its operator
        case 0x08, b"\x12" if content[1] == 1:
            return SAVED_MODEL  # SavedModel: version 1, then its graphs
        case 0x08, b"\x12" if re.match(rb"..\x12.{1,3}\x0a", content, re.DOTALL):
            return CORE_ML  # Model: version, then a description of its inputs
        case 0x08, b"\x12" | b"\x3a" | b"\x42":
            return ONNX  # ModelProto: version, then its producer, graph, or operators
    return ""
