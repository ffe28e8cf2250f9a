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
        """Return the switches as a command sets them, which stands for what the settings say."""
        if isinstance(command, Enable):
            return msgspec.structs.replace(self, enabled=command.on)
        if command.score is None:
            return msgspec.structs.replace(self, threshold=None, instead_of=None)
        return msgspec.structs.replace(self, threshold=command.score, instead_of=settings.events.threshold)

    def under(self, settings: Config) -> Switches:
        """Return the switches under other settings: an order is over when the settings have changed since."""
        if self.threshold is None or self.instead_of != settings.events.threshold:
            return msgspec.structs.replace(self, threshold=None, instead_of=None)
        return self


def read_switches(path: Path) -> Switches:
    """Read what an earlier run wrote; what is not there or makes no sense switches nothing."""
    return read_kept(path, Switches(), "nothing is switched")
