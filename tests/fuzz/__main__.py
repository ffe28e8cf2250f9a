"""``make fuzz MINUTES=10``: damaged inputs for every reader, then some that a coverage-guided fuzzer chooses."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz import forked, targets
from tests.fuzz.guided import guided

if TYPE_CHECKING:
    from collections import Counter

GUIDED = ("metadata", "labels", "commands", "settings")
# A model may kill its runtime: that is why it is tried in a child process first.
CONTAINED = {"models"}


def main() -> None:
    """Try, print a line a target, and fail where something was neither taken nor refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="folder for inputs that crash or hang")
    options = parser.parse_args()
    known = targets.seeds()
    share_s = 60 * options.minutes / (len(known) + len(GUIDED))
    chance = random.Random(options.seed)  # noqa: S311
    failed = False
    for name, (target, seeds) in known.items():
        outcomes = forked.run(target, seeds, share_s, chance, options.keep)
        failed |= bool(set(outcomes) - forked.FINE) and name not in CONTAINED
        print(f"{name:10} {outcomes.total():7} damaged inputs: {_words(outcomes)}", flush=True)
    for name in GUIDED:
        runs, good = guided(name, share_s)
        failed |= not good
        print(f"{name:10} {runs:7} inputs chosen by coverage: {'no finding' if good else 'see above'}", flush=True)
    sys.exit(1 if failed else 0)


def _words(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in outcomes.most_common())


if __name__ == "__main__":
    main()
