"""Puts labels and normalisation into a .tflite file, where Android's, MediaPipe's and our own tools read them.

What only edgecam asks for goes into a file beside the labels, which the others pass over.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import flatbuffers
from ai_edge_litert import schema_py_generated as tflite_schema
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema

from edgecam.model.metadata import OWN_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Numbers = float | Sequence[float]

LABELS_FILE = "labels.txt"
EARLIEST_PARSER = b"1.0.0"


def _list(numbers: Numbers) -> list[float]:
    return [numbers] if isinstance(numbers, int | float) else list(numbers)


def _content(kind: int, properties: Any) -> Any:
    content = schema.ContentT()
    content.contentPropertiesType, content.contentProperties = kind, properties
    return content


def _image_input(mean: Numbers, std: Numbers, *, is_grey: bool) -> Any:
    properties = schema.ImagePropertiesT()
    properties.colorSpace = schema.ColorSpaceType.GRAYSCALE if is_grey else schema.ColorSpaceType.RGB
    options = schema.NormalizationOptionsT()
    options.mean, options.std = _list(mean), _list(std)
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, options
    tensor = schema.TensorMetadataT()
    tensor.name, tensor.description = b"image", b"%s image of any content." % (b"Grey" if is_grey else b"RGB")
    tensor.content = _content(schema.ContentProperties.ImageProperties, properties)
    tensor.processUnits = [unit]
    return tensor


def _scores_output() -> Any:
    labels = schema.AssociatedFileT()
    labels.name, labels.type = LABELS_FILE.encode(), schema.AssociatedFileType.TENSOR_AXIS_LABELS
    tensor = schema.TensorMetadataT()
    tensor.name, tensor.description = b"score", b"One score a label, in the order of the label file."
    tensor.content = _content(schema.ContentProperties.FeatureProperties, schema.FeaturePropertiesT())
    tensor.associatedFiles = [labels]
    return tensor


def _pack(table: Any, identifier: bytes) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(table.Pack(builder), file_identifier=identifier)
    return bytes(builder.Output())


def with_metadata(
    model: bytes, *, name: str, description: str, licence: str, labels: Sequence[str], mean: Numbers, std: Numbers
) -> bytes:
    """Add TFLite metadata to a classifier: a label a score, and an input of (pixel - mean) / std, one or one a channel.

    Without mean and std nothing is told of the input's numbers.

    The format is https://ai.google.dev/edge/litert/models/metadata: a flatbuffer among the model's buffers, and the
    files that it names in a zip archive behind the model. MediaPipe's own writer cannot be used: its package lacks
    a compiled part of it (1.2.2).
    """
    tree = tflite_schema.ModelT.InitFromObj(tflite_schema.Model.GetRootAsModel(model, 0))
    image = tree.subgraphs[0].inputs[0]
    is_grey = [*tree.subgraphs[0].tensors[image].shape][-1:] == [1]
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = (
        [_image_input(mean, std, is_grey=is_grey)],
        [_scores_output()],
    )
    metadata = schema.ModelMetadataT()
    metadata.name, metadata.description, metadata.license = name.encode(), description.encode(), licence.encode()
    metadata.minParserVersion = EARLIEST_PARSER
    metadata.subgraphMetadata = [graph]

    buffer, entry = tflite_schema.BufferT(), tflite_schema.MetadataT()
    buffer.data = list(_pack(metadata, b"M001"))
    tree.buffers.append(buffer)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(tree.buffers) - 1
    tree.metadata = [*(tree.metadata or ()), entry]

    text = "".join(f"{label}\n" for label in labels)
    return with_file(_pack(tree, b"TFL3"), LABELS_FILE, text.encode())


def with_own(model: bytes, keys: Mapping[str, Any]) -> bytes:
    """Add to a .tflite file what only edgecam asks for, in the place of what it may have told under these keys.

    It goes into the archive behind the flatbuffer, of which no byte changes.

    Args:
        model: the file.
        keys: such as groups, neutral and fit, with values that JSON can hold.
    """
    with _files(model) as files:
        told = json.loads(files.read(OWN_FILE)) if OWN_FILE in files.namelist() else {}
    told = {**told, **keys}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return with_file(model, OWN_FILE, text.encode())


def with_file(model: bytes, name: str, content: bytes) -> bytes:
    """Add a file to those behind a model, or exchange it; the same ones give the same bytes.

    The flatbuffer, of which no byte changes, needs not name it: who does not know it passes it over.

    Args:
        model: the .tflite file.
        name: such as ``split.json``.
        content: what is in it; it is stored as it is, as MediaPipe refuses an archive with anything deflated in it.
    """
    with _files(model) as before:
        kept = {entry.filename: before.read(entry) for entry in before.infolist() if entry.filename != name}
        end = min((entry.header_offset for entry in before.infolist()), default=len(model))
    archive = io.BytesIO(model[:end])
    with zipfile.ZipFile(archive, "a") as files:
        for kept_name, kept_content in (kept | {name: content}).items():
            files.writestr(zipfile.ZipInfo(kept_name), kept_content)  # with a date that is always the same
    return archive.getvalue()


def _files(model: bytes) -> zipfile.ZipFile:
    """The archive behind a model, which may be empty."""
    return zipfile.ZipFile(io.BytesIO(model), "a")
