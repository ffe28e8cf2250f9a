"""Which photographs deserve a look: those that were told wrongly, and those that probably lie in the wrong folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.data.listing import shown
from trainer.report.report import Mistake, Suspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.calibration.wrong_labels import WrongLabel
    from trainer.data.listing import Photo
    from trainer.report.evaluation import Evaluation

WORST = 24


def worst_mistakes(evaluation: Evaluation, photos: Sequence[Photo], labels: Sequence[str]) -> tuple[Mistake, ...]:
    """Photographs taken for something else, the surest mistakes first.

    Args:
        evaluation: of these photographs.
        photos: in the evaluation's order.
        labels: what the scores are of.
    """
    guesses = evaluation.scores.argmax(1)
    sureness = evaluation.scores.max(1)
    wrong = np.flatnonzero(guesses != evaluation.labels)
    order = wrong[np.argsort(-sureness[wrong], kind="stable")][:WORST]
    return tuple(
        Mistake(
            shown(photos[at].path), labels[evaluation.labels[at]], labels[guesses[at]], round(float(sureness[at]), 4)
        )
        for at in order
    )


def suspects(found: Sequence[WrongLabel], photos: Sequence[Photo], classes: Sequence[str]) -> tuple[Suspect, ...]:
    """Name photographs that probably lie in the wrong folder, the likeliest first.

    Args:
        found: which, as indices of photographs and of classes.
        photos: all of them, in the order of these indices.
        classes: the names of these classes.
    """
    return tuple(
        Suspect(shown(photos[each.index].path), classes[each.label], classes[each.looks_like], round(each.score, 4))
        for each in found[:WORST]
    )
