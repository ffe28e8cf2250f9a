"""What the user chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from edgecam.camera.fit import Fit
from trainer.data.layouts.reading import Layout
from trainer.learning.distribution import Kind
from trainer.learning.hyperparameters import Hyperparameters
from trainer.quantisation.conversion import Format
from trainer.report.pixel_choice import Range

Mirror = Literal["auto", "always", "never"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of a training, or of a conversion.

    Attributes:
        data: the folder of photographs, or an archive of one.
        output: the folder for what comes out.
        backbone: its name.
        weights: what it begins with: ``imagenet``, ``none``, or a file.
        format: of model.tflite.
        size: pixels a side.
        fit: how a photograph becomes square.
        layout: how the photographs lie; auto: as they look.
        kind: of the events that the model is for: ``nothing`` is an answer where the kind is state.
        unknown: auto: one more label, ``background``, learnt from generic pictures; none: there is none.
        mirror: whether photographs are mirrored; auto: unless that confuses classes.
        head_epochs: of the head alone, after it was fitted.
        epochs: of all of it; None: by the number of photographs.
        hyperparameters: how it learns.
        max_loss: percentage points of accuracy that int8 may cost.
        false_events: the share of unrelated pictures that may reach a label's threshold.
        strategy: on which processors and machines.
        pixels: of `convert`: which numbers the model takes for pixels.
        logs: a folder for the curves as CSV and for TensorBoard.
        resume: go on with a training that was stopped.
        overwrite: replace a model.
    """

    data: Path
    output: Path
    backbone: str = "efficientnet_lite0"
    weights: str = "imagenet"
    format: Format = "int8"
    size: int = 224
    fit: Fit = "stretch"
    layout: Layout = "auto"
    kind: Literal["visit", "state"] = "visit"
    unknown: Literal["auto", "none"] = "auto"
    mirror: Mirror = "auto"
    head_epochs: int = 0
    epochs: int | None = None
    hyperparameters: Hyperparameters = Hyperparameters()
    max_loss: float = 1.0
    false_events: float = 0.02
    strategy: Kind = "none"
    pixels: Literal["auto"] | Range = "auto"
    logs: Path | None = None
    resume: bool = False
    overwrite: bool = False

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.hyperparameters.seed

    def told(self) -> dict[str, Any]:
        """The settings that decide what comes out of a training."""
        where = {"data", "output", "resume", "overwrite", "pixels", "logs", "hyperparameters"}
        own = {name: value for name, value in msgspec.structs.asdict(self).items() if name not in where}
        return msgspec.structs.asdict(self.hyperparameters) | own  # whose `mirror` is what the user chose
