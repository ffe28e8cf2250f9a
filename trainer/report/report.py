"""What came out of a training: figures for programs, and a page for people."""

from __future__ import annotations

import base64
import platform
from importlib import resources
from typing import TYPE_CHECKING, Any

import cv2
import jinja2
import msgspec
import numpy as np

from edgecam import __version__
from trainer.data.listing import shown
from trainer.data.photograph_files import read_photograph
from trainer.learning.learning_curve import Epoch
from trainer.report import plots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trainer.data.listing import Photo, PhotoPath
    from trainer.report.evaluation import Evaluation

WORST = 24
PICTURE = 160


class Accuracy(msgspec.Struct, frozen=True):
    """Fractions of the test photographs that were told rightly.

    Attributes:
        float_: by the float32 model.
        int8: by the int8 model, if there is one.
        converted: by model.tflite, whatever its format.
    """

    float_: float = msgspec.field(name="float")
    int8: float | None
    converted: float


class Data(msgspec.Struct, frozen=True):
    """The photographs: how many served what for, and what was found about them."""

    folder: str
    train: int
    validation: int
    test: int
    findings: tuple[str, ...] = ()


class Pixels(msgspec.Struct, frozen=True):
    """Which numbers the Keras model takes for pixels, and how that is known.

    Attributes:
        name: in the words of --pixels.
        source: ``option``, ``layers`` (its own first ones) or ``photographs``.
        reason: the same in words for people.
        accuracies: by range, fractions, where the photographs decided.
    """

    name: str
    source: str
    reason: str
    accuracies: dict[str, float] = {}


class ClassResult(msgspec.Struct, frozen=True):
    """How the test photographs of one class were taken; ``taken_for`` is the commonest mistake."""

    name: str
    photographs: int
    right: int
    taken_for: str | None

    @property
    def accuracy(self) -> float | None:
        """The fraction of right ones, if there are any photographs."""
        return self.right / self.photographs if self.photographs else None


class Mistake(msgspec.Struct, frozen=True):
    """A test photograph that was taken for another class, and with which score."""

    path: str
    label: str
    taken_for: str
    score: float


class Attempt(msgspec.Struct, frozen=True):
    """A remedy, the accuracy that it gave as a fraction, whether that was enough, and how long it took."""

    remedy: str
    accuracy: float
    kept: bool
    size_bytes: int
    seconds: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    schema: int = 1
    version: str = __version__
    backbone: str
    classes: tuple[str, ...]
    accuracy: Accuracy
    format: str
    size_bytes: int
    sha256: str
    input_size: int
    latency_ms: float
    machine: str
    seconds: float
    data: Data
    settings: dict[str, Any]
    pixels: Pixels | None = None
    epochs: tuple[Epoch, ...]
    attempts: tuple[Attempt, ...]
    per_class: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]

    @property
    def images_per_second(self) -> float:
        """How many photographs one thread classifies."""
        return 1000 / self.latency_ms

    @property
    def is_blind(self) -> bool:
        """Whether the model tells no more than one that says the same of all: as the mean over the classes shows."""
        shares = [each.accuracy for each in self.per_class if each.accuracy is not None]
        return len(shares) > 1 and sum(shares) <= 1 + 1e-9


def machine() -> str:
    """The processor's name, as a latency means nothing without it."""
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith(("model name", "Model"))]
    except OSError:
        names = []
    return f"{names[-1] if names else platform.processor() or 'unknown processor'} ({platform.machine()})"


def class_results(evaluation: Evaluation, classes: Sequence[str]) -> tuple[ClassResult, ...]:
    """One for each class, in their order."""
    results = []
    for label, row in enumerate(evaluation.confusion()):
        wrong = row.copy()
        wrong[label] = 0
        taken_for = classes[int(wrong.argmax())] if wrong.any() else None
        results.append(ClassResult(classes[label], int(row.sum()), int(row[label]), taken_for))
    return tuple(results)


def worst_mistakes(evaluation: Evaluation, photos: Sequence[Photo], classes: Sequence[str]) -> tuple[Mistake, ...]:
    """Photographs taken for something else, the surest mistakes first.

    Args:
        evaluation: of these photographs.
        photos: in the evaluation's order.
        classes: their names.
    """
    guesses = evaluation.scores.argmax(1)
    sureness = evaluation.scores.max(1)
    wrong = np.flatnonzero(guesses != evaluation.labels)
    order = wrong[np.argsort(-sureness[wrong], kind="stable")][:WORST]
    return tuple(
        Mistake(
            shown(photos[at].path), classes[evaluation.labels[at]], classes[guesses[at]], round(float(sureness[at]), 4)
        )
        for at in order
    )


def write(report: Report, folder: Path, photos: Sequence[Photo]) -> None:
    """Write ``report.json`` and ``report.html``, which needs nothing but itself.

    Args:
        report: what to write.
        folder: where to.
        photos: those among which its mistakes are.
    """
    paths = {shown(photo.path): photo.path for photo in photos}
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (resources.files("trainer.report") / name).read_text("utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html.jinja").render(
        report=report,
        curves=plots.learning_curve(report.epochs) if report.epochs else "",
        confusion=plots.confusion(report.confusion, report.classes),
        pictures={mistake.path: _picture(paths[mistake.path]) for mistake in report.mistakes},
    )
    (folder / "report.html").write_text(page, "utf-8")


def read(path: Path) -> Report:
    """Read a ``report.json``.

    Raises:
        OSError: it cannot be read.
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Report)


def _picture(path: PhotoPath) -> str:
    """A small JPEG as a data URL."""
    image, _ = read_photograph(path, least=PICTURE)
    scale = PICTURE / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"
