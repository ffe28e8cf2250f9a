"""``edgecam classify``: what the model says of pictures, as the daemon would see them."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgecam.addresses import shown
from edgecam.camera.frames import Frame
from edgecam.camera.pictures import KINDS, pictures_below, read_picture, why_unread
from edgecam.camera.view import view_of
from edgecam.errors import ConfigError, SourceFileError, in_words
from edgecam.model.loading import plan_model
from edgecam.tools.event_lines import BAR, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edgecam.config import Config, ViewSettings
    from edgecam.model.classifier import Classifier

logger = logging.getLogger(__name__)

DIGITS = 6  # of a score, for programs


class LabelScore(msgspec.Struct, frozen=True):
    """A class of the model's own, its place among them, and its score, 0..1."""

    label: str
    index: int
    score: float


class Classified(msgspec.Struct, frozen=True):
    """A picture, and the classes with the highest scores, the highest first."""

    picture: str
    scores: tuple[LabelScore, ...]

    def lines(self) -> Iterator[str]:
        """For people: the picture, and a line for each class."""
        yield plain(self.picture)
        for each in self.scores:
            yield f"  {each.score:.2f} {'#' * round(BAR * min(max(each.score, 0.0), 1.0)):{BAR}} {plain(each.label)}"


def look_of(settings: Config, view: str, *, is_named: bool) -> ViewSettings:
    """Return the settings of a view by its name, of the first one where none is named.

    Args:
        settings: all of them.
        view: its name; empty: none is named.
        is_named: the model was named for this run, so that it counts instead of the view's own.

    Raises:
        ConfigError: no view is called so.
    """
    look = settings.look(view) if view else settings.looks[0]
    if look is None:
        known = ", ".join(each.name for each in settings.views if each.name) or "none"
        message = f"--view: no view is called {shown(view)!r}; known: {known}"
        raise ConfigError(message)
    return msgspec.structs.replace(look, model=settings.model) if is_named else look


def classify(
    settings: Config, look: ViewSettings, named: Sequence[Path], top: int
) -> Iterator[Classified | SourceFileError]:
    """Classify pictures, and those in folders; of what cannot be read, give the error, and go on.

    Args:
        settings: of the camera.
        look: of the view, and of its model.
        named: pictures and folders.
        top: how many classes of each; 0: all.

    What is assumed of the model is logged: what it says may be wrong for it.

    Raises:
        ModelError: the model is refused.
    """
    model = plan_model(look.model, settings.camera.fps, measure=False).load()
    if model.pixels.source == "assumed":
        logger.warning(
            "%s: does not tell how it wants its pixels: %s is assumed; if these scores look wrong, see others: "
            "edgecam check --set model.path=%s --picture FILE",
            *(model.file.path, model.pixels.name, model.file.path),
        )
    view = view_of(settings, model.size, model.fit, look)
    for path in _pictures(named):
        if isinstance(path, SourceFileError):
            yield path
        elif (image := read_picture(path)) is None:
            yield SourceFileError(f"{plain(str(path))}: {why_unread(path)}")
        else:
            yield Classified(_in_utf8(path), highest(model, view.of_frame(Frame(image, 0, 0)), top))


def highest(model: Classifier, frame: Frame, top: int) -> tuple[LabelScore, ...]:
    """Return the classes with the highest scores for a frame of the model's size; ``top`` of 0: all."""
    scores = model.scores(frame.image, frame.layout)
    order = np.argsort(-scores, kind="stable")[: top or None]
    return tuple(LabelScore(model.classes[index], int(index), round(float(scores[index]), DIGITS)) for index in order)


def _in_utf8(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")


def _pictures(named: Sequence[Path]) -> Iterator[Path | SourceFileError]:
    for path in named:
        try:
            if not path.is_dir():
                path.stat()
                yield path
            elif found := pictures_below(path):
                yield from found
            else:
                yield SourceFileError(f"{plain(str(path))}: no picture in it; {KINDS} are read")
        except OSError as error:
            yield SourceFileError(f"{plain(str(path))}: {in_words(error)}")
