"""What was ordered over MQTT, kept for the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.config import Score
from edgecam.kept import read_kept
from edgecam.mqtt.commands import Enable, Switch

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam.config import Config


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to classify, and from which score on.

    Attributes:
        enabled: frames are taken and classified.
        threshold: stands for ``events.threshold`` as long as that is ``instead_of``; None: as the settings say.
        instead_of: what the settings said when the threshold was ordered.
    """

    enabled: bool = True
    threshold: Score | None = None
    instead_of: Score | None = None

    def after(self, command: Switch, settings: Config) -> Switches:
        """Return the switches as a command sets them; ``settings`` are those that `applied` has returned."""
        if isinstance(command, Enable):
            return msgspec.structs.replace(self, enabled=command.on)
        if command.score is None:
            return msgspec.structs.replace(self, threshold=None, instead_of=None)
        instead_of = settings.events.threshold if self.threshold is None else self.instead_of
        return msgspec.structs.replace(self, threshold=command.score, instead_of=instead_of)

    def applied(self, settings: Config) -> tuple[Switches, Config]:
        """Return settings with the ordered threshold; an order is over when the settings have changed since."""
        if self.threshold is None or self.instead_of != settings.events.threshold:
            return msgspec.structs.replace(self, threshold=None, instead_of=None), settings
        return self, with_threshold(settings, self.threshold)


def with_threshold(settings: Config, score: float) -> Config:
    """Return settings with another ``events.threshold``."""
    return msgspec.structs.replace(settings, events=msgspec.structs.replace(settings.events, threshold=score))


def read_switches(path: Path) -> Switches:
    """Read what an earlier run wrote; what is not there or makes no sense switches nothing."""
    return read_kept(path, Switches(), "nothing is switched")
