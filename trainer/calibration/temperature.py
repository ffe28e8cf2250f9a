"""By what a classifier's logits are divided, so that its scores say how often it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOWEST, HIGHEST = 0.05, 20.0
# A temperature is taken to be within a factor of 8 of 1 in 95 of 100 cases, until pictures show otherwise. Among
# hundreds of pictures this is nothing; where all answers are right, it is what keeps the scores from all being 1.
PRIOR_SPREAD = np.log(8) / 2


def temperature(
    logits: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> float:
    """Find the temperature with the smallest log loss (Guo et al. 2017, arXiv:1706.04599), under a weak prior about 1.

    Args:
        logits: float64 [pictures, classes], finite, of pictures that were not learnt from.
        labels: int64 [pictures]: what they show.
        weights: float64 [pictures], >= 0: as how many pictures each counts; one each by default.

    Returns:
        `LOWEST` to `HIGHEST`; above 1 the classifier was too sure. 1 without pictures.
    """
    counts = np.ones(len(labels)) if weights is None else weights
    places = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        told = log_softmax(logits * np.exp(-log_temperature), axis=1)[places, labels]
        return float((log_temperature / PRIOR_SPREAD) ** 2 / 2 - counts @ told)

    if not len(labels):
        return 1.0
    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
