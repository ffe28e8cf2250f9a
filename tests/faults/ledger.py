"""What was decided and what has arrived."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE = re.compile(r"event (new|update|end) (\S+) (\S+) ")


class Step(NamedTuple):
    """What tells a step in the life of an event from all others."""

    event: str
    kind: str
    at: str


@dataclass(frozen=True)
class Ledger:
    """The account of a run.

    Attributes:
        decided: what the daemons logged as saved, in their order.
        arrived: what a subscriber received, in its order.
    """

    decided: list[Step]
    arrived: list[Step]

    @classmethod
    def of(cls, log: Iterable[str], events: Iterable[dict[str, Any]]) -> Ledger:
        """Read the daemons' logs and the subscriber's events."""
        found = (LINE.search(line) for line in log)
        decided = [Step(match[2], match[1], match[3]) for match in found if match]
        # What a killed run left open is ended at the next start, and perhaps at the one after that, in the same way.
        return cls(
            list(dict.fromkeys(decided)), [Step(event["id"], event["type"], event["frame_time"]) for event in events]
        )

    @property
    def once(self) -> list[Step]:
        """What arrived, without repetitions."""
        return list(dict.fromkeys(self.arrived))

    @property
    def lost(self) -> list[Step]:
        """What was decided and has not arrived."""
        arrived = set(self.arrived)
        return [step for step in self.decided if step not in arrived]

    @property
    def out_of_order(self) -> list[Step]:
        """What arrived before something that was decided earlier."""
        places = {step: place for place, step in enumerate(self.decided)}
        known = [step for step in self.once if step in places]
        return [step for before, step in pairwise(known) if places[step] < places[before]]

    @property
    def broken_lives(self) -> list[str]:
        """Events that have not exactly one beginning and one end, in this order, with nothing of others between."""
        lives: dict[str, str] = {}
        for step in self.once:
            lives[step.event] = lives.get(step.event, "") + step.kind[0]
        runs = [event for event, _ in groupby(step.event for step in self.once)]
        torn = {event for event in runs if runs.count(event) > 1}
        return [event for event, life in lives.items() if not re.fullmatch("nu*e", life) or event in torn]

    def summary(self) -> str:
        """One line for people."""
        duplicated = len(self.arrived) - len(self.once)
        return (
            f"decided {len(self.decided)}, delivered {len(self.once)}, duplicated {duplicated}, lost {len(self.lost)}, "
            f"out of order {len(self.out_of_order)}"
        )

    def check(self) -> None:
        """Fail if anything is lost, out of order, or without an end."""
        assert not self.lost, f"{self.summary()}: {self.lost[:5]}"
        assert not self.out_of_order, f"{self.summary()}: {self.out_of_order[:5]}"
        assert not self.broken_lives, f"{self.summary()}: {self.broken_lives[:5]}"
