"""``edgecam check``: what works, what does not, and the remedy."""

from __future__ import annotations

import shutil
import subprocess
import threading
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from edgecam.addresses import shown
from edgecam.errors import ConfigError, EdgecamError
from edgecam.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.camera.frames import Frame
    from edgecam.config import Config

CAMERA_TIMEOUT_S = 15.0
BROKER_TIMEOUT_S = 7.0


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


def findings(load: Callable[[], Config], *, of_service: bool = False) -> Iterator[Finding]:
    """Look at each part in turn; ``load`` reads the settings, which may be those of the installed service."""
    try:
        settings = load()
    except ConfigError as error:
        for mistake in error.mistakes:
            yield Finding("settings", Status.FAILURE, mistake, "correct it; the other checks need the settings")
        return
    yield Finding("settings", Status.OK, f"camera {settings.camera.name}, topics {settings.root}/")
    state, status = _service_state()
    yield _model(settings)
    yield _camera_of_service(settings, status) if of_service and state == "active" else _camera(settings)
    yield _broker(settings)
    yield _service(state)
    yield _temperature(settings.limits.temperature)


def _model(settings: Config) -> Finding:
    from edgecam.model.loading import plan_model

    try:
        model = plan_model(settings.model, settings.camera.fps, measure=False).load()
    except EdgecamError as error:
        return Finding(
            "model", Status.FAILURE, str(error), "name a classifier in model.path, or none for the shipped one"
        )
    width, height = model.size
    return Finding(
        "model", Status.OK, f"{model.file.path}: {len(model.classes)} classes, {width}x{height}, {model.plan}"
    )


def _camera(settings: Config) -> Finding:
    """Take one frame."""
    from edgecam.camera.sources import open_source

    stop = threading.Event()
    taken: list[Frame] = []

    def take() -> None:
        frames = open_source(settings.camera).frames(stop)
        taken.append(next(frames))
        frames.close()

    task = Task("camera", take, lambda _task: None)
    if not task.join(CAMERA_TIMEOUT_S):
        return Finding(
            "camera",
            Status.FAILURE,
            f"{shown(settings.camera.source)}: no frame in {CAMERA_TIMEOUT_S:.0f} s",
            "plug it in anew",
        )
    if isinstance(task.error, EdgecamError):
        return Finding("camera", Status.FAILURE, f"{shown(settings.camera.source)}: {task.error}", "set camera.source")
    if task.error:
        raise task.error
    width, height = taken[0].size
    return Finding("camera", Status.OK, f"{shown(settings.camera.source)}: {width}x{height}")


def _camera_of_service(settings: Config, status: str) -> Finding:
    """What the service says of the camera, which nobody else can open while it runs."""
    detail = f"{shown(settings.camera.source)}: the service says: {status or 'nothing yet'}"
    if status.startswith("camera lost"):
        return Finding("camera", Status.FAILURE, detail, "plug it in, or set camera.source; see journalctl -u edgecam")
    return Finding("camera", Status.OK, detail)


def _broker(settings: Config) -> Finding:
    from edgecam.mqtt.client import logged_in

    name = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        with logged_in(settings.mqtt, BROKER_TIMEOUT_S):
            pass
    except EdgecamError as error:
        return Finding("broker", Status.FAILURE, f"{name} {error}", "start it, or correct the section [mqtt]")
    return Finding("broker", Status.OK, f"{name} lets us in")


def _service_state() -> tuple[str, str]:
    """Systemd's word for the state of the service, and the service's own status; both empty without systemd."""
    if not shutil.which("systemctl"):
        return "", ""
    command = ["systemctl", "show", "edgecam", "--property=ActiveState,LoadState,StatusText"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    told = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    state = told.get("ActiveState", "") if told.get("LoadState") == "loaded" else "not installed"
    return state, told.get("StatusText", "")


def _service(state: str) -> Finding:
    match state:
        case "active" | "reloading":
            return Finding("service", Status.OK, f"edgecam.service is {state}")
        case "":
            detail, remedy = "no systemd here", "start edgecam run by what starts services here"
        case "not installed":
            detail, remedy = "edgecam.service is not installed", "sudo make install, in a checkout"
        case _:
            detail, remedy = f"edgecam.service is {state}", "journalctl -u edgecam -n 20 tells why"
    return Finding("service", Status.WARNING, detail, remedy)


def _temperature(limit_c: float) -> Finding:
    from edgecam.device.processor import temperature, throttling

    degrees, state = temperature(), throttling()
    detail = "no sensor here" if degrees is None else f"{degrees} C"
    if state and state.now:
        return Finding("temperature", Status.WARNING, f"{detail}: {state.now[0]}", "mend that: it slows edgecam down")
    if degrees is not None and degrees > limit_c:
        return Finding(
            "temperature",
            Status.WARNING,
            f"{detail}, above limits.temperature = {limit_c}",
            "cool it: fewer frames are classified until it is",
        )
    if state and state.since_boot:
        return Finding("temperature", Status.WARNING, f"{detail}; since the start: {state.since_boot[0]}", "watch it")
    return Finding("temperature", Status.OK, detail)
