"""Pictures of figures, as SVG."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.learning.learning_curve import Epoch

TRAINING, VALIDATION = "#8a8f98", "#0b6e4f"
MOST_NAMES = 40
MANY = 12
FINE: dict[str, Any] = {"linewidth": 0.8, "color": "#bbb", "linestyle": ":"}


def learning_curve(epochs: Sequence[Epoch]) -> str:
    """Accuracy and loss, epoch by epoch, on the photographs that were learnt and on those held back."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    numbers = np.arange(1, len(epochs) + 1)
    for place, name in enumerate(("accuracy", "loss"), 1):
        axes = figure.add_subplot(1, 2, place)
        axes.plot(numbers, [getattr(each, name) for each in epochs], color=TRAINING, label="learnt")
        axes.plot(
            numbers, [getattr(each, f"validation_{name}") for each in epochs], color=VALIDATION, label="held back"
        )
        for at, (before, after) in enumerate(pairwise(epochs), 1):
            if before.stage != after.stage:
                axes.axvline(at + 0.5, **FINE)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return _svg(figure)


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """What is shown (rows) against what it was taken for (columns), in fractions of the row."""
    matrix = np.array(counts, float)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = float(np.clip(0.5 * len(classes), 4, 14))
    figure = Figure(figsize=(side + 1.5, side + 1), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    if len(classes) <= MOST_NAMES:
        axes.set_xticks(range(len(classes)), classes, rotation=90)
        axes.set_yticks(range(len(classes)), classes)
    if len(classes) <= MANY * 2:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004
                axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xlabel("taken for")
    axes.set_ylabel("shown")
    return _svg(figure)


def accuracy_against_latency(points: Sequence[tuple[str, float, float, float]]) -> str:
    """One point a model: its name, latency in ms, and the float and the int8 model's accuracy as fractions."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, latency, before, after in points:
        axes.plot([latency, latency], [before * 100, after * 100], **FINE)
        axes.plot(latency, before * 100, "o", color=TRAINING, markerfacecolor="none")
        axes.plot(latency, after * 100, "o", color=VALIDATION)
        axes.annotate(name, (latency, after * 100), xytext=(8, -3), textcoords="offset points", fontsize=9)
    axes.plot([], [], "o", color=TRAINING, markerfacecolor="none", label="float")
    axes.plot([], [], "o", color=VALIDATION, label="as converted")
    axes.set_xlabel("milliseconds an image, one thread, this machine")
    axes.set_ylabel("accuracy on test photographs, %")
    axes.set_xlim(left=0)
    axes.margins(x=0.25, y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    return _svg(figure)


def _svg(figure: Any) -> str:
    """The SVG element alone, the same for the same figures."""
    file = io.StringIO()
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "edgecam", "font.family": "sans-serif"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
