"""``edgecam check``: what works, what does not, and the remedy."""

from __future__ import annotations

import shutil
import subprocess
import threading
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from edgecam.errors import ConfigError, EdgecamError
from edgecam.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.config import Config
    from edgecam.frames import Frame

CAMERA_TIMEOUT_S = 15.0
BROKER_TIMEOUT_S = 7.0
HOT_C = 80.0


class Status(StrEnum):
    """How a part is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(msgspec.Struct, frozen=True):
    """How one part is, and what to do about it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def line(self) -> str:
        """For people."""
        return f"{self.status:8} {self.name:12} {self.detail}" + (f" -> {self.remedy}" if self.remedy else "")


def findings(load: Callable[[], Config]) -> Iterator[Finding]:
    """Look at each part in turn; ``load`` reads the settings."""
    try:
        settings = load()
    except ConfigError as error:
        for mistake in error.mistakes:
            yield Finding("settings", Status.FAILURE, mistake, "correct it; the other checks need the settings")
        return
    yield Finding(
        "settings", Status.OK, f"camera {settings.camera.name}, topics {settings.mqtt.base}/{settings.camera.name}/"
    )
    yield _model(settings)
    yield _camera(settings)
    yield _broker(settings)
    yield _service()
    yield _temperature()


def _model(settings: Config) -> Finding:
    from edgecam.model_check import load_checked

    try:
        model = load_checked(settings.model)
    except EdgecamError as error:
        return Finding(
            "model", Status.FAILURE, str(error), "name a classifier in model.path, or none for the shipped one"
        )
    width, height = model.size
    return Finding(
        "model", Status.OK, f"{model.file.path}: {len(model.classes)} classes, {width}x{height}, {model.runtime}"
    )


def _camera(settings: Config) -> Finding:
    """Take one frame."""
    from edgecam.sources import open_source

    stop = threading.Event()
    taken: list[Frame] = []

    def take() -> None:
        taken.append(next(open_source(settings.camera).frames(stop)))

    task = Task("camera", take, lambda _task: None)
    if not task.join(CAMERA_TIMEOUT_S):
        return Finding(
            "camera",
            Status.FAILURE,
            f"{settings.camera.source}: no frame in {CAMERA_TIMEOUT_S:.0f} s",
            "plug it in anew",
        )
    if isinstance(task.error, EdgecamError):
        return Finding("camera", Status.FAILURE, f"{settings.camera.source}: {task.error}", "set camera.source")
    if task.error:
        raise task.error
    height, width = taken[0].image.shape[:2]
    return Finding("camera", Status.OK, f"{settings.camera.source}: {width}x{height}")


def _broker(settings: Config) -> Finding:
    from edgecam.mqtt import probe

    name = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        probe(settings.mqtt, BROKER_TIMEOUT_S)
    except EdgecamError as error:
        return Finding("broker", Status.FAILURE, f"{name} {error}", "start it, or correct the section [mqtt]")
    return Finding("broker", Status.OK, f"{name} lets us in")


def _service() -> Finding:
    if not shutil.which("systemctl"):
        return Finding("service", Status.WARNING, "no systemd here", "start edgecam run by what starts services here")
    answer = subprocess.run(["systemctl", "is-active", "edgecam"], capture_output=True, text=True, check=False)  # noqa: S607
    state = answer.stdout.strip() or "unknown"
    if state == "active":
        return Finding("service", Status.OK, "edgecam.service is active")
    return Finding(
        "service", Status.WARNING, f"edgecam.service is {state}", "journalctl -u edgecam tells why, if it is installed"
    )


def _temperature() -> Finding:
    from edgecam.stats import temperature

    degrees = temperature()
    if degrees is None:
        return Finding("temperature", Status.OK, "no sensor here")
    if degrees >= HOT_C:
        return Finding("temperature", Status.WARNING, f"{degrees} C", "cool it: the processor slows down when hot")
    return Finding("temperature", Status.OK, f"{degrees} C")
