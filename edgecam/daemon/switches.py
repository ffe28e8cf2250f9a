"""What was ordered over MQTT, kept for the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.config import Score
from edgecam.events.thresholds import USUAL, told
from edgecam.kept import read_kept
from edgecam.mqtt.commands import Enable, Switch
from edgecam.mqtt.notices import Switched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgecam.config import Config
    from edgecam.config.sections import EventsSettings


class Ordered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to classify, and from which score on: what was ordered for a view.

    Attributes:
        enabled: frames are taken and classified.
        threshold: stands for ``events.threshold`` as long as that is ``instead_of``; None: as the settings say.
        instead_of: what the settings said when the threshold was ordered.
    """

    enabled: bool = True
    threshold: Score | None = None
    instead_of: Score | None = None

    def after(self, command: Switch, settings: EventsSettings) -> Ordered:
        """Return what is ordered after a command, which stands for what the settings say."""
        if isinstance(command, Enable):
            return msgspec.structs.replace(self, enabled=command.on)
        if command.score is None:
            return msgspec.structs.replace(self, threshold=None, instead_of=None)
        return msgspec.structs.replace(self, threshold=command.score, instead_of=_said(settings))

    def under(self, settings: EventsSettings) -> Ordered:
        """Return what is ordered under other settings: an order is over when the settings have changed since."""
        if self.threshold is None or self.instead_of != _said(settings):
            return msgspec.structs.replace(self, threshold=None, instead_of=None)
        return self


class Switches(Ordered, frozen=True, forbid_unknown_fields=True):
    """What was ordered for a camera, and ``views``: for its views that have a name, by that.

    A view is on while both are. The threshold that was ordered for it goes before the camera's.
    """

    views: dict[str, Ordered] = {}

    def of(self, view: str) -> Ordered:
        """Return what was ordered for a view; the one without a name has the camera's orders."""
        return self.views.get(view, Ordered()) if view else self

    def is_on(self, view: str) -> bool:
        """Whether a view is to look."""
        return self.enabled and self.of(view).enabled

    def threshold_of(self, view: str) -> float | None:
        """Return which threshold was ordered for a view, or for the camera; None: none was."""
        own = self.of(view).threshold
        return self.threshold if own is None else own

    def after_all(self, command: Switch, settings: Config) -> Switches:
        """Return the switches as a command sets them; one for a view that is not there changes nothing."""
        if not command.view:
            return _with(self, self.after(command, settings.events), self.views)
        look = settings.look(command.view)
        if look is None:
            return self
        return _with(self, self, {**self.views, command.view: self.of(command.view).after(command, look.events)})

    def under_all(self, settings: Config) -> Switches:
        """Return the switches under other settings; those of a view that is gone wait for it to come back."""
        views = {
            view: ordered.under(look.events) if (look := settings.look(view)) else ordered
            for view, ordered in self.views.items()
        }
        return _with(self, self.under(settings.events), views)


def switched(switches: Switches, settings: Config, of_models: Mapping[str, Mapping[str, float]]) -> list[Switched]:
    """Say what is switched: for the camera, then for each view that has a name.

    Args:
        switches: what was ordered.
        settings: all of them.
        of_models: thresholds that the models tell, by view, then by label.
    """

    def one(view: str, events: EventsSettings) -> Switched:
        ordered = switches.threshold_of(view)
        return Switched(switches.of(view).enabled, told(events, of_models.get(view, {}), ordered), view, ordered)

    nameless = settings.look("")
    return [
        one("", nameless.events if nameless else settings.events),
        *(one(look.name, look.events) for look in settings.looks if look.name),
    ]


def _said(settings: EventsSettings) -> float:
    return USUAL if settings.threshold is None else settings.threshold


def _with(switches: Switches, ordered: Ordered, views: dict[str, Ordered]) -> Switches:
    return msgspec.structs.replace(
        switches,
        enabled=ordered.enabled,
        threshold=ordered.threshold,
        instead_of=ordered.instead_of,
        views={view: each for view, each in views.items() if each != Ordered()},
    )


def read_switches(path: Path) -> Switches:
    """Read what an earlier run wrote; what is not there or makes no sense switches nothing."""
    return read_kept(path, Switches(), "nothing is switched")
