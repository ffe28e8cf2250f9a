"""Which of a model's names each folder of photographs goes by."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgecam.events.labels import NEUTRAL, UNDECIDED, Labels
from trainer.data.listing import Finding
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from edgecam.model.classifier import Classifier
    from trainer.data.listing import Listing

Kind = Literal["visit", "state"]
Role = int | Literal["unrelated"] | None
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Reported:
    """From a model's scores to those of its names, of which each is there once, as the daemon counts them.

    Attributes:
        names: what is reported.
        neutral: those of them that begin no event.
        labels: from scores to names; None: the model has one score, whose rest is that of the first of two names.
    """

    names: tuple[str, ...]
    neutral: tuple[str, ...]
    labels: Labels | None

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make float32 [names] of float32 [classes]."""
        if self.labels is None:
            return np.array([1 - scores[0], scores[0]], np.float32)
        return self.labels.scores(scores).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Folders:
    """What the folders are to the model.

    Attributes:
        reported: what its scores are reported as.
        roles: for each class of the listing the place of its name; ``unrelated``: its pictures show nothing that is to
            be told; None: it is left out.
        findings: which are left out.
    """

    reported: Reported
    roles: tuple[Role, ...]
    findings: tuple[Finding, ...]


def match(model: Classifier, listing: Listing, kind: Kind = "visit", *, strict: bool = False) -> Folders:
    """Find the folders' names among the model's, however their letters are composed.

    Args:
        model: which one.
        listing: of the folders.
        kind: of the events that the model is for: of visits `nothing` is not told, of states it is.
        strict: refuse folders that the model does not know.

    Raises:
        InputError: it knows none of them, or not all though it should.
    """
    usual = NEUTRAL if kind == "visit" else UNDECIDED
    neutral = usual if model.neutral is None else model.neutral
    labels = Labels(model.classes, neutral=neutral)
    reported = Reported(labels.names, tuple(labels.names[place] for place in sorted(labels.neutral)), labels)
    unknown = [name for name in listing.classes if plain(name) not in {plain(each) for each in model.classes}]
    if len(model.classes) == 1:
        return _of_one_score(model, listing, unknown, neutral)
    places = {plain(name): place for place, name in enumerate(reported.names)}
    roles = tuple(places.get(plain(name), _stranger(name, usual)) for name in listing.classes)
    known = [role for role in roles if isinstance(role, int)]
    left_out = [name for name, role in zip(listing.classes, roles, strict=True) if role is None]
    if not known or (strict and left_out):
        raise InputError(_refusal(model, listing, left_out or unknown))
    findings = (Finding(listing.root / name, "a class that the model does not know: left out") for name in left_out)
    return Folders(reported, roles, tuple(findings))


def plain(name: str) -> str:
    """A name as it is compared: systems compose letters differently, and spaces around it are nobody's wish."""
    return unicodedata.normalize("NFC", name).strip()


def _stranger(name: str, neutral: Collection[str]) -> Role:
    return "unrelated" if plain(name).casefold() in neutral else None


def _of_one_score(model: Classifier, listing: Listing, unknown: Sequence[str], neutral: Collection[str]) -> Folders:
    """Its rest is the score of the one other folder, of all else."""
    rest = [name for name in unknown if plain(name).casefold() in {*NEUTRAL, *neutral}]
    if len(unknown) > 1 or unknown != rest:
        message = f"{_refusal(model, listing, unknown)}; call the folder of all else nothing"
        raise InputError(message)
    names = (rest[0] if rest else "nothing", model.classes[0])
    roles = tuple(0 if name in rest else 1 for name in listing.classes)
    return Folders(Reported(names, names[:1], None), roles, ())


def _refusal(model: Classifier, listing: Listing, unknown: Sequence[str]) -> str:
    more = ", ..." if len(model.classes) > SHOWN else ""
    return (
        f"{listing.root}: the model does not know {', '.join(unknown[:SHOWN])}; it knows "
        f"{', '.join(model.classes[:SHOWN])}{more}"
    )
