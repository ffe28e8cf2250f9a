"""Whose model it is, as its labels show, and how the models of that maker want their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgecam.camera.fit import Fit


@dataclass(frozen=True, slots=True)
class Maker:
    """How the models of a maker want their pictures, which their files do not say.

    Attributes:
        pixels: in the words of ``model.pixels``.
        fit: in those of ``camera.fit``.
        reason: by what the maker is known, for people.
    """

    pixels: str
    fit: Fit
    reason: str


# As the script that each maker gives with a model prepares a picture.
MAKERS: Final[Mapping[str, Maker]] = {
    "teachable machine": Maker("-1..1", "crop", "its labels are numbered as Teachable Machine's are"),
    "yolo": Maker("0..1", "crop", "its labels come in the metadata of YOLO"),
    "lobe": Maker("0..1", "crop", "its labels come in the signature of Lobe"),
}
