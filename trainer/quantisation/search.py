"""The search for an int8 model that knows as much as the float one: remedy after remedy, until one helps.

What is chosen is chosen on photographs of validation: those of test are shown to what comes of it, once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from scipy.stats import binom

from trainer.errors import ConversionError
from trainer.progress import say
from trainer.report.report import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from trainer.report.evaluation import Evaluation

CHANCE = 0.05  # how probable a fall of a class's recall may be that is called one, in any of the classes
# Of all pictures: while so many keep their label, no better remedy is looked for. As many are lost as won by chance.
ALIKE = 0.98
# Of all pictures: where so many keep their label, two or three of 180 that validation lost were lost by chance.
NEARLY_ALL_ALIKE = 0.99
AGREEING = 600  # photographs beside those of validation that float and int8 are compared on; 3 s a model
ROUNDING = 1e-9  # of fractions that are summed


class Remedy(NamedTuple):
    """What can be done about a loss of accuracy.

    Attributes:
        name: for people.
        apply: gives a .tflite file so made.
        is_cheap: takes less than a minute and makes no slower model: worth it even where nothing is wrong.
    """

    name: str
    apply: Callable[[], bytes]
    is_cheap: bool = False


class Measured(NamedTuple):
    """What a model makes of photographs, the same ones in the same order for all models.

    Accuracy on the few hundred photographs of validation is coarse: of 180, one is 0.6 points. Whether int8 and float
    say the same needs no labels, so that photographs of train can be asked too, and hardly depends on chance.

    Attributes:
        validation: of those that were held back.
        others: float32 [photographs, classes], scores of more, which may be known from the training; or of none.
    """

    validation: Evaluation
    others: NDArray[np.float32]

    @property
    def scores(self) -> NDArray[np.float32]:
        """Of all: float32 [photographs, classes]."""
        return np.concatenate([self.validation.scores, self.others])


@dataclass(frozen=True, slots=True)
class Converted:
    """A .tflite file.

    Attributes:
        tflite: its bytes.
        evaluation: for int8, how good it is on validation.
        attempts: for int8, all that was tried, in order; one of them is ``chosen``.
    """

    tflite: bytes
    evaluation: Evaluation | None = None
    attempts: tuple[Attempt, ...] = ()


class _Found(NamedTuple):
    tflite: bytes
    measured: Measured
    attempt: Attempt
    moved: float


def keeps(before: Evaluation, after: Evaluation, max_loss: float) -> bool:
    """Whether the loss is allowed, as a whole and of each class.

    Neither accuracy nor balanced accuracy (the mean of the classes' recalls) may fall by more than ``max_loss``
    percentage points. No class's recall may fall by more than that where this is no chance (McNemar's exact test,
    one-sided, CHANCE over all classes), nor may it fall to 0 from two that were right. A single photograph is never
    held against a model: of 40, it alone would be 2.5 points.
    """
    least = max_loss / 100
    if before.right - after.right > max(1, int(least * len(before.labels))):
        return False
    shown, place, counts = np.unique(before.labels, return_inverse=True, return_counts=True)
    was, now = before.hits, after.hits
    lost = np.bincount(place, was & ~now, len(shown)).astype(int)
    won = np.bincount(place, now & ~was, len(shown)).astype(int)
    right = np.bincount(place, was, len(shown)).astype(int)
    falls = (lost - won) / counts
    one = max((1 / count for count in counts[lost > won]), default=0.0)
    if falls.mean() > max(least, one / len(shown)) + ROUNDING:
        return False
    is_gone = (right - lost + won == 0) & (right > 1)
    has_fallen = binom.sf(lost - 1, lost + won, 0.5) < CHANCE / len(shown)
    return not ((is_gone | has_fallen) & (falls > least)).any()


def has_lost(before: Evaluation, after: Evaluation) -> bool:
    """Whether there is more to a loss of right answers than chance (McNemar's exact test, one-sided, CHANCE)."""
    lost, won = int((before.hits & ~after.hits).sum()), int((after.hits & ~before.hits).sum())
    return bool(binom.sf(lost - 1, lost + won, 0.5) < CHANCE)


def agreement(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """The share of photographs that two models give the same label: scores are float32 [photographs, classes]."""
    return float((before.argmax(1) == after.argmax(1)).mean())


def _moved(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """How much of the scores, 0..1, lies elsewhere; thresholds are of scores, and labels tell this too coarsely."""
    return float(np.abs(before - after).sum(1).mean() / 2)


def quantise(
    remedies: Iterable[Remedy], measure: Callable[[bytes], Measured], before: Measured, max_loss: float
) -> Converted:
    """Try remedies until one keeps what the float model knows; else give the best that was found.

    Where one keeps it but changes more labels than ALIKE allows, the cheap ones are tried too, and of those that keep
    it the one is taken whose scores are nearest to the float model's.

    Args:
        remedies: to be tried in their order.
        measure: shows a model the photographs of validation, and others; never those of test.
        before: what the float model makes of them.
        max_loss: how many percentage points may be lost.

    Raises:
        ConversionError: no remedy gave a model at all.
    """
    found: list[_Found] = []
    refusal = "there is none"
    for remedy in remedies:
        if any(each.attempt.kept for each in found) and not remedy.is_cheap:
            continue
        try:
            found.append(_tried(remedy, measure, before, max_loss))
        except Exception as error:  # noqa: BLE001  Keras and TensorFlow raise all sorts for networks made elsewhere
            refusal = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            say(f"int8, {remedy.name}: not to be had ({refusal}); the next remedy is tried")
            continue
        if found[-1].attempt.kept and found[-1].attempt.agreement >= ALIKE:
            break
    if not found:
        message = f"no way to int8 was found: {refusal}"
        raise ConversionError(message)
    kept = [each for each in found if each.attempt.kept]
    best = min(kept or found, key=lambda each: (each.moved if kept else -each.measured.validation.right, each.moved))
    if len(found) > 1:
        say(f"int8, {best.attempt.remedy}: taken")
    attempts = tuple(msgspec.structs.replace(each.attempt, chosen=each is best) for each in found)
    return Converted(best.tflite, best.measured.validation, attempts)


def _tried(remedy: Remedy, measure: Callable[[bytes], Measured], before: Measured, max_loss: float) -> _Found:
    start = time.monotonic()
    tflite = remedy.apply()
    after = measure(tflite)
    alike = agreement(before.scores, after.scores)
    kept = keeps(before.validation, after.validation, max_loss) or (
        alike >= NEARLY_ALL_ALIKE and not has_lost(before.validation, after.validation)
    )
    accuracy = after.validation.accuracy
    attempt = Attempt(remedy.name, accuracy, kept, len(tflite), round(time.monotonic() - start, 1), alike)
    gain = (accuracy - before.validation.accuracy) * 100
    compared = f"{abs(gain):.1f} points {'above' if gain > 0 else 'below'} float" if gain else "as in float"
    verdict = "kept" if kept else "too much; the next remedy is tried"
    say(
        f"int8, {remedy.name}: accuracy on validation {accuracy:.1%} ({compared}), {alike:.1%} of "
        f"{len(before.scores)} labels as before: {verdict}"
    )
    return _Found(tflite, after, attempt, _moved(before.scores, after.scores))
