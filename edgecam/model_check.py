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
    if not settings.path:
        return Model(settings)
    checked = _check(settings)
    model = Model(settings)
    if model.file.sha256 != checked:
        message = f"{settings.path}: changed while it was checked; try again when it is complete"
        raise ModelError(message)
    return model


def _check(settings: config.Model) -> str:
    """Return the SHA-256 of the file that was found good, in hex."""
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
    if child.returncode:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        message = f"{settings.path}: cannot be checked: {''.join(last) or f'exit code {child.returncode}'}"
        raise ModelError(message)
    return child.stdout.decode()


def _main() -> None:
    try:
        model = Model(msgspec.json.decode(sys.stdin.buffer.read(), type=config.Model))
        sys.stdout.write(model.file.sha256)
    except ModelError as error:
        sys.stdout.write(str(error))
        sys.exit(REFUSED)


if __name__ == "__main__":
    _main()
