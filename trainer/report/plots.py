"""Pictures of figures, as SVG."""

from __future__ import annotations

import io
import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainer.learning.learning_curve import Epoch
    from trainer.report.report import Calibration, Unrelated

TRAINING, VALIDATION, UNRELATED = "#8a8f98", "#0b6e4f", "#b35c00"
MOST_NAMES = 120
MANY = 24
NAME = 24  # characters of a class's name
FINE: dict[str, Any] = {"linewidth": 0.8, "color": "#bbb", "linestyle": ":"}


def learning_curve(epochs: Sequence[Epoch]) -> str:
    """Accuracy and loss, epoch by epoch, on the photographs that were learnt and on those held back: two pictures."""
    return "".join(_curve(name, epochs) for name in ("accuracy", "loss"))


def _curve(name: str, epochs: Sequence[Epoch]) -> str:
    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    numbers = np.arange(1, len(epochs) + 1)
    axes.plot(numbers, [getattr(each, name) for each in epochs], color=TRAINING, label="learnt")
    axes.plot(numbers, [getattr(each, f"validation_{name}") for each in epochs], color=VALIDATION, label="held back")
    for at, (before, after) in enumerate(pairwise(epochs), 1):
        if before.stage != after.stage:
            axes.axvline(at + 0.5, **FINE)
    axes.set_xlabel("epoch")
    axes.set_title(name)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return _svg(figure)


def confusion(counts: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str]) -> str:
    """What is shown (rows) against what it was taken for (columns), in fractions of the row."""
    matrix = np.array(counts, float).reshape(len(rows), len(columns))
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    are_many = len(columns) > MANY
    cell = 0.2 if are_many else 0.45
    width, height = (float(max(2.5, cell * count)) + 1.5 for count in matrix.shape[::-1])
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    if len(columns) <= MOST_NAMES:
        size = 6 if are_many else 9
        axes.set_xticks(range(len(columns)), [_short(name) for name in columns], rotation=90, fontsize=size)
        axes.set_yticks(range(len(rows)), [_short(name) for name in rows], fontsize=size)
    for (row, column), count in np.ndenumerate(matrix):
        if count and not are_many:
            colour = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xlabel("taken for")
    axes.set_ylabel("shown")
    return _svg(figure)


def reliability(calibration: Calibration) -> str:
    """How often an answer is right, by its score; on the diagonal, scores say just that."""
    figure = Figure(figsize=(4.5, 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 100], [0, 100], **FINE)
    series = (
        (calibration.bins_before, TRAINING, "none", f"as learnt, off by {_points(calibration.ece_before)}"),
        (calibration.bins_after, VALIDATION, VALIDATION, f"model.tflite, off by {_points(calibration.ece_after)}"),
    )
    for bins, colour, fill, name in series:
        filled = [each for each in bins if each.pictures]
        if filled:
            sure = [(each.confidence or 0) * 100 for each in filled]
            right = [(each.accuracy or 0) * 100 for each in filled]
            axes.plot(sure, right, color=colour, linewidth=1)
            sizes = [12 + 4 * each.pictures**0.5 for each in filled]
            axes.scatter(sure, right, sizes, edgecolors=colour, facecolors=fill, label=name, zorder=3)
    axes.set(xlim=(0, 102), ylim=(0, 102), xlabel="score, %", ylabel="of these answers are right, %")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside lower center", fontsize=8)
    return _svg(figure)


def scores(known: Sequence[int], unrelated: Sequence[Unrelated], thresholds: Iterable[float]) -> str:
    """What right answers score, and what pictures score that show nothing of it, in shares of each."""
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.add_subplot()
    edges = np.linspace(0, 1, len(known) + 1)
    strangers = np.sum([each.scores for each in unrelated], axis=0)
    for counts, colour, name in ((known, VALIDATION, "right answers"), (strangers, UNRELATED, "unrelated pictures")):
        shares = np.array(counts) * 100 / max(1, int(np.sum(counts)))
        axes.stairs(shares, edges, color=colour, fill=True, alpha=0.25)
        axes.stairs(shares, edges, color=colour, label=name)
    for limit in {*thresholds}:
        axes.axvline(limit, **FINE)
    axes.plot([], [], label="thresholds", **FINE)
    axes.set(xlim=(0, 1), xlabel="highest score", ylabel="of the pictures, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
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


def _points(ece: float | None) -> str:
    return f"{(ece or 0) * 100:.1f} points"


def _short(name: str) -> str:
    """A name that leaves room for the picture, and is no formula."""
    return (name if len(name) <= NAME else f"{name[: NAME - 1]}…").replace("$", r"\$")


def _svg(figure: Any) -> str:
    """The SVG element alone, the same for the same figures; names are text, which the browser has the letters for."""
    file = io.StringIO()
    import matplotlib as mpl

    plain: Any = {"svg.fonttype": "none", "svg.hashsalt": "edgecam", "font.family": "sans-serif"}
    with mpl.rc_context(plain), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        warnings.filterwarnings("ignore", "Creating legend")  # which is said of every legend on a busy machine
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
