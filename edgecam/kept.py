"""Where lies what must outlive a restart."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

logger = logging.getLogger(__name__)

Kept = TypeVar("Kept", bound=msgspec.Struct)


def state_directory() -> Path:
    """``$STATE_DIRECTORY`` (systemd sets it), else ``$XDG_STATE_HOME/edgecam``, else ``~/.local/state/edgecam``."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if home := os.environ.get("XDG_STATE_HOME"):
        return Path(home) / "edgecam"
    return Path("~/.local/state/edgecam").expanduser()


def outbox_file(camera: str) -> Path:
    """Return the file of a camera's undelivered events."""
    return state_directory() / f"outbox-{quote(camera, safe='')}.sqlite3"


def switches_file(camera: str) -> Path:
    """Return the file of what was ordered for a camera over MQTT."""
    return state_directory() / f"switches-{quote(camera, safe='')}.json"


def announced_file(camera: str) -> Path:
    """Return the file of where a camera was announced to Home Assistant."""
    return state_directory() / f"announced-{quote(camera, safe='')}.json"


def rollout_file(camera: str) -> Path:
    """Return the file of what is known of models that a camera was ordered to take."""
    return state_directory() / f"rollout-{quote(camera, safe='')}.json"


def model_folder(camera: str) -> Path:
    """Return the folder of the models that a camera was ordered to take."""
    return state_directory() / f"models-{quote(camera, safe='')}"


def plan_folder() -> Path:
    """Return the folder of what was measured of models on this machine."""
    return state_directory() / "plans"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for the next start, all or nothing, whatever happens meanwhile.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def read_kept(path: Path, nothing: Kept, meaning: str) -> Kept:
    """Read what an earlier run kept; if there is none, or it makes no sense: ``nothing``, which means ``meaning``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type(nothing))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        logger.warning("%s: cannot be read (%s): %s", path, error, meaning)
    return nothing


def write_kept(path: Path, kept: msgspec.Struct) -> None:
    """Keep something for the next start, all or nothing; a disk that cannot be written is no reason to stop."""
    try:
        write_whole(path, msgspec.json.encode(kept))
    except OSError as error:
        logger.warning("%s: cannot be written (%s): the next start does not know of it", path, error)
