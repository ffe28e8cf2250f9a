"""Lets a coverage-guided fuzzer (atheris, on libFuzzer) choose the inputs: ``python -m tests.fuzz.guided NAME``."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import targets


def guided(name: str, seconds: float) -> tuple[int, bool]:
    """Fuzz a target for so long, in a process of its own; return how many inputs were tried and if all were fine."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(targets.seeds()[name][1]):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        limits = [f"-max_total_time={max(1, round(seconds))}", "-max_len=20000", "-timeout=20", "-print_final_stats=1"]
        command = [sys.executable, "-m", "tests.fuzz.guided", name, folder, *limits, f"-artifact_prefix={folder}/"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    runs = re.search(r"number_of_executed_units: (\d+)", ended.stderr)
    if ended.returncode:
        sys.stderr.write(ended.stderr)
    return int(runs[1]) if runs else 0, ended.returncode == 0


def _fuzz(name: str, arguments: list[str]) -> None:
    import atheris

    for module in ("flatbuffers.table", "edgecam.model.metadata", "edgecam.mqtt.commands", "edgecam.config"):
        for value in vars(sys.modules[module]).values():
            with contextlib.suppress(AttributeError, TypeError):
                if value.__module__ == module and callable(value) and not isinstance(value, type):
                    atheris.instrument_func(value)
    target = targets.seeds()[name][0]

    def run(data: bytes) -> None:
        with contextlib.suppress(targets.Refused):
            target(data)

    atheris.Setup([sys.argv[0], *arguments], run)
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1], sys.argv[2:])
