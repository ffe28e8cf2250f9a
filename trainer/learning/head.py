"""Fits a head to a frozen backbone in one go: its random weights would spoil the backbone's."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTH = 0.02  # C, of features that are standardised: many features and few photographs want little of it
STEPS = 300
LEAST_DEVIATION = 1e-3


def fit_head(
    features: NDArray[np.float32], labels: NDArray[np.int64], classes: int, weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Softmax regression.

    Args:
        features: float32 [photographs, features].
        labels: int64 [photographs].
        classes: how many there are; each has a photograph.
        weights: float32 [classes]: how much a photograph of each counts.

    Returns:
        The kernel, float32 [features, classes], and the bias, float32 [classes], of a Dense layer with softmax.
    """
    mean, deviation = features.mean(0), features.std(0) + LEAST_DEVIATION
    model = LogisticRegression(C=STRENGTH, max_iter=STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near the end is near enough: fine-tuning follows
        model.fit((features - mean) / deviation, labels, sample_weight=weights[labels])
    coefficients, bias = model.coef_, model.intercept_
    if classes == 2:  # noqa: PLR2004  of two it tells the second one alone
        coefficients, bias = (np.stack([-each[0] / 2, each[0] / 2]) for each in (coefficients, bias))
    kernel = (coefficients / deviation).T
    return kernel.astype(np.float32), (bias - mean @ kernel).astype(np.float32)
