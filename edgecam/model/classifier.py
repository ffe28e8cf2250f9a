"""The classifier: from an image to one score a class."""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecam.camera.frames import Layout
from edgecam.errors import ModelError, in_words
from edgecam.model import runtimes
from edgecam.model.delegates import DelegateError, accelerator_of
from edgecam.model.metadata import Metadata, parse_labels, read_metadata
from edgecam.model.outputs import ARITHMETIC, by_graph, by_outputs, is_linear, probes
from edgecam.model.pixels import PixelWriter
from edgecam.model.plan import Plan
from edgecam.model.refusals import why_refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.model.outputs import Outputs

logger = logging.getLogger(__name__)

SHIPPED = "efficientnet_lite0.tflite"
MAX_BYTES = 500_000_000
REMEDY = "name the file with a line for each score in model.labels"
MAX_SIDE = 4096


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What identifies a model: its ``name`` (the file's, without suffix) and the SHA-256 of its bytes in hex."""

    path: Path
    name: str
    sha256: str


class Classifier:
    """A loaded image classifier.

    Attributes:
        file: which one it is.
        classes: N names, one a score.
        groups: of classes that count as one, by name, as the model tells them.
        neutral: classes that begin no event, as the model tells them; None: it does not.
        size: width and height of its input in pixels.
        plan: how it is run.
        outputs: what comes out of it; of logits the scores are the softmax.
    """

    def __init__(
        self,
        settings: config.ModelSettings,
        content: bytes | None = None,
        plan: Plan | None = None,
        graph: bytes | None = None,
        *,
        known: bool = False,
    ) -> None:
        """Load and check the model.

        Args:
            settings: which one.
            content: of its file; None: it is read.
            plan: how to run it; None: in the usual way.
            graph: the .tflite file that the runtime is given instead, if the plan has another graph.
            known: it has run before, so it need not be tried.

        Raises:
            ModelError: the file cannot be read, or is no image classifier with a label a score.
        """
        path = _path(settings)
        content = read_model(settings) if content is None else content
        try:
            metadata = read_metadata(content)
            self.plan = plan or usual_plan(settings)
            interpreter = runtimes.interpreter(
                self.plan.runtime,
                graph or content,
                self.plan.threads,
                known=known,
                accelerator=accelerator_of(settings),
            )
            source, result = _tensors(interpreter)
            self.classes = _classes(metadata, settings, path, int(result["shape"][-1]))
            operators = interpreter._get_ops_details()  # noqa: SLF001  no public way tells a softmax
            self._pixels = PixelWriter(source, metadata.mean, metadata.std, rescales=_rescales(operators, source))
        except DelegateError:  # it tells its own path
            raise
        except ModelError as error:
            message = f"{path}: {error}"
            raise ModelError(message) from None
        except ValueError as error:  # the runtime stumbles over names that are no text, and the like
            message = f"{path}: broken: {error}"
            raise ModelError(message) from None
        self.file = ModelFile(path, path.stem, hashlib.sha256(content).hexdigest())
        self.groups, self.neutral = metadata.groups, metadata.neutral
        self.size = int(source["shape"][2]), int(source["shape"][1])
        self._values = _values(result)
        self._interpreter, self._accelerator = interpreter, accelerator_of(settings)
        self._input = interpreter.tensor(source["index"])
        self._output = interpreter.tensor(result["index"])
        index = int(result["index"])
        self.outputs: Outputs = (
            settings.scores
            if settings.scores != "auto"
            else by_graph(operators, index, self._values) or self._found(is_linear=is_linear(operators, index))
        )

    def scores(self, image: NDArray[np.uint8], layout: Layout = Layout.BGR) -> NDArray[np.float32]:
        """Classify one image.

        Args:
            image: uint8 of the model's ``size``.
            layout: how the image lies in memory.

        Returns:
            float32 [N], 0..1; they sum to 1 unless the model ends in sigmoids.

        Raises:
            ModelError: it cannot go on, as where the device of its accelerator was pulled out.
            ValueError: the image has another size; OpenCV would leave the one before in its place.
        """
        if layout.size(image) != self.size:
            message = f"an image of {layout.size(image)} for a model that sees {self.size}"
            raise ValueError(message)
        scores = self._invoked(image, layout)
        if self.outputs == "logits":
            scores = np.exp(scores - scores.max())
            scores /= scores.sum()
        if self._values is None and not math.isfinite(scores.sum()):
            np.nan_to_num(scores, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
        return scores

    def _invoked(self, image: NDArray[np.uint8], layout: Layout) -> NDArray[np.float32]:
        """What comes out for an image, float32 [N]."""
        self._pixels.write(image, self._input()[0], layout)
        runtimes.invoke(self._interpreter, self._accelerator)
        output = self._output().reshape(-1)
        return output.copy() if self._values is None else self._values[output.view(np.uint8)]

    def _found(self, *, is_linear: bool) -> Outputs:
        """Tell by what comes out; that takes from one to a few inferences."""
        step = 0.0 if self._values is None else float(self._values[1] - self._values[0])
        rows = (self._invoked(image, Layout.BGR) for image in probes(*self.size))
        return by_outputs(rows, step, is_linear=is_linear)


def shipped_model() -> Path:
    """Path of the model that comes with edgecam."""
    return Path(str(resources.files("edgecam") / "assets" / SHIPPED))


def _path(settings: config.ModelSettings) -> Path:
    return Path(settings.path) if settings.path else shipped_model()


def usual_plan(settings: config.ModelSettings) -> Plan:
    """How a model is run without measuring.

    Raises:
        ModelError: the runtime that the settings name is not installed.
    """
    threads = 1 if settings.threads == "auto" else settings.threads
    return Plan(runtimes.choose(settings.runtime), "original", threads, settings.delegate)


def fingerprint(settings: config.ModelSettings) -> str:
    """SHA-256, in hex, of a model's file and of those in which its labels may be: another one where any has changed."""
    path = _path(settings)
    labels = [Path(settings.labels)] if settings.labels else _beside(path)
    told = hashlib.sha256()
    for file in (path, *labels):
        try:
            with file.open("rb") as content:
                told.update(hashlib.file_digest(content, "sha256").digest())
        except OSError:
            told.update(b"none")
    return told.hexdigest()


def _beside(path: Path) -> list[Path]:
    """Where labels may be that are not in the model."""
    return [path.with_suffix(".txt"), path.with_name(f"{path.stem}_labels.txt"), path.with_name("labels.txt")]


def read_model(settings: config.ModelSettings) -> bytes:
    """Read a model's file.

    Raises:
        ModelError: it cannot be read, is no .tflite file, or one for another purpose or device.
    """
    path = _path(settings)
    try:
        if path.stat().st_size > MAX_BYTES:
            message = f"{path}: larger than {MAX_BYTES // 1_000_000} MB; is it a .tflite file?"
            raise ModelError(message)
        content = path.read_bytes()
    except OSError as error:
        message = f"model.path: {path}: {in_words(error)}"
        raise ModelError(message) from None
    if reason := why_refused(content, has_delegate=bool(settings.delegate)):
        message = f"{path}: {reason}"
        raise ModelError(message)
    return content


def _tensors(interpreter: runtimes.Interpreter) -> tuple[dict[str, Any], dict[str, Any]]:
    """The input and the output of an image classifier."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        message = (
            f"no image classifier: {len(inputs)} inputs and {len(outputs)} outputs, expected one image and one row of "
            "scores (a detection or segmentation model?)"
        )
        raise ModelError(message)
    source, result = inputs[0], outputs[0]
    match source["shape"].tolist():
        case [1, height, width, 1 | 3] if 1 < height <= MAX_SIDE and 1 < width <= MAX_SIDE:
            pass
        case shape:
            message = f"no image classifier: its input is {shape}, expected [1, height, width, 3]"
            raise ModelError(message)
    match result["shape"].tolist():
        case [*ones, count] if count > 1 and np.prod(ones) == 1:
            pass
        case shape:
            message = f"no image classifier: its output is {shape}, expected one row of two or more scores"
            raise ModelError(message)
    for tensor in (source, result):
        if tensor["dtype"] not in (np.uint8, np.int8, np.float32):
            message = (
                f"no image classifier: {tensor['name']} is {tensor['dtype'].__name__}, expected uint8, int8 or float32"
            )
            raise ModelError(message)
    return source, result


def _classes(metadata: Metadata, settings: config.ModelSettings, path: Path, count: int) -> tuple[str, ...]:
    """Find the labels: in the named file, else in the model, else in a file beside it."""
    beside = _beside(path)
    if settings.labels:
        file: Path | None = Path(settings.labels)
    elif metadata.labels is not None:
        file = None
    else:
        file = next((candidate for candidate in beside if candidate.is_file()), None)
        if file is None:
            message = f"no labels in it, nor in {beside[0].name} or labels.txt beside it; name a file in model.labels"
            raise ModelError(message)
    labels = _read_labels(file) if file else metadata.labels or ()
    if len(labels) != count:
        message = f"{count} scores, but {len(labels)} labels in {file or 'its metadata'}; {REMEDY}"
        raise ModelError(message)
    return labels


def _read_labels(file: Path) -> tuple[str, ...]:
    try:
        return parse_labels(file.read_text("utf-8"))
    except OSError as error:
        message = f"model.labels: {file}: {in_words(error)}; {REMEDY}"
    except UnicodeDecodeError as error:
        message = f"model.labels: {file}: not UTF-8 text (byte {error.start}); {REMEDY}"
    raise ModelError(message)


def _values(tensor: dict[str, Any]) -> NDArray[np.float32] | None:
    """float32 [256]: what each byte of a quantised tensor stands for; None: it is not quantised."""
    if tensor["dtype"] == np.float32:
        return None
    scale, zero = tensor["quantization"]
    numbers: NDArray[np.float32] = np.arange(256, dtype=np.uint8).view(tensor["dtype"]).astype(np.float32)
    return (numbers - np.float32(zero)) * np.float32(scale or 1)


def _rescales(operators: list[dict[str, Any]], source: dict[str, Any]) -> bool:
    """Whether the first thing the model does to its pixels is arithmetic: it then normalises them itself."""
    users = [op for op in operators if source["index"] in op["inputs"] and op["op_name"] != "DELEGATE"]
    return bool(users) and all(op["op_name"] in ARITHMETIC for op in users)
