"""What came out of a training, as figures for programs."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from edgecam import __version__
from trainer.calibration.statistics import Interval
from trainer.learning.learning_curve import Epoch

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 2


class McNemar(msgspec.Struct, frozen=True):
    """The float model against the converted one on the same photographs.

    Attributes:
        only_float: how many only the float model knew.
        only_converted: how many only the other knew.
        p: how probable so great a difference would be if both were equally good, 0..1.
    """

    only_float: int
    only_converted: int
    p: float


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the test photographs that were told rightly, 0..1.

    Attributes:
        float_: by the float32 model; as ``converted`` where there was no other.
        int8: by the int8 model, if there is one.
        converted: by model.tflite, whatever its format.
        interval: of ``converted``: where the true one lies with 95 % confidence (Wilson).
        balanced: the mean over the classes, by model.tflite.
        macro_f1: the mean F1 of the classes, by model.tflite.
        mcnemar: float against int8; None: there is no int8.
        robust: the mean under conditions such as darkness, by model.tflite; None: not measured.
    """

    float_: float = msgspec.field(name="float")
    int8: float | None = None
    converted: float
    interval: Interval
    balanced: float
    macro_f1: float
    mcnemar: McNemar | None = None
    robust: float | None = None


class ClassResult(msgspec.Struct, frozen=True):
    """How the test photographs of one class were taken.

    Attributes:
        name: of the class.
        photographs: how many show it.
        right: how many of them were taken for it.
        taken_for: the commonest mistake.
        recall: the share of right ones, 0..1; None: it was not tested.
        recall_interval: of that.
        precision: of those taken for it, the share that show it, 0..1; None: none was taken for it.
        precision_interval: of that.
    """

    name: str
    photographs: int
    right: int
    taken_for: str | None
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None


class ReliabilityBin(msgspec.Struct, frozen=True):
    """Photographs whose highest score lies above ``low``, up to ``high``: its mean, and how many of them are right."""

    low: float
    high: float
    pictures: int
    confidence: float | None
    accuracy: float | None


class Calibration(msgspec.Struct, frozen=True):
    """Whether scores say how often they are right: as it was learnt (float), and as it is in model.tflite.

    Attributes:
        temperature: by which the logits are divided.
        ece_before: expected calibration error without it, 0..1; None: not known.
        ece_after: as it is.
        bins_before: from score 0 to 1; empty: not known.
        bins_after: likewise, as it is.
    """

    temperature: float
    ece_before: float | None
    ece_after: float
    bins_before: tuple[ReliabilityBin, ...]
    bins_after: tuple[ReliabilityBin, ...]


class Unrelated(msgspec.Struct, frozen=True):
    """What pictures score that show nothing of what is to be told.

    Attributes:
        name: which pictures these are.
        pictures: how many.
        events: how many are told of all the same, as their label's score is at or above its threshold.
        interval: of the share of these.
        scores: how many have a highest score in each twentieth of 0..1, neutral labels aside.
    """

    name: str
    pictures: int
    events: int
    interval: Interval
    scores: tuple[int, ...]


