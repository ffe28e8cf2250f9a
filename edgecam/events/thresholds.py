"""From which score on a label counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam import config

USUAL = 0.6  # where nothing says another
LOWEST = 0.01  # a threshold below it counts as this: a smoothed score comes near 0, but never there


def thresholds(
    settings: config.EventsSettings, names: Sequence[str], of_model: Mapping[str, float], ordered: float | None = None
) -> NDArray[np.float64]:
    """Return the threshold of each label, float64 [K] in `LOWEST`..1.

    It is the first that there is: the label's own in the settings, what was ordered, what the settings say of all
    labels, the label's own in the model, 0.6.

    Args:
        settings: of the view.
        names: of the K labels.
        of_model: what the model tells, by label.
        ordered: for all labels that have none of their own in the settings; None: nothing was.
    """
    of_all = settings.threshold if ordered is None else ordered
    others = [of_model.get(name, USUAL) if of_all is None else of_all for name in names]
    own = [settings.thresholds.get(name, other) for name, other in zip(names, others, strict=True)]
    return np.maximum(np.array(own, np.float64), LOWEST)


def told(settings: config.EventsSettings, of_model: Mapping[str, float], ordered: float | None = None) -> float | None:
    """Return what is told of the threshold of all labels that have none of their own; None: the model's count."""
    if ordered is not None:
        return ordered
    if settings.threshold is not None:
        return settings.threshold
    return None if of_model else USUAL
