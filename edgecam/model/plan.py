"""How a model may be run on this processor, and which of these ways is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgecam import config

MARGIN = 0.05  # by which another way must be faster than the usual one: less may be noise
ENOUGH = 0.5  # of the time between two frames: an inference that takes no longer needs no more threads

Graph = Literal["original", "rewritten"]


class Plan(msgspec.Struct, frozen=True):
    """A way to run a model.

    Attributes:
        runtime: its name.
        graph: which one, see `graph`.
        threads: how many.
        delegate: path of an accelerator's library; empty: none.
    """

    runtime: str
    graph: Graph = "original"
    threads: int = 1
    delegate: str = ""

    def __str__(self) -> str:
        """In words, for logs and tables."""
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        accelerator = f", with {PurePath(self.delegate).name}" if self.delegate else ""
        return f"{self.runtime}, {self.graph} graph, {threads}{accelerator}"


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds of an inference that nothing disturbed."""

    plan: Plan
    ms: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the settings leave open: the values to be tried of each, the usual one first."""

    runtimes: tuple[str, ...]
    graphs: tuple[Graph, ...]
    threads: tuple[int, ...]

    def singles(self) -> list[Plan]:
        """Every runtime with every graph, on the fewest threads; the usual plan first."""
        return [Plan(runtime, graph, self.threads[0]) for runtime in self.runtimes for graph in self.graphs]

    def spread(self, plan: Plan) -> list[Plan]:
        """The same plan on more threads."""
        return [msgspec.structs.replace(plan, threads=count) for count in self.threads if count > plan.threads]


def candidates(settings: config.ModelSettings, runtimes: Iterable[str], cores: int) -> Candidates:
    """Return what the settings leave open on a machine.

    Args:
        settings: ``auto`` leaves open.
        runtimes: that are installed, the usual one first.
        cores: processor cores that may be used.
    """
    doubled = [1 << power for power in range(cores.bit_length()) if 1 << power < cores]
    return Candidates(
        tuple(runtimes) if settings.runtime == "auto" else (settings.runtime,),
        ("original", "rewritten") if settings.graph == "auto" else (settings.graph,),
        (*doubled, cores) if settings.threads == "auto" else (settings.threads,),
    )


def is_tried(graph: Graph, setting: str, named: Sequence[Graph] | None) -> bool:
    """Return whether a graph is tried.

    Args:
        graph: which one; the original can always be run.
        setting: ``model.graph``.
        named: the graphs that the model says were measured; None: it says nothing.
    """
    if setting != "auto":
        return setting == graph
    return graph == "original" or named is None or graph in named


def fastest(timings: Sequence[Timing]) -> Timing:
    """Return the fastest timing, but the first one where none is faster by more than the noise."""
    best = min(timings, key=lambda timing: timing.ms)
    return best if best.ms < (1 - MARGIN) * timings[0].ms else timings[0]


def choose(timings: Sequence[Timing], interval_ms: float) -> Timing:
    """Return the way to go: the fastest runtime and graph, on as few threads as keep up with the camera.

    More threads cost more of the processor for each frame; where one is enough the others stay cool.

    Args:
        timings: the usual plan's first.
        interval_ms: between two frames.
    """
    fewest = timings[0].plan.threads
    best = fastest([timing for timing in timings if timing.plan.threads == fewest])
    spread = [timing for timing in timings if msgspec.structs.replace(timing.plan, threads=fewest) == best.plan]
    for timing in sorted(spread, key=lambda timing: timing.plan.threads):
        if timing.ms <= ENOUGH * interval_ms:
            return timing if timing.ms < best.ms else best
    return fastest([best, *spread])
