"""Whether a new model works on live frames, and fast enough."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 5  # inferences that do not count
ENOUGH = 50
ENOUGH_NS, FEW = 10_000_000_000, 5  # on a slow camera fewer must do


class Verdict(NamedTuple):
    """How a model did: which one, what speaks against it (empty: nothing), and in which view."""

    sha256: str
    problem: str
    view: str = ""


class Probation:
    """Looks at the first inferences of a model and gives one verdict.

    Attributes:
        is_passed: the verdict was given, and is good.
    """

    def __init__(
        self, sha256: str, before_ms: float | None, slower: float, give: Callable[[Verdict], None], view: str = ""
    ) -> None:
        """Try a model.

        Args:
            sha256: of its file.
            before_ms: what an inference took before; None: it is not known, and any speed will do.
            slower: times as long an inference may take now.
            give: given the verdict.
            view: the name of the view in which it runs.
        """
        self._sha256 = sha256
        self._before_ms = before_ms
        self._slower = slower
        self._give = give
        self._view = view
        self._times_ns: list[int] = []
        self._skipped = 0
        self._since_ns: int | None = None
        self._is_over = False
        self.is_passed = False

    def took(self, inference_ns: int, now_ns: int) -> None:
        """Take in how long an inference took."""
        if self._is_over:
            return
        if self._skipped < WARM_UP:
            self._skipped += 1
            return
        self._since_ns = self._since_ns or now_ns
        self._times_ns.append(inference_ns)
        count = len(self._times_ns)
        if count >= ENOUGH or (count >= FEW and now_ns - self._since_ns >= ENOUGH_NS):
            self._end(self._slowness())

    def failed(self, error: Exception) -> None:
        """Take in that an inference failed."""
        self._end(f"it fails: {' '.join(str(error).split()) or type(error).__name__}")

    def _slowness(self) -> str:
        typical_ms = median(self._times_ns) / 1e6
        if self._before_ms is None or typical_ms <= self._slower * self._before_ms:
            return ""
        return (
            f"it is too slow: {typical_ms:.1f} ms an inference after {self._before_ms:.1f} ms, "
            f"where rollout.slower allows {self._slower:g} times as much"
        )

    def _end(self, problem: str) -> None:
        if not self._is_over:
            self._is_over, self.is_passed = True, not problem
            self._give(Verdict(self._sha256, problem, self._view))
