"""What the docs show that takes long is run here, but briefly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, Command, commands_of, environment

BRIEFLY = {"MINUTES": "0.3", "BENCHMARKS": "colours", "VENV": str(Path(sys.prefix))}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command", commands_of("tests/faults/test_documents.py"), ids=lambda command: str(command.text)
)
def test_a_command_does_what_it_is_shown_for(command: Command) -> None:
    ended = subprocess.run(
        ["sh", "-c", command.text],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**environment(), **BRIEFLY, "MAKEFLAGS": "-e"},  # which counts more than the Makefile
    )
    if command.text == "make soak":  # which fails, as so brief a run says nothing of memory
        assert "lost 0, out of order 0" in ended.stdout
    else:
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
