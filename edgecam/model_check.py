"""Loads a model in a child process first, so that one that kills its runtime does not kill the daemon."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from edgecam import config
from edgecam.errors import ModelError
from edgecam.model import Model

TIMEOUT_S = 60
REFUSED = ModelError.exit_code


def load_checked(settings: config.Model) -> Model:
    """Load a model; any but the shipped one is loaded and run once in a child process before.

    Raises:
        ModelError: the model is refused, kills its runtime, or takes longer than TIMEOUT_S to load and run once.
    """
    if settings.path:
        _check(settings)
    return Model(settings)


def _check(settings: config.Model) -> None:
    command = [sys.executable, "-m", "edgecam.model_check"]
    try:
        child = subprocess.run(  # noqa: S603
            command, input=msgspec.json.encode(settings), capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"{settings.path}: took more than {TIMEOUT_S} s to load and run once"
        raise ModelError(message) from None
    if child.returncode == REFUSED:
        raise ModelError(child.stdout.decode())
    if child.returncode < 0:
        message = f"{settings.path}: broken: it kills the runtime (signal {-child.returncode})"
        raise ModelError(message)


def _main() -> None:
    try:
        Model(msgspec.json.decode(sys.stdin.buffer.read(), type=config.Model))
    except ModelError as error:
        sys.stdout.write(str(error))
        sys.exit(REFUSED)


if __name__ == "__main__":
    _main()
