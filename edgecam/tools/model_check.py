"""What ``edgecam check`` says of the model: what was found out about it, what was assumed, and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgecam.camera.view import fit_of, view_of
from edgecam.errors import ModelError, split_remedy
from edgecam.model.classifier import Classifier
from edgecam.model.labels.files import repeated
from edgecam.model.outputs import probes
from edgecam.model.pixel_range import USUAL
from edgecam.tools.classify import LabelScore, highest
from edgecam.tools.event_lines import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam.camera.frames import Frame
    from edgecam.config import Config, ViewSettings

ALIKE = 0.01  # by which scores of a black, a white, a noisy and the camera's picture differ at least
SHOWN = 3  # labels under each range of pixels


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a model.

    Attributes:
        input: height, width and channels.
        type: of the input's numbers.
        layout: the order of the input's dimensions: nhwc, nchw or nhw.
        pixels: which numbers it takes for a pixel's, in the words of ``model.pixels``.
        pixels_from: by what that is known.
        outputs: probabilities or logits.
        fit: how a picture of another shape is made to fit.
        labels: how many.
        labels_from: where they are.
        ranges: where the pixels are not told for sure: the labels with the highest scores under each usual range.
    """

    input: tuple[int, int, int]
    type: str
    layout: str
    pixels: str
    pixels_from: str
    outputs: str
    fit: str
    labels: int
    labels_from: str
    ranges: dict[str, tuple[LabelScore, ...]] = {}


@dataclass(frozen=True, slots=True)
class Doubt:
    """What looks wrong, and what to do about it."""

    problem: str
    remedy: str


def facts_of(model: Classifier, settings: Config, look: ViewSettings, frame: Frame | None) -> Facts:
    """Tell what is known of a model.

    Args:
        model: loaded.
        settings: all of them.
        look: those of the view, by which it was.
        frame: of any size, to be shown to it where its pixels are not told for sure; None: there is none.
    """
    width, height = model.size
    ranges = _under_each_range(model, settings, look, frame) if frame and not model.pixels.is_sure else ()
    return Facts(
        input=(height, width, model.input.channels),
        type=np.dtype(model.input.dtype).name,
        layout=model.input.dimensions,
        pixels=model.pixels.name,
        pixels_from=model.pixels.source,
        outputs=model.outputs,
        fit=fit_of(settings.camera, look, model.fit),
        labels=len(model.classes),
        labels_from=model.labels.place,
        ranges=dict(ranges),
    )


def words_of(model: Classifier, facts: Facts) -> str:
    """Say what is known of a model, for people."""
    height, width, channels = facts.input
    colours = "grey" if channels == 1 else "in colour"
    seen = {
        "stretch": "all of the picture, stretched",
        "crop": "the middle of the picture",
        "letterbox": "all, with bars",
    }
    any_size = " (it takes any size: model.size)" if model.input.is_open else ""
    pixels = f"{facts.pixels}, which is assumed" if facts.pixels_from == "assumed" else facts.pixels
    return (
        f"{facts.labels} labels ({model.labels.form}, from {facts.labels_from}); {width}x{height} {colours}, "
        f"{facts.type}{any_size}; fit {facts.fit} ({seen[facts.fit]}); pixels {pixels} ({model.pixels.reason}); "
        f"{facts.outputs}; {model.plan}"
    )


def rows_of(facts: Facts) -> Iterator[str]:
    """For people: what the model says of the picture under each range, a line each."""
    for name, scores in facts.ranges.items():
        now = "  <- as it is now" * (name == facts.pixels)
        yield f"{name:9} " + ", ".join(f"{plain(each.label)} {each.score:.2f}" for each in scores) + now


def hint_of(model: Classifier, frame: Frame | None) -> str:
    """What to do where a model's pixels are not told for sure; empty: they are."""
    if model.pixels.is_sure:
        return ""
    where = f"{'the rows below show' if frame else '--picture FILE shows'} what it says under each range"
    if_wrong = "" if model.pixels.source == "assumed" else "if that is wrong, "
    return f'{if_wrong}set model.pixels (and model.channels = "bgr" if it was made with OpenCV or Caffe): {where}'


def doubts_of(model: Classifier, settings: Config, look: ViewSettings, frame: Frame | None) -> Iterator[Doubt]:
    """Name what looks wrong with a model that runs."""
    if model.pixels.source == "assumed":
        yield Doubt("", hint_of(model, frame))
    if model.pixels.is_bgr and look.model.channels == "rgb":
        yield Doubt(
            "what it first takes off are the means of blue, green and red, in this order", 'set model.channels = "bgr"'
        )
    if twice := repeated(model.classes):
        yield Doubt(*split_remedy(twice))
    if _is_blind(model, settings, look, frame):
        what = "noise, patches of colour, black, white" + (" and the picture" if frame else "")
        yield Doubt(f"it says nearly the same of {what}", "is model.pixels right, and the model whole?")


def _under_each_range(
    model: Classifier, settings: Config, look: ViewSettings, frame: Frame
) -> Iterator[tuple[str, tuple[LabelScore, ...]]]:
    seen = view_of(settings, model.size, model.fit, look).of_frame(frame)
    for name in USUAL:
        other = msgspec.structs.replace(look.model, pixels=name)
        try:
            yield name, highest(Classifier(other), seen, SHOWN)
        except ModelError:  # its input cannot hold such numbers
            continue


def _is_blind(model: Classifier, settings: Config, look: ViewSettings, frame: Frame | None) -> bool:
    """Whether a model gives nearly the same scores whatever it sees."""
    rows = [model.scores(each) for each in probes(*model.size)]
    if frame:
        seen = view_of(settings, model.size, model.fit, look).of_frame(frame)
        rows.append(model.scores(seen.image, seen.layout))
    return bool(np.ptp(rows, axis=0).max() < ALIKE)
