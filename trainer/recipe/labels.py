"""From the folders of photographs to what the model is to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from edgecam.events.labels import NEUTRAL, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKGROUND = "background"


class Labels(NamedTuple):
    """What a model tells.

    Attributes:
        names: one a score.
        of_class: the place of each folder's label among them.
        neutral: those that begin no event.
    """

    names: tuple[str, ...]
    of_class: tuple[int, ...]
    neutral: tuple[str, ...]

    @property
    def background(self) -> int | None:
        """The place of the label that is learnt from generic pictures too; None: there is none."""
        return self.names.index(BACKGROUND) if BACKGROUND in self.names else None


def labels_of(folders: Sequence[str], kind: Literal["visit", "state"], unknown: Literal["auto", "none"]) -> Labels:
    """Decide what the photographs of each folder are called.

    Folders of nothing in particular (``nothing``, ``none``, ``background``, ...) are one label with what generic
    pictures show, unless there are no such pictures, or ``nothing`` is an answer.

    Args:
        folders: names of the classes.
        kind: of the events that the model is for.
        unknown: ``none``: nothing is learnt from generic pictures.
    """
    usual = UNDECIDED if kind == "state" else NEUTRAL
    if unknown == "none":
        return Labels(tuple(folders), tuple(range(len(folders))), tuple(each for each in folders if _is(each, usual)))
    kept = [each for each in folders if not _is(each, usual)]
    names = (*kept, BACKGROUND)
    places = [names.index(BACKGROUND if _is(each, usual) else each) for each in folders]
    return Labels(names, tuple(places), (BACKGROUND,))


def _is(name: str, names: Sequence[str]) -> bool:
    return name.strip().casefold() in names
