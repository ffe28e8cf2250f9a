"""Why a file is no model that edgecam runs: what it is instead, and what to do; each is one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flatbuffers import number_types

from edgecam.model.flatbuffer import BROKEN_TABLE, read_text, root_table, slot, tables
from edgecam.model.formats import told_by_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flatbuffers.table import Table

IDENTIFIER = b"TFL3"
MOST = 160  # characters of what a runtime says
BUILT_IN = "convert it anew with TFLite's own operators only"
TABLES = 300_000  # of a model; a second's work
AGAIN = "copy it anew, or download it again"
UPGRADE = "upgrade ai-edge-litert, or convert the model by an older TensorFlow"

EDGE_TPU = (
    "compiled for a Coral Edge TPU (edgetpu-custom-op); take the file without _edgetpu in its name, or with a Coral "
    "set model.delegate to its libedgetpu.so.1"
)
VELA = "compiled by Vela for an Ethos-U (ethos-u), part of a microcontroller; take the file from before Vela"
FLEX = "it needs TensorFlow itself for {}; convert it anew without SELECT_TF_OPS"
NO_CLASSIFIER = "no image classifier"
DETECTOR = f"{NO_CLASSIFIER} but a detector ({{}}); name a classifier in model.path"
SOUND = f"{NO_CLASSIFIER} but a model of sound ({{}}); name a classifier in model.path"
MEDIAPIPE = f"{NO_CLASSIFIER} but one of MediaPipe's for masks or landmarks ({{}}); name a classifier in model.path"
# Of custom operators, by how their names begin.
KINDS = {
    "edgetpu-custom-op": EDGE_TPU,
    "ethos-u": VELA,
    "Flex": FLEX,
    "TFLite_Detection_PostProcess": DETECTOR,
    "AudioSpectrogram": SOUND,
    "Mfcc": SOUND,
    "Signal": SOUND,  # of TFLite Micro's signal library
    "Convolution2DTransposeBias": MEDIAPIPE,
    "MaxPoolingWithArgmax2D": MEDIAPIPE,
    "MaxUnpooling2D": MEDIAPIPE,
    "Landmarks2TransformMatrix": MEDIAPIPE,
    "TransformLandmarks": MEDIAPIPE,
    "TransformTensorBilinear": MEDIAPIPE,
}

# What runtimes say; their sentences follow each other without a space.
WORDS = (
    (
        r"(?P<said>quantized_dimension must be in range \[[^)]*\)\. Was \d+)",
        "quantised for microcontrollers (TFLite Micro) or by an old converter ({said}); convert it anew",
    ),
    (
        r"Didn't find op for builtin opcode '(?P<name>\w+)' version '(?P<version>\d+)'",
        f"its {{name}} in version {{version}} is newer than the runtime; {UPGRADE}",
    ),
    (
        r"builtin_code out of range: (?P<number>\d+)",
        f"its operator number {{number}} is newer than the runtime; {UPGRADE}",
    ),
    (r"not a valid Flatbuffer", f"broken: not a valid flatbuffer; {AGAIN}"),
)
UNRESOLVED = re.compile(r"unresolved custom op: (?P<name>[^\n]+?)\.?(?=\n|$)")
FAILED = re.compile(r"(?P<said>.*?)Node number \d+ \((?P<name>[^)]+)\) failed to (?P<what>prepare|invoke)", re.DOTALL)
SOURCE = re.compile(r"\S*/\S+\.(?:cc|cpp|c|h)(?::\d+)?:?\s+")  # where in the runtime's own code
SENTENCES = re.compile(r"(?<=[.)])(?=[A-Z])|\n")


def why_refused(content: bytes, *, has_delegate: bool) -> str:
    """Say why a file is refused that no runtime need see, and what to do; empty: a runtime may take it.

    Args:
        content: of the file.
        has_delegate: an accelerator's library is there, which may take operators that no runtime has.
    """
    if content[4:8] != IDENTIFIER:
        return told_by_content(content)
    try:
        names = _custom_operators(content)
    except BROKEN_TABLE:
        return f"cut off or damaged: it ends before its data does; {AGAIN}"
    reasons = (reason for name in names if (reason := _of_operator(name)))
    return next((reason for reason in reasons if reason.startswith(NO_CLASSIFIER) or not has_delegate), "")


def in_words(said: str) -> str:
    """Say in one line, of a length to read, why a runtime refuses a model, by all that it said."""
    if found := UNRESOLVED.search(said):
        name = on_one_line(found["name"])
        return _of_operator(found["name"]) or f"unresolved custom op {name}: none of TFLite's operators; {BUILT_IN}"
    for pattern, line in WORDS:
        if found := re.search(pattern, said):
            return line.format(**{key: on_one_line(value) for key, value in found.groupdict().items()})
    if found := FAILED.search(said):
        reason = on_one_line(_last_sentence(found["said"]))
        return f"its operator {on_one_line(found['name'])} fails to {found['what']}" + (f": {reason}" if reason else "")
    return on_one_line(next(_sentences(said), "")) or "refused by the runtime"


def _of_operator(name: str) -> str:
    """Say what a model with a custom operator is, and what to do; empty: nothing is known of such."""
    reason = next((reason for beginning, reason in KINDS.items() if name.startswith(beginning)), "")
    return reason.format(on_one_line(name))


def _sentences(said: str) -> Iterator[str]:
    return (sentence for part in SENTENCES.split(SOURCE.sub("", said)) if (sentence := part.strip()))


def _last_sentence(said: str) -> str:
    return ["", *_sentences(said)][-1]


def on_one_line(said: str) -> str:
    """Show what others say on one line, of a length to read; a semicolon would begin what is to be done."""
    text = " ".join("".join(each if each.isprintable() else " " for each in said).replace(";", ",").split())
    return text if len(text) <= MOST else f"{text[:MOST].rstrip()} ..."


def _custom_operators(content: bytes) -> list[str]:
    """Names of the operators in use that are none of TFLite's, in their order; all of the file is looked into.

    Raises:
        BROKEN_TABLE: it is not whole.
    """
    model, left = root_table(content), iter(range(TABLES))
    codes = [read_text(code, 1).decode(errors="replace") for code in _bounded(tables(model, 1), left)]
    used: dict[str, None] = {}
    for graph in _bounded(tables(model, 2), left):
        for tensor in _bounded(tables(graph, 0), left):
            read_text(tensor, 3)
        for operator in _bounded(tables(graph, 3), left):
            used[codes[_number(operator, 0)]] = None
    for buffer in _bounded(tables(model, 4), left):
        _see_that_it_is_whole(buffer)
    return [name for name in used if name]


def _bounded(found: Iterator[Table], left: Iterator[int]) -> Iterator[Table]:
    """Pass tables on; more than there can be, as where damaged ones overlap, count as broken."""
    for table in found:
        if next(left, None) is None:
            message = "more tables than a model has"
            raise ValueError(message)
        yield table


def _number(table: Table, field: int) -> int:
    offset = table.Offset(slot(field))
    return int(table.Get(number_types.Uint32Flags, offset + table.Pos)) if offset else 0


def _see_that_it_is_whole(buffer: Table) -> None:
    offset = buffer.Offset(slot(0))
    if offset and buffer.Vector(offset) + buffer.VectorLen(offset) > len(buffer.Bytes):
        message = "data lies behind the file's end"
        raise ValueError(message)
