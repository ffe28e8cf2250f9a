"""How fast a network learns, step by step."""

from __future__ import annotations

import math

WARM_UP = 0.07  # of all steps


def learning_rate(share: float) -> float:
    """Rise to the peak, then fall to nothing along a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983).

    Args:
        share: of all steps, how many are done: 0..1.

    Returns:
        The rate as a share of its peak: 0..1.
    """
    if share < WARM_UP:
        return max(share / WARM_UP, 0.01)
    return (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
