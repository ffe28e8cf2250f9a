"""Whether the mirror image of one class looks like another: arrows, letters, hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 5  # pictures of a class
FOLDS = 5
FREEDOM = 10.0  # of a classifier's weights (inverse regularisation), divided by the number of features
RISK = 0.01  # of naming any pair where mirroring confuses none
SHARE = 0.25  # of a class's mirror images more must be taken for the other: what matters, not only what is certain


def mirror_confuses(
    features: NDArray[np.float32],
    mirrored_features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    *,
    seed: int = 0,
) -> tuple[tuple[int, int], ...]:
    """Name the pairs of classes that mirroring confuses.

    A small classifier is learnt on pictures as they are, and shown others, and their mirror images. Of a pair, many
    more pictures are taken for the other class once they are mirrored. Pictures that are taken for it only mirrored
    are counted against those taken for it only unmirrored (a sign test, one-sided, corrected for the number of pairs).

    Args:
        features: float32 [pictures, features], of a network that was not taught these classes, and that tell where
            things are: a feature map's means over 3 x 3 cells find 9 and 9 arrows, its mean over all 40 and 40.
        mirrored_features: float32 [pictures, features]: of the same pictures, mirrored.
        labels: int64 [pictures]: what they show, 0 to ``classes`` - 1.
        classes: how many there are.
        seed: of the folds.

    Returns:
        Pairs (a, b), a < b, of those classes that have `LEAST` pictures or more; sorted.
    """
    counts = np.bincount(labels, minlength=classes)
    enough = np.flatnonzero(counts >= LEAST)
    if len(enough) < 2:  # noqa: PLR2004  a pair
        return ()
    kept = np.isin(labels, enough)
    shown = labels[kept]
    plain, mirrored = _told(features[kept], mirrored_features[kept], shown, min(FOLDS, int(counts[enough].min())), seed)
    risk = RISK / (len(enough) * (len(enough) - 1))
    found = set()
    for label in enough:
        of_label = shown == label
        for other in enough[enough != label]:
            before, after = plain[of_label] == other, mirrored[of_label] == other
            gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
            if gained - lost < SHARE * of_label.sum():
                continue
            if binomtest(gained, gained + lost, alternative="greater").pvalue <= risk:
                found.add((int(min(label, other)), int(max(label, other))))
    return tuple(sorted(found))


def _told(
    features: NDArray[np.float32], mirrored: NDArray[np.float32], labels: NDArray[np.int64], folds: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What classifiers that did not learn from a picture take it for, and its mirror image: int64 [pictures] each."""
    plain, turned = np.empty_like(labels), np.empty_like(labels)
    for learnt, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, labels):
        head = make_pipeline(StandardScaler(), LogisticRegression(C=FREEDOM / features.shape[1], max_iter=1000))
        head.fit(features[learnt], labels[learnt])
        plain[held], turned[held] = head.predict(features[held]), head.predict(mirrored[held])
    return plain, turned
