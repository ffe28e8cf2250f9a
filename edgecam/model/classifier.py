"""The classifier: from an image to one score a class."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecam.camera.frames import Layout
from edgecam.errors import ModelError, in_words
from edgecam.model import runtimes
from edgecam.model.delegates import DelegateError, accelerator_of
from edgecam.model.inputs import image_input
from edgecam.model.labels import files as label_files
from edgecam.model.makers import MAKERS
from edgecam.model.metadata import read_metadata
from edgecam.model.outputs import by_graph, by_outputs, is_linear, probes, remembers
from edgecam.model.pixel_range import find_range
from edgecam.model.pixels import PixelWriter
from edgecam.model.plan import Plan
from edgecam.model.refusals import why_refused
from edgecam.model.scores import probabilities, reader, score_output, values_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.fit import Fit
    from edgecam.model.outputs import Outputs

logger = logging.getLogger(__name__)

SHIPPED = "efficientnet_lite0.tflite"
MAX_BYTES = 500_000_000


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
        labels: N names, one a score, and where they are from.
        groups: of classes that count as one, by name, as the model tells them.
        neutral: classes that begin no event, as the model tells them; None: it does not.
        size: width and height of its input in pixels.
        fit: how a picture of another shape is made to fit it, as the model tells.
        thresholds: from which score on a label begins an event, as the model tells, by label.
        plan: how it is run.
        outputs: what comes out of it; of logits the scores are the softmax.
        input: what its pictures are written into.
        pixels: which numbers it takes for their pixels.
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
            self.plan, self._accelerator = plan or usual_plan(settings), accelerator_of(settings)
            interpreter = runtimes.interpreter(
                self.plan.runtime,
                graph or content,
                self.plan.threads,
                known=known,
                size=settings.size,
                accelerator=self._accelerator,
            )
            self.input = image_input(interpreter.get_input_details())
            result = score_output(interpreter, settings.output)
            self.labels = label_files.find(settings, path, _count(result), metadata.labels, metadata.files)
            maker = MAKERS.get(self.labels.maker)
            self.pixels = find_range(settings, self.input, metadata, maker, interpreter)
            self._writer = PixelWriter(self.input, self.pixels, settings.channels)
            self._input, self._output = interpreter.tensor(self.input.index), interpreter.tensor(int(result["index"]))
            self._read = reader(result)
            self._read(self._output())
            operators = interpreter._get_ops_details()  # noqa: SLF001  no public way tells a softmax
        except DelegateError:  # it tells its own path
            raise
        except ModelError as error:
            message = f"{path}: {error}"
            raise ModelError(message) from None
        except ValueError as error:  # the runtime stumbles over names that are no text, and the like
            message = f"{path}: broken: {error}"
            raise ModelError(message) from None
        self.file = ModelFile(path, path.stem, hashlib.sha256(content).hexdigest())
        self.groups, self.neutral, self.thresholds = metadata.groups, metadata.neutral, metadata.thresholds
        self.size = self.input.size
        self.fit: Fit = metadata.fit or (maker.fit if maker else "stretch")
        self._values = values_of(result)
        self._interpreter = interpreter
        index = int(result["index"])
        self._remembers = remembers(operators)
        self.outputs: Outputs = (
            settings.scores
            if settings.scores != "auto"
            else by_graph(operators, index, self._values) or self._found(is_linear=is_linear(operators, index))
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """N names, one a score."""
        return self.labels.labels

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
        numbers = self._invoked(image, layout)
        return probabilities(numbers, self.outputs, len(self.classes), certain=self._values is not None)

    def _invoked(self, image: NDArray[np.uint8], layout: Layout) -> NDArray[np.float32]:
        """What comes out for an image, float32 [N]."""
        self._writer.write(image, self._input(), layout)
        if self._remembers:
            self._interpreter.reset_all_variables()
        runtimes.invoke(self._interpreter, self._accelerator)
        return self._read(self._output())

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
    labels = [Path(settings.labels)] if settings.labels else []
    told = hashlib.sha256()
    for file in (path, *labels, *label_files.beside(path)):
        told.update(os.fsencode(file.name) + b"\0")  # how labels are read depends on it
        try:
            if file.is_file():  # a pipe would be waited for
                with file.open("rb") as content:
                    told.update(hashlib.file_digest(content, "sha256").digest())
        except OSError:
            told.update(b"none")
    return told.hexdigest()


def read_model(settings: config.ModelSettings) -> bytes:
    """Read a model's file.

    Raises:
        ModelError: it cannot be read, is no .tflite file, or one for another purpose or device.
    """
    path = _path(settings)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            message = f"model.path: {path}: not a file"
            raise ModelError(message)
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


def _count(output: dict[str, Any]) -> int:
    """How many scores an output has; one that has no dimensions has one."""
    return int(np.prod(output["shape"]))