class Condition(msgspec.Struct, frozen=True):
    """How many test photographs are told rightly under a condition, such as darkness: a share, 0..1."""

    name: str
    accuracy: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a test says of a model.

    Attributes:
        labels: what the model's scores are of; `background` is among them where the model has it.
        accuracy: on the test photographs.
        per_class: the classes that were shown, and those that were to be.
        confusion: how many of a label (row) were taken for another (column).
        ece: expected calibration error of model.tflite, 0..1.
        calibration: more of that.
        coverage: the share of right answers that reach their threshold and so are told; None: none is right.
        false_event_rate: the share of unrelated pictures that are told of; None: none was shown.
        unrelated: more of that.
        known_scores: how many right answers have a score in each twentieth of 0..1.
        robust: accuracy under conditions; the clean one is ``accuracy.converted``.
        thresholds: from which score on a label is told, by label.
        neutral: labels that are not told.
        graphs: accuracy of each graph that the daemon may run, by its name.
        judgements: what so few photographs cannot tell, a sentence each.
    """

    labels: tuple[str, ...]
    accuracy: Accuracy
    per_class: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    ece: float
    calibration: Calibration
    coverage: float | None
    false_event_rate: float | None
    unrelated: tuple[Unrelated, ...]
    known_scores: tuple[int, ...]
    robust: tuple[Condition, ...]
    thresholds: dict[str, float]
    neutral: tuple[str, ...]
    graphs: dict[str, float]
    judgements: tuple[str, ...]

    @property
    def is_blind(self) -> bool:
        """Whether the model tells no more than one that says the same of all: as the mean over the classes shows."""
        shares = [each.recall for each in self.per_class if each.recall is not None]
        return len(shares) > 1 and sum(shares) <= 1 + 1e-9


class Data(msgspec.Struct, frozen=True):
    """The photographs: how many served what for, and what was found about them.

    Attributes:
        folder: where they are.
        train: how many were learnt from.
        validation: how many told when to stop, and what to choose.
        test: how many were tested with.
        findings: what was odd, a line a file.
        summary: the same, a line a kind; empty: as the findings.
        digest: tells what lies in the files from anything else; empty: not told.
    """

    folder: str
    train: int
    validation: int
    test: int
    findings: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()
    digest: str = ""


class Split(msgspec.Struct, frozen=True):
    """What was tested on.

    Attributes:
        tested_on: ``test``: photographs that had no part in learning nor in any choice.
        made_by: ``folders`` of the user's, ``seed``: dealt out, or ``kept``: as in the training before.
        train: how many photographs.
        validation: likewise.
        test: likewise.
    """

    tested_on: Literal["test"]
    made_by: Literal["folders", "seed", "kept"]
    train: int
    validation: int
    test: int


class Mirror(msgspec.Struct, frozen=True):
    """Whether photographs were mirrored while they were learnt, and why, in words."""

    used: bool
    reason: str


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


class Mistake(msgspec.Struct, frozen=True):
    """A test photograph that was taken for another class, and with which score."""

    path: str
    label: str
    taken_for: str
    score: float


class Suspect(msgspec.Struct, frozen=True):
    """A photograph that probably lies in the wrong folder.

    Attributes:
        path: of it.
        label: of its folder.
        looks_like: what it likely shows.
        score: how probable its own label is, 0..1.
    """

    path: str
    label: str
    looks_like: str
    score: float


class Attempt(msgspec.Struct, frozen=True):
    """A remedy, and what came of it on validation.

    Attributes:
        remedy: its name.
        accuracy: as a fraction.
        kept: whether that was enough.
        size_bytes: of the file.
        seconds: how long it took.
        agreement: the share of photographs, with others than those of validation, that keep the float model's label.
        chosen: whether this one was taken; of those that were enough it need not be the first.
    """

    remedy: str
    accuracy: float
    kept: bool
    size_bytes: int
    seconds: float
    agreement: float = 1.0
    chosen: bool = False


class Report(Figures, frozen=True, kw_only=True):
    """All of it.

    Attributes:
        classes: the user's, in the order of their labels.
        split: what was tested on; None: not told.
        layout: as what the folder was understood; empty: not told.
        mirror: None: not told.
        suspects: photographs that probably lie in the wrong folder, the likeliest first.
        mistakes: test photographs taken for something else, the surest first.
        attempts: at int8, on the photographs for validation.
    """

    schema: int = SCHEMA
    version: str = __version__
    backbone: str
    classes: tuple[str, ...]
    format: str
    size_bytes: int
    sha256: str
    input_size: int
    latency_ms: float
    machine: str
    seconds: float
    data: Data
    split: Split | None = None
    layout: str = ""
    mirror: Mirror | None = None
    settings: dict[str, Any]
    pixels: Pixels | None = None
    epochs: tuple[Epoch, ...]
    attempts: tuple[Attempt, ...]
    mistakes: tuple[Mistake, ...]
    suspects: tuple[Suspect, ...] = ()

    @property
    def images_per_second(self) -> float:
        """How many photographs one thread classifies."""
        return 1000 / self.latency_ms


def machine() -> str:
    """The processor's name, as a latency means nothing without it."""
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith(("model name", "Model"))]
    except OSError:
        names = []
    return f"{names[-1] if names else platform.processor() or 'unknown processor'} ({platform.machine()})"


def read(path: Path) -> Report:
    """Read a ``report.json``.

    Raises:
        OSError: it cannot be read.
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Report)
