"""Models that come over MQTT: what is ordered, which one stands for the settings' model, and what may happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from edgecam.config.sections import OF_THE_MACHINE, ModelSettings
from edgecam.kept import read_kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgecam.config import Config

CRASHES = 2  # while a model is on trial, that speak against it; one may be a power cut
REFUSALS = 16  # models that are remembered as refused

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Url = Annotated[str, msgspec.Meta(pattern=r"^(https?|file)://[!-~]+\Z", max_length=2000)]
Signature = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{86}==\Z")]


class SignedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model to take: where it lies, what its file hashes to, and who says so."""

    url: Url
    sha256: Sha256
    signature: Signature


@dataclass(frozen=True, slots=True)
class TakeModel:
    """An order as it came.

    Attributes:
        order: None: the one that the broker kept is taken back.
        for_all: it went to every camera.
        is_kept: it is the one that the broker keeps, sent again as we connected.
        view: the name of the view that it is for; empty: the one without a name.
    """

    order: SignedModel | None
    for_all: bool = False
    is_kept: bool = False
    view: str = ""


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is published as ``model/state`` of a view."""

    text: str
    view: str = ""


class Installed(msgspec.Struct, frozen=True):
    """A model's file on this device, and its hash."""

    file: str
    sha256: Sha256


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is remembered over restarts; each method returns what it becomes.

    Attributes:
        active: stands for ``model.path`` as long as that is ``instead_of``; None: the settings' own model runs.
        before: what ran before it and comes back if it fails; None: the settings' own.
        is_trial: it has not shown yet that it works here.
        before_ms: what an inference took before, which it may not exceed by too much; None: not known.
        starts: of the daemon since it is on trial, that have not ended properly.
        is_own: it was ordered for this camera alone, so that orders to all do not count.
        refused: SHA-256 of models that are not taken, and why.
        state: what is published.
    """

    active: Installed | None = None
    before: Installed | None = None
    instead_of: str = ""
    is_trial: bool = False
    before_ms: float | None = None
    starts: int = 0
    is_own: bool = False
    refused: dict[str, str] = {}
    state: str = "active"

    def active_for(self, settings: Config, view: str = "") -> Installed | None:
        """Return what stands for the model of a view in the settings; None: they name another since, or take none."""
        look = settings.look(view)
        return self.active if settings.rollout.public_key and look and self.instead_of == look.model.path else None

    def applied(self, settings: Config, candidate: Installed | None = None, view: str = "") -> Config:
        """Return settings with ``candidate``, else with the active model, where they take one."""
        taken = candidate if settings.rollout.public_key else None
        return with_model(settings, taken or self.active_for(settings, view), view)

    def settled(self, settings: Config, view: str = "") -> Record:
        """Note that settings are in force; what stood for their model is over when they name another.

        That of a view that is gone waits for it to come back.
        """
        look = settings.look(view)
        is_over = self.active and look and self.instead_of != look.model.path
        return Record(refused=self.refused) if is_over else self

    def heeds(self, came: TakeModel) -> bool:
        """Whether an order counts here: what goes to all does not where one came for this camera alone."""
        return not (came.for_all and (self.is_own or came.order is None))

    def answered(self, came: TakeModel, running: str) -> tuple[Record, bool]:
        """Take in an order; ``running`` is the hash of the model that runs. Also return whether it is to be fetched."""
        if not self.heeds(came):
            return self, False
        if came.order is None:
            return _replaced(self, is_own=False), False
        asked = _replaced(self, is_own=not came.for_all)
        if came.order.sha256 == running:
            return (asked if self.is_trial else _replaced(asked, state="active")), False
        if came.is_kept and came.order.sha256 in self.refused:
            return _replaced(asked, state=f"refused: {self.refused[came.order.sha256]}"), False
        others = {sha256: why for sha256, why in self.refused.items() if sha256 != came.order.sha256}
        return _replaced(asked, refused=others), True

    def told(self, state: str) -> Record:
        """Publish another state."""
        return _replaced(self, state=state)

    def taken(self, model: Installed, configured: str, before_ms: float | None) -> Record:
        """Let a model stand for ``configured``, the settings' own, on trial."""
        return _replaced(
            self,
            active=model,
            before=self.active,
            instead_of=configured,
            is_trial=True,
            before_ms=before_ms,
            starts=0,
            state="verifying",
        )

    def proven(self) -> Record:
        """Note that the active model works."""
        return _replaced(self, is_trial=False, starts=0, state="active")

    def turned_down(self, sha256: str, why: str) -> Record:
        """Note that a model that is not active will not be."""
        refused = dict([*self.refused.items(), (sha256, why)][-REFUSALS:])
        return _replaced(self, refused=refused, state=f"refused: {why}")

    def moved(self, to: Callable[[Installed], Installed]) -> Record:
        """Note that the models lie elsewhere: where ``to`` says."""
        return _replaced(self, active=self.active and to(self.active), before=self.before and to(self.before))

    def failed(self, why: str) -> Record:
        """Go back to what ran before the active model."""
        if not self.active:
            return self
        back = _replaced(self, active=self.before, before=None, is_trial=False, starts=0)
        return back.turned_down(self.active.sha256, why)

    def started(self) -> Record:
        """Note a start of the daemon."""
        if not self.is_trial:
            return self
        if self.starts + 1 >= CRASHES:
            return self.failed(f"edgecam crashed {CRASHES} times while it was tried")
        return _replaced(self, starts=self.starts + 1)

    def ended(self) -> Record:
        """Note that the daemon ends properly."""
        return _replaced(self, starts=0)


def _replaced(record: Record, **changes: object) -> Record:
    return msgspec.structs.replace(record, **changes)


def with_model(settings: Config, model: Installed | None, view: str = "") -> Config:
    """Return settings with another model of a view; None: with its own.

    Of those for the model before only what is said of the machine holds: runtime, threads, accelerator.
    """
    look = settings.look(view)
    if model is None or look is None:
        return settings
    machine = {name: getattr(look.model, name) for name in OF_THE_MACHINE}
    other = ModelSettings(path=model.file, **machine)
    if not settings.views:
        return msgspec.structs.replace(settings, model=other)
    changed = msgspec.structs.replace(look, model=other)
    return msgspec.structs.replace(settings, views=tuple(changed if each is look else each for each in settings.views))


def read_record(path: Path) -> Record:
    """Read what an earlier run wrote; where nothing is there, or it makes no sense, the settings' own model runs."""
    return read_kept(path, Record(), "the settings' own model runs")
