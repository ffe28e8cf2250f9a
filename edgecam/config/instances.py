"""The installed services, one a camera: edgecam.service, and edgecam@NAME.service for each further one."""

from __future__ import annotations

import re
import socket
from pathlib import Path

FOLDER = Path("/etc/edgecam")
FIRST = "config"  # names the settings of edgecam.service, which is the instance ""
NAME = re.compile(r"[A-Za-z0-9_-]+")


def instance_of(file: Path) -> str | None:
    """Return the NAME of the instance whose settings a file is; empty: edgecam.service's; None: no service's."""
    whole = file.absolute()
    if whole.parent.resolve() != FOLDER.resolve() or whole.suffix != ".toml":
        return None
    return "" if whole.stem == FIRST else whole.stem


def settings_of(instance: str) -> Path:
    """Return the file of an instance's settings."""
    return FOLDER / f"{instance or FIRST}.toml"


def unit_of(instance: str) -> str:
    """Return what systemd calls an instance."""
    return f"edgecam@{instance}.service" if instance else "edgecam.service"


def default_name(file: Path) -> str:
    """Return what a camera is called that has no name in its settings: after its host; empty: that alone.

    Raises:
        ValueError: the file's own name is none for a camera; says so in a line.
    """
    instance = instance_of(file)
    if not instance:
        return ""
    if not NAME.fullmatch(instance):
        message = (
            f"the camera is called after this file where camera.name is not set, and {instance!a} is no name for it: "
            "set camera.name, or rename the file to letters, digits, - and _"
        )
        raise ValueError(message)
    return f"{socket.gethostname()}-{instance}"
