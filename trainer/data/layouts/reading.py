"""What a layout makes of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from trainer.data.findings import Finding, PhotoPath
    from trainer.data.layouts.part_names import Part

Layout = Literal["auto", "folders", "parts", "csv", "edge-impulse", "roboflow", "teachable-machine"]


class Group(NamedTuple):
    """Files that show one class and serve one end.

    Attributes:
        name: of the class, as it was found.
        where: the folder or the file that says so.
        part: that the user put them into, if any.
        files: they.
    """

    name: str
    where: PhotoPath
    part: Part | None
    files: tuple[PhotoPath, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a layout makes of a folder; ``layout`` names it in a phrase."""

    layout: str
    groups: tuple[Group, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def has_parts(self) -> bool:
        """Whether the user made parts."""
        return any(group.part for group in self.groups)
