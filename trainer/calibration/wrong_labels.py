"""Photographs that likely lie in the folder of another class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 5  # pictures of a class: with fewer, a classifier says nothing of the one that is left out
FOLDS = 5
FREEDOM = 10.0  # of a classifier's weights (inverse regularisation), divided by the number of features


@dataclass(frozen=True, slots=True)
class WrongLabel:
    """A picture that likely shows another class than it is said to.

    Attributes:
        index: which picture.
        label: what it is said to show.
        looks_like: what it likely shows.
        score: how probable a classifier that has not learnt from it finds what it is said to show, 0..1.
    """

    index: int
    label: int
    looks_like: int
    score: float


def wrong_labels(features: NDArray[np.float32], labels: NDArray[np.int64], *, seed: int = 0) -> tuple[WrongLabel, ...]:
    """Find likely wrong labels by confident learning (Northcutt et al. 2021, arXiv:1911.00068), worst first.

    Args:
        features: float32 [pictures, features], of a network that did not learn these labels.
        labels: int64 [pictures]: what they are said to show.
        seed: of the folds.

    Returns:
        Nothing for one class, or where a class has fewer than `LEAST` pictures.
    """
    present, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(present) < 2 or counts.min() < LEAST:  # noqa: PLR2004  there is nothing to mix up
        return ()
    folds = StratifiedKFold(min(FOLDS, int(counts.min())), shuffle=True, random_state=seed)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=FREEDOM / features.shape[1], max_iter=1000))
    told = cross_val_predict(head, features, places, cv=folds, method="predict_proba")
    # Of swapped labels of photographs this finds as many as cleanlab's other filters, with the fewest false alarms.
    worst = find_label_issues(
        places, told, filter_by="low_normalized_margin", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return tuple(
        WrongLabel(index, int(labels[index]), int(present[told[index].argmax()]), float(told[index, places[index]]))
        for index in map(int, worst)
    )
