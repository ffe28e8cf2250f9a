"""Where lies what must outlive a restart."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


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
