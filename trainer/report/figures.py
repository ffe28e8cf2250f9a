"""What a test says of a model: from scores to the figures of the report."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from edgecam import config
from edgecam.events import thresholds as of_events
from trainer.calibration import reliability, statistics
from trainer.report.judgements import judgements
from trainer.report.report import (
    Accuracy,
    Calibration,
    ClassResult,
    Condition,
    Figures,
    McNemar,
    ReliabilityBin,
    Unrelated,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.report.evaluation import Evaluation

NONE: Mapping[str, Evaluation] = MappingProxyType({})
STEPS = 20  # of a histogram of scores


def figures(
    labels: Sequence[str],
    tested: Evaluation,
    *,
    thresholds: Mapping[str, float],
    neutral: Sequence[str],
    float_: Evaluation | None = None,
    is_int8: bool = True,
    temperature: float = 1.0,
    unrelated: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
    robust: Mapping[str, Evaluation] = NONE,
    graphs: Mapping[str, Evaluation] = NONE,
) -> Figures:
    """Make the report's figures.

    Args:
        labels: what the scores are of: all of the model's, `background` among them where it has it.
        tested: what the model, as it is shipped, made of the test photographs: at least one.
        thresholds: as the model carries them, by label; a label without one has the daemon's usual one.
        neutral: labels that are not told; test photographs of them count as unrelated too.
        float_: what the float model made of the same photographs; None: there is no other than the one shipped.
        is_int8: whether the one that is shipped is.
        temperature: by which the logits of both are divided.
        unrelated: scores, float32 [pictures, labels], of pictures of nothing that is to be told, by what these are.
        robust: what it made of the same photographs under each condition, by its name.
        graphs: what each graph that the daemon may run made of them, by its name.
    """
    scores, shown = tested.scores, tested.labels
    places = [place for place, label in enumerate(labels) if label in neutral]
    limits = of_events.thresholds(config.EventsSettings(), labels, thresholds)
    known = ~np.isin(shown, places)
    summed = statistics.figures(scores.argmax(1), shown, len(labels))
    confusion = tested.confusion()
    per_class = class_results(summed, confusion, labels)
    strangers = {f"test photographs of {labels[place]}": scores[shown == place] for place in places}
    told = tuple(
        _unrelated(name, each, limits.tolist(), places)
        for name, each in {**unrelated, **strangers}.items()
        if len(each)
    )
    pictures = sum(each.pictures for each in told)
    before = tested if float_ is None else float_
    return Figures(
        labels=tuple(labels),
        accuracy=Accuracy(
            float_=before.accuracy,
            int8=tested.accuracy if is_int8 else None,
            converted=tested.accuracy,
            interval=summed.interval,
            balanced=summed.balanced,
            macro_f1=summed.macro_f1,
            mcnemar=McNemar(*statistics.mcnemar(before.hits, tested.hits)) if is_int8 and float_ else None,
            robust=float(np.mean([each.accuracy for each in robust.values()])) if robust else None,
        ),
        per_class=tuple(each for each in per_class if each.photographs or each.name not in neutral),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        ece=reliability.ece(scores, shown),
        calibration=_calibration(tested, float_, temperature),
        coverage=_share(reliability.coverage(scores[known], shown[known], limits.tolist())),
        false_event_rate=sum(each.events for each in told) / pictures if pictures else None,
        unrelated=told,
        known_scores=_histogram(scores[known & tested.hits].max(1, initial=0)),
        robust=tuple(Condition(name, each.accuracy) for name, each in robust.items()),
        thresholds={
            label: round(limit, 4) for label, limit in zip(labels, limits.tolist(), strict=True) if label not in neutral
        },
        neutral=tuple(label for label in labels if label in neutral),
        graphs={name: each.accuracy for name, each in graphs.items()},
        judgements=judgements(tested.right, len(shown), per_class, told),
    )


def class_results(
    counted: statistics.Figures, confusion: NDArray[np.int64], labels: Sequence[str]
) -> tuple[ClassResult, ...]:
    """One for each label, in their order.

    Args:
        counted: how each fared.
        confusion: int64 [labels, labels]: how many of a class (row) were taken for another (column).
        labels: their names.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    return tuple(
        ClassResult(
            name=label,
            photographs=each.pictures,
            right=each.right,
            taken_for=labels[int(others.argmax())] if others.any() else None,
            recall=each.recall,
            recall_interval=each.recall_interval,
            precision=each.precision,
            precision_interval=each.precision_interval,
        )
        for label, each, others in zip(labels, counted.classes, wrong, strict=True)
    )


def uncalibrated(scores: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """What the scores were before the logits were divided.

    Args:
        scores: float32 [pictures, labels], softmax of the logits divided by ``temperature``.
        temperature: more than 0.
    """
    powers = scores.astype(np.float64) ** temperature
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


def _calibration(tested: Evaluation, float_: Evaluation | None, temperature: float) -> Calibration:
    before = uncalibrated(float_.scores, temperature) if float_ else None
    return Calibration(
        temperature=round(temperature, 4),
        ece_before=None if before is None or float_ is None else reliability.ece(before, float_.labels),
        ece_after=reliability.ece(tested.scores, tested.labels),
        bins_before=() if before is None or float_ is None else _bins(before, float_.labels),
        bins_after=_bins(tested.scores, tested.labels),
    )


def _bins(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(each.low, each.high, each.pictures, _share(each.confidence), _share(each.accuracy))
        for each in reliability.reliability(scores, labels)
    )


def _unrelated(name: str, scores: NDArray[np.float32], limits: Sequence[float], neutral: Collection[int]) -> Unrelated:
    events = int(reliability.events(scores, limits, neutral).sum())
    highest = np.delete(scores, list(neutral), axis=1).max(1, initial=0)
    return Unrelated(name, len(scores), events, statistics.wilson(events, len(scores)), _histogram(highest))


def _histogram(scores: NDArray[np.float32]) -> tuple[int, ...]:
    return tuple(np.histogram(scores, STEPS, (0, 1))[0].tolist())


def _share(value: float) -> float | None:
    """None for what cannot be told, as JSON has no NaN."""
    return None if math.isnan(value) else value
