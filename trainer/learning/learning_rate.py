"""How fast a network learns, step by step."""

from __future__ import annotations

import math

WARM_UP = 0.07  # of all steps


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Rise to the peak, then fall to nothing along a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983).

    Args:
        step: 0 up to ``steps`` - 1.
        steps: how many there may be.
        peak: the highest rate.
    """
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))) / 2
