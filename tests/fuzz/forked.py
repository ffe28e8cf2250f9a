"""Tries each input in a process of its own, so that a native crash is an outcome like any other."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING

from tqdm import tqdm

from tests.fuzz.mutations import mutated
from tests.fuzz.targets import Refused

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

TIMEOUT_S = 60.0
FINE = {"taken", "refused"}
TAKEN, REFUSED, BROKEN = 0, 1, 2


def outcome(target: Callable[[bytes], None], data: bytes) -> str:
    """Try an input: ``taken``, ``refused``, ``error`` (not refused in words), ``hang``, or the name of a signal."""
    child = os.fork()
    if not child:
        _try(target, data)
    handle = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([handle], [], [], TIMEOUT_S)
    finally:
        os.close(handle)
    if not ended:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not ended:
        return "hang"
    if status < 0:
        return signal.Signals(-status).name
    return {TAKEN: "taken", REFUSED: "refused"}.get(status, "error")


def _try(target: Callable[[bytes], None], data: bytes) -> None:
    code = BROKEN
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        errors = os.dup(2)
        os.dup2(nowhere, 2)  # what native code says of rubbish
        target(data)
        code = TAKEN
    except Refused:
        code = REFUSED
    except BaseException:  # noqa: BLE001  whatever it is, it is told
        os.dup2(errors, 2)
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def run(
    target: Callable[[bytes], None], seeds: Sequence[bytes], seconds: float, chance: random.Random, keep: Path
) -> Counter[str]:
    """Try damaged inputs for so long and count the outcomes; one of each kind that should not be is kept in a file."""
    outcomes: Counter[str] = Counter()
    until = time.monotonic() + seconds
    with tqdm(total=round(seconds), unit="s", desc=target.__name__, leave=False, disable=None) as progress:
        while time.monotonic() < until:
            data = mutated(seeds, chance)
            result = outcome(target, data)
            outcomes[result] += 1
            if result not in FINE and outcomes[result] == 1:
                keep.mkdir(exist_ok=True)
                (keep / f"{target.__name__}-{result}").write_bytes(data)
            progress.update(round(seconds - (until - time.monotonic())) - progress.n)
    return outcomes
