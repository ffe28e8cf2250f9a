"""``edgecam check``: what works, what does not, and the remedy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from edgecam.camera.frames import Frame
from edgecam.camera.pictures import read_picture, why_unread
from edgecam.config import load as load_settings
from edgecam.config import unit_of
from edgecam.config.views import view_key
from edgecam.errors import BrokerError, ConfigError, EdgecamError, SourceFileError, split_remedy
from edgecam.tools.finding import Finding, Status, failure
from edgecam.tools.model_check import doubts_of, facts_of, hint_of, words_of
from edgecam.tools.remedies import in_words_of, remedy_for_broker, remedy_for_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.config import Config, ViewSettings

BROKER_TIMEOUT_S = 7.0


def findings(
    load: Callable[[], Config], file: Path | None, picture: Path | None = None, *, instance: str | None = None
) -> Iterator[Finding]:
    """Look at each part in turn.

    Args:
        load: reads the settings.
        file: which they are read from; None: from none.
        picture: is shown to the model instead of a frame of the camera.
        instance: they are those of an installed service: its NAME, empty for edgecam.service; None: of none.

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
    said = f"{read}: camera {settings.camera.name}, topics {settings.root}/"
    if file and instance is not None and (other := _namesake(settings, file)):
        yield failure("settings", f"{said}: so is that of {other}", "set camera.name in one of them to another name")
    else:
        yield Finding("settings", Status.OK, said)
    from edgecam.tools.camera_check import check_camera, check_camera_of_service

    unit = unit_of(instance or "")
    state, status = _service_state(unit)
    is_running = instance is not None and state == "active"
    camera, frame = (check_camera_of_service(settings, unit, status), None) if is_running else check_camera(settings)
    is_installed = instance is not None and state not in ("", "not installed")
    for place, look in enumerate(settings.looks):
        found = _model(settings, look, shown or frame, of_service=is_installed)
        key = view_key(look, place)
        yield (
            found
            if look.model == settings.model
            else replace(found, detail=in_words_of(key, found.detail), remedy=in_words_of(key, found.remedy))
        )
    yield camera
    yield _broker(settings)
    yield _service(unit, state)
    yield _temperature(settings.limits.temperature)


def _namesake(settings: Config, file: Path) -> Path | None:
    """Another service's file whose camera is called the same at the same broker; None: there is none."""
    for other in sorted(file.parent.glob("*.toml")):
        if other == file:
            continue
        try:
            theirs = load_settings(other)
        except ConfigError:  # which a check of its own tells
            continue
        if (theirs.root, theirs.mqtt.host, theirs.mqtt.port) == (settings.root, settings.mqtt.host, settings.mqtt.port):
            return other
    return None


def _frame_of(picture: Path) -> Frame:
    image = read_picture(picture)
    if image is None:
        message = f"--picture {picture}: {why_unread(picture)}"
        raise SourceFileError(message)
    return Frame(image, 0, 0)


def _model(settings: Config, look: ViewSettings, seen: Frame | None, *, of_service: bool) -> Finding:
    """Load the model of a view."""
    from edgecam.model.loading import plan_model
    from edgecam.model.meant import HIDDEN, HIDDEN_LIBRARY, is_hidden_from_services

    name = f"model {look.name}".rstrip()
    try:
        model = plan_model(look.model, settings.camera.fps, measure=False).load()
    except EdgecamError as error:
        return failure(name, error.problem, remedy_for_model(error, look.model))
    path = model.file.path
    if of_service and look.model.path and is_hidden_from_services(path):
        return failure(name, f"{path}: read by you, but not by the service", HIDDEN)
    delegate = look.model.delegate
    if of_service and "/" in delegate and is_hidden_from_services(Path(delegate)):
        detail, remedy = f"model.delegate: {delegate}: read by you, but not by the service", HIDDEN_LIBRARY
        return failure(name, detail, remedy)
    doubts = [*doubts_of(model, settings, look, seen)]
    facts = facts_of(model, settings, look, seen)
    detail = "; ".join([f"{path}: {words_of(model, facts)}", *(doubt.problem for doubt in doubts if doubt.problem)])
    remedy = "; ".join(doubt.remedy for doubt in doubts) or hint_of(model, seen)
    return Finding(name, Status.WARNING if doubts else Status.OK, detail, remedy, facts)


def _broker(settings: Config) -> Finding:
    from edgecam.mqtt.client import logged_in

    name = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        with logged_in(settings.mqtt, BROKER_TIMEOUT_S):
            pass
    except ConfigError as error:  # a file of the settings cannot be read, or says nothing of use
        return failure("broker", error.problem, error.remedy or "correct it, or what it names")
    except BrokerError as error:
        return failure("broker", f"{name} {error.problem}", remedy_for_broker(error, settings.mqtt))
    return Finding("broker", Status.OK, f"{name} lets us in")


def _service_state(unit: str) -> tuple[str, str]:
    """Systemd's word for the state of the service, and the service's own status; both empty without systemd."""
    if not shutil.which("systemctl"):
        return "", ""
    command = ["systemctl", "show", unit, "--property=ActiveState,LoadState,StatusText"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    told = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    state = told.get("ActiveState", "") if told.get("LoadState") == "loaded" else "not installed"
    return state, told.get("StatusText", "")


def _service(unit: str, state: str) -> Finding:
    match state:
        case "active" | "reloading":
            return Finding("service", Status.OK, f"{unit} is {state}")
        case "":
            detail, remedy = "no systemd here", "start edgecam run by what starts services here"
        case "not installed":
            detail, remedy = f"{unit} is not installed", "sudo make install, in a checkout"
        case "inactive" if "@" in unit:
            detail, remedy = f"{unit} is inactive", f"sudo systemctl enable --now {unit.removesuffix('.service')}"
        case _:
            detail, remedy = f"{unit} is {state}", f"journalctl -u {unit.removesuffix('.service')} -n 20 tells why"
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
