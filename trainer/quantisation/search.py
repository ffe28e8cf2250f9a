"""The search for an int8 model that knows as much as the float one: remedy after remedy, until one helps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from trainer.errors import ConversionError
from trainer.progress import say
from trainer.report.report import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainer.report.evaluation import Evaluation


class Remedy(NamedTuple):
    """What can be done about a loss of accuracy: its name, and the function that gives a .tflite file so made."""

    name: str
    apply: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Converted:
    """A .tflite file.

    Attributes:
        tflite: its bytes.
        evaluation: how good it is.
        attempts: for int8, all that was tried, in order; this is the best of it.
    """

    tflite: bytes
    evaluation: Evaluation
    attempts: tuple[Attempt, ...] = ()


def keeps(before: Evaluation, after: Evaluation, max_loss: float) -> bool:
    """Whether the loss of accuracy, in percentage points, is allowed.

    A single photograph is never held against a model: of 40, it alone would be 2.5 points.
    """
    allowed = max(1, int(max_loss / 100 * len(before.labels)))
    return before.right - after.right <= allowed


def quantise(
    remedies: Iterable[Remedy], measure: Callable[[bytes], Evaluation], before: Evaluation, max_loss: float
) -> Converted:
    """Try remedies until one keeps the accuracy; else give the best that was found.

    Args:
        remedies: to be tried in their order.
        measure: tells how good a model is on the test photographs.
        before: how good the float model is on them.
        max_loss: how many percentage points may be lost.

    Raises:
        ConversionError: no remedy gave a model at all.
    """
    attempts: list[Attempt] = []
    best: tuple[bytes, Evaluation] | None = None
    refusal = "there is none"
    for name, apply in remedies:
        start = time.monotonic()
        try:
            tflite = apply()
            after = measure(tflite)
        except Exception as error:  # noqa: BLE001  Keras and TensorFlow raise all sorts for networks made elsewhere
            refusal = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            say(f"int8, {name}: not to be had ({refusal}); the next remedy is tried")
            continue
        kept = keeps(before, after, max_loss)
        attempts.append(Attempt(name, after.accuracy, kept, len(tflite), round(time.monotonic() - start, 1)))
        loss = (before.accuracy - after.accuracy) * 100
        verdict = "taken" if kept else "too much; the next remedy is tried"
        say(f"int8, {name}: accuracy {after.accuracy:.1%}, {loss:+.1f} points lost: {verdict}")
        if best is None or after.right > best[1].right:
            best = tflite, after
        if kept:
            break
    if best is None:
        message = f"no way to int8 was found: {refusal}"
        raise ConversionError(message)
    return Converted(*best, tuple(attempts))
