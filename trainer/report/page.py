"""What came out of a training, as a page for people."""

from __future__ import annotations

import base64
from importlib import resources
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import jinja2
import msgspec

from trainer.data.listing import shown
from trainer.data.photograph_files import read_photograph
from trainer.errors import PhotographError
from trainer.report import commands, plots
from trainer.report.judgements import are_too_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.data.listing import Photo, PhotoPath
    from trainer.report.report import Report

PICTURE = 160
IN_TITLE = 80  # letters of names
SAID = 12  # findings that stand on the page as they are; of more, all but a summary is folded


def write(report: Report, folder: Path, photos: Sequence[Photo]) -> None:
    """Write ``report.json`` and ``report.html``, which needs nothing but itself.

    Args:
        report: what to write.
        folder: where to, as it was typed; the model is there too.
        photos: those among which its mistakes and suspects are.
    """
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    (folder / "report.html").write_text(page(report, folder / "model.tflite", photos), "utf-8")


def page(report: Report, model: Path, photos: Sequence[Photo]) -> str:
    """The page as HTML.

    Args:
        report: what to show.
        model: its path, as it was typed.
        photos: those among which its mistakes and suspects are.
    """
    wanted = {*(each.path for each in report.mistakes), *(each.path for each in report.suspects)}
    paths = {shown(photo.path): photo.path for photo in photos}
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (resources.files("trainer.report") / name).read_text("utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["percent"] = _percent
    right = sum(each.right for each in report.per_class)
    tested = sum(each.photographs for each in report.per_class)
    html: str = environment.get_template("report.html.jinja").render(
        report=report,
        title=title(report.classes),
        tested=tested,
        right=right,
        too_few=are_too_few(right, tested),
        lines=(commands.classify(model), commands.run(model), commands.evaluate(model, report.data.folder)),
        typed_in=Path.cwd(),
        settings=commands.settings(report.thresholds, report.neutral),
        said=SAID,
        reliability=plots.reliability(report.calibration),
        unrelated=plots.scores(report.known_scores, report.unrelated, report.thresholds.values())
        if report.unrelated
        else "",
        confusion=plots.confusion(*_shown(report)),
        curves=plots.learning_curve(report.epochs) if report.epochs else "",
        pictures={path: _picture(paths[path]) if path in paths else "" for path in wanted},
    )
    return html


def title(classes: Sequence[str]) -> str:
    """The classes, of many the first ones."""
    lengths = accumulate(len(each) + 2 for each in classes)
    fitting = max(1, sum(length <= IN_TITLE for length in lengths))
    more = len(classes) - fitting
    return ", ".join(classes[:fitting]) + (f" and {more} more" if more else "")


def _shown(report: Report) -> tuple[list[list[int]], list[str], list[str]]:
    """The confusion without rows of labels that no photograph shows, and the names of its rows and columns."""
    rows = [place for place, row in enumerate(report.confusion) if any(row) or report.labels[place] in report.classes]
    columns = [
        place
        for place, label in enumerate(report.labels)
        if place in rows or any(row[place] for row in report.confusion)
    ]
    counts = [[report.confusion[row][column] for column in columns] for row in rows]
    return counts, [report.labels[row] for row in rows], [report.labels[column] for column in columns]


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{share * 100:.{digits}f} %"


def _picture(path: PhotoPath) -> str:
    """A small JPEG as a data URL; empty: it is no longer there."""
    try:
        image, _ = read_photograph(path, least=PICTURE)
    except (PhotographError, OSError):
        return ""
    scale = PICTURE / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"
