"""A made-up report, as it might come out of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.learning.learning_curve import Epoch
from trainer.report.evaluation import Evaluation
from trainer.report.figures import figures
from trainer.report.mistakes import worst_mistakes
from trainer.report.report import Attempt, Data, Mirror, Report, Split, Suspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.data.listing import Photo
    from trainer.report.report import Figures

CONDITIONS = ("darkness", "noise", "blur", "motion blur", "JPEG")
SHA256 = "0123456789abcdef" * 4


def evaluation(classes: int, each: int, skill: float = 4.0, *, more: int = 0, seed: int = 0) -> Evaluation:
    """Scores of ``each`` photographs a class, the surer the more ``skill``; ``more`` labels are shown by none."""
    labels = np.repeat(np.arange(classes), each)
    return Evaluation(_scores(labels, classes + more, skill, seed), labels, 4.21)


def unrelated(labels: int, pictures: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Scores of pictures that nearly all are the last label's."""
    return _scores(np.full(pictures, labels - 1), labels, 5.0, seed)


def _scores(shown: NDArray[np.int64], labels: int, skill: float, seed: int) -> NDArray[np.float32]:
    logits = np.random.default_rng(seed).normal(0, 1.2, (len(shown), labels))
    logits[np.arange(len(shown)), shown] += skill
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


def measured(classes: Sequence[str], each: int) -> Figures:
    """What a test of a model with a label `background` says, of ``each`` photographs a class."""
    labels = (*classes, "background")
    tested = evaluation(len(classes), each, more=1)
    return figures(
        labels,
        tested,
        float_=evaluation(len(classes), each, 4.1, more=1),
        temperature=0.7,
        thresholds={name: 0.5 + 0.3 * (place % 7) / 7 for place, name in enumerate(classes)},
        neutral=("background",),
        unrelated={"generic pictures that come with the trainer": unrelated(len(labels), 120)},
        robust={
            name: evaluation(len(classes), each, 3.2 - place / 3, more=1, seed=place)
            for place, name in enumerate(CONDITIONS)
        },
        graphs={"original": tested, "rewritten": evaluation(len(classes), each, 3.9, more=1)},
    )


def report(classes: Sequence[str], each: int, photos: Sequence[Photo] = (), **changes: Any) -> Report:
    """All of it.

    Args:
        classes: the user's.
        each: test photographs a class.
        photos: that many, in the order of the classes: the worst mistakes are among them.
        changes: fields that are to be otherwise.
    """
    shown = measured(classes, each)
    tested = evaluation(len(classes), each, more=1)
    findings = tuple(
        f"/home/ada/photographs/{name}/IMG 0{at}.JPG: broken; left out" for name in classes for at in (1, 2)
    )
    about: dict[str, Any] = {
        "backbone": "efficientnet_lite0",
        "classes": tuple(classes),
        "format": "int8",
        "size_bytes": 3_981_312,
        "sha256": SHA256,
        "input_size": 224,
        "latency_ms": 4.21,
        "machine": "AMD EPYC 7763 64-Core Processor (x86_64)",
        "seconds": 810.0,
        "data": Data("/home/ada/photographs", 70 * len(classes), 15 * len(classes), each * len(classes), findings),
        "split": Split("test", "seed", 70 * len(classes), 15 * len(classes), each * len(classes)),
        "layout": "a folder a class",
        "mirror": Mirror(used=True, reason="no two classes are confused more often when they are mirrored"),
        "settings": {"backbone": "efficientnet_lite0", "weights": "imagenet", "size": 224, "seed": 0},
        "epochs": tuple(
            Epoch("head" if at < 8 else "fine-tuning", 2 / at, 1 - 0.5 / at, 2.2 / at, 1 - 0.55 / at, 4.0)
            for at in range(1, 20)
        ),
        "attempts": (
            Attempt("as it is", 0.88, kept=False, size_bytes=3_981_312, seconds=12.0),
            Attempt("more images for calibration", 0.92, kept=True, size_bytes=3_981_312, seconds=40.0),
        ),
        "mistakes": worst_mistakes(tested, photos, (*classes, "background")) if photos else (),
        "suspects": tuple(Suspect(str(each.path), classes[0], classes[-1], 0.03) for each in photos[:3]),
    }
    fields = {name: getattr(shown, name) for name in shown.__struct_fields__}
    return Report(**{**fields, **about, **changes})
