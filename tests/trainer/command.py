"""``python -m trainer``."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_S = 240.0
# What makes a training of a few pictures short, and good all the same: small pictures and ImageNet's weights, which for
# this backbone come in a package, and on which a head is fitted at once.
SMALL = ["--size", "64", "--batch", "16", "--epochs", "3"]
# The same for a network that knows nothing.
UNTAUGHT = ["--backbone", "mobilenet_v3_small", "--weights", "none", "--size", "64", "--batch", "16"]


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


def trainer(*arguments: object, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command in this process, which has TensorFlow at hand already."""
    from trainer.cli import main

    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, environment or {}),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            main([str(each) for each in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    return Ended(code, stdout.getvalue(), stderr.getvalue())


def start(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command as a process; what it says comes line by line from its stderr."""
    return subprocess.Popen(
        [sys.executable, "-m", "trainer", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


def process(*arguments: object, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command as a process, to its end."""
    running = start(*arguments, environment=environment)
    stdout, stderr = running.communicate(timeout=WAIT_S)
    return Ended(running.returncode, stdout, stderr)
