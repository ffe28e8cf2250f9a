"""``edgecam check``: what works, what does not, and the remedy."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
import threading
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from edgecam.camera.frames import Frame
from edgecam.camera.pictures import read_picture, why_unread
from edgecam.errors import BrokerError, ConfigError, EdgecamError, SourceFileError, split_remedy
from edgecam.tasks import Task
from edgecam.tools.model_check import Facts, doubts_of, facts_of, hint_of, rows_of, words_of
from edgecam.tools.remedies import remedy_for_broker, remedy_for_camera, remedy_for_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.config import Config, ViewSettings

PATIENCE = 3  # times as long as a source waits for a frame, for one to be opened and to give one
BROKER_TIMEOUT_S = 7.0
INDENT = 22  # columns before what is said of a part


class Status(StrEnum):
    """How a part is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "red"}


class Finding(msgspec.Struct, frozen=True):
    """How one part is, and what to do about it; of a model also what is known of it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""
    facts: Facts | msgspec.UnsetType = msgspec.UNSET

    def line(self, columns: int | None = None) -> str:
        """For people: one line, or as many as it takes in a terminal of so many columns, and rows below it."""
        remedy = f"-> {self.remedy}" if self.remedy else ""
        said = f"{self.detail} {remedy}".rstrip()
        width = max(20, columns - INDENT) if columns else len(said)
        if len(said) > width:  # what to do is not to be searched for
            said = f"\n{'':{INDENT}}".join([*_wrapped(self.detail, width), *_wrapped(remedy, width)])
        rows = [f"\n{'':{INDENT}}{row}" for row in rows_of(self.facts)] if self.facts else []
        return f"{click.style(f'{self.status:8}', fg=COLOURS[self.status])} {self.name:12} {said}{''.join(rows)}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def findings(
    load: Callable[[], Config], file: Path | None, picture: Path | None = None, *, of_service: bool = False
) -> Iterator[Finding]:
    """Look at each part in turn.

    Args:
        load: reads the settings.
        file: which they are read from; None: from none.
        picture: is shown to the model instead of a frame of the camera.
        of_service: they are those of the installed service.

    Raises:
        SourceFileError: the picture cannot be read.
    """
    shown = _frame_of(picture) if picture else None
    try:
        settings = load()
    except ConfigError as error:
        for mistake in error.mistakes:
            problem, remedy = split_remedy(mistake)
            yield Finding(
                "settings", Status.FAILURE, problem, remedy or "correct it; the other checks need the settings"
            )
        return
    read = f"read from {file}" if file else "defaults, as there is no settings file"
    yield Finding("settings", Status.OK, f"{read}: camera {settings.camera.name}, topics {settings.root}/")
    state, status = _service_state()
    is_running = of_service and state == "active"
    camera, frame = (_camera_of_service(settings, status), None) if is_running else _camera(settings)
    is_installed = of_service and state not in ("", "not installed")
    for look in settings.looks:
        yield _model(settings, look, shown or frame, of_service=is_installed)
    yield camera
    yield _broker(settings)
    yield _service(state)
    yield _temperature(settings.limits.temperature)


def _frame_of(picture: Path) -> Frame:
    image = read_picture(picture)
    if image is None:
        message = f"--picture {picture}: {why_unread(picture)}"
        raise SourceFileError(message)
    return Frame(image, 0, 0)


def _failure(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, Status.FAILURE, detail, remedy)


def _model(settings: Config, look: ViewSettings, seen: Frame | None, *, of_service: bool) -> Finding:
    """Load the model of a view."""
    from edgecam.model.loading import plan_model
    from edgecam.model.meant import HIDDEN, HIDDEN_LIBRARY, is_hidden_from_services

    name = f"model {look.name}".rstrip()
    try:
        model = plan_model(look.model, settings.camera.fps, measure=False).load()
    except EdgecamError as error:
        return _failure(name, error.problem, remedy_for_model(error, look.model))
    path = model.file.path
    if of_service and look.model.path and is_hidden_from_services(path):
        return _failure(name, f"{path}: read by you, but not by the service", HIDDEN)
    delegate = look.model.delegate
    if of_service and "/" in delegate and is_hidden_from_services(Path(delegate)):
        detail, remedy = f"model.delegate: {delegate}: read by you, but not by the service", HIDDEN_LIBRARY
        return _failure(name, detail, remedy)
    doubts = [*doubts_of(model, settings, look, seen)]
    facts = facts_of(model, settings, look, seen)
    detail = "; ".join([f"{path}: {words_of(model, facts)}", *(doubt.problem for doubt in doubts if doubt.problem)])
    remedy = "; ".join(doubt.remedy for doubt in doubts) or hint_of(model, seen)
    return Finding(name, Status.WARNING if doubts else Status.OK, detail, remedy, facts)


def _camera(settings: Config) -> tuple[Finding, Frame | None]:
    """Take one frame."""
    from edgecam.camera.sources import open_source
    from edgecam.camera.sources.source import patience_s

    try:
        source = open_source(settings.camera)
    except EdgecamError as error:
        return _failure("camera", error.problem, remedy_for_camera(error, settings.camera.source)), None
    name = source.name  # without the password that a stream's address may have
    stop = threading.Event()
    taken: list[Frame] = []

    def take() -> None:
        frames = source.frames(stop)
        taken.extend(islice(frames, 1))
        frames.close()

    task, timeout_s = Task("camera", take, lambda _task: None), PATIENCE * patience_s(settings.camera.fps)
    if not task.join(timeout_s):
        return _failure("camera", f"{name}: no frame in {timeout_s:.0f} s", "plug it in anew"), None
    if isinstance(task.error, EdgecamError):
        problem = task.error.problem
        detail = problem if name in problem else f"{name}: {problem}"
        return _failure("camera", detail, remedy_for_camera(task.error, settings.camera.source)), None
    if task.error or not taken:  # a driver's own error may be of any kind
        detail = f"{name}: {' '.join(str(task.error or 'no frame came').split())}"
        return _failure("camera", detail, "see that no other program uses it, and plug it in anew"), None
    width, height = taken[0].size
    return Finding("camera", Status.OK, f"{name}: {width}x{height}"), taken[0]


def _camera_of_service(settings: Config, status: str) -> Finding:
    """What the service says of the camera, which nobody else can open while it runs."""
    from edgecam.camera.sources import open_source

    try:
        name = open_source(settings.camera).name
    except EdgecamError as error:
        return _failure("camera", error.problem, remedy_for_camera(error, settings.camera.source))
    detail = f"{name}: the service says: {status or 'nothing yet'}"
    if status.startswith("camera lost"):
        return Finding("camera", Status.FAILURE, detail, "plug it in, or set camera.source; see journalctl -u edgecam")
    return Finding("camera", Status.OK, detail)


def _broker(settings: Config) -> Finding:
    from edgecam.mqtt.client import logged_in

    name = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        with logged_in(settings.mqtt, BROKER_TIMEOUT_S):
            pass
    except ConfigError as error:  # a file of the settings cannot be read, or says nothing of use
        return _failure("broker", error.problem, error.remedy or "correct it, or what it names")
    except BrokerError as error:
        return _failure("broker", f"{name} {error.problem}", remedy_for_broker(error, settings.mqtt))
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
