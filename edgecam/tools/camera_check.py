"""What ``edgecam check`` finds out about the camera, and why it gives no frame."""

from __future__ import annotations

import re
import threading
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from edgecam.camera.sources import open_source
from edgecam.camera.sources.devices import cameras, device_at, devices
from edgecam.camera.sources.source import patience_s
from edgecam.camera.sources.taken import Memory
from edgecam.device.processes import holders_of
from edgecam.errors import EdgecamError
from edgecam.tasks import Task
from edgecam.tools.finding import Finding, Status, failure
from edgecam.tools.remedies import remedy_for_camera

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecam.camera.frames import Frame
    from edgecam.camera.sources.devices import Device
    from edgecam.config import Config
    from edgecam.device.processes import Holders

PATIENCE = 3  # times as long as a source waits for a frame, for one to be opened and to give one
RECEIVERS = ("rp1-cfe", "unicam")  # the drivers that give what a Pi's sensors see
MEMORY = Path("/proc/meminfo")
NO_MEMORY = re.compile(
    r"cannot allocate memory|failed to allocate|unable to allocate|out of memory|ENOMEM", re.IGNORECASE
)
MORE_MEMORY = (
    "give cameras more: dtoverlay=vc4-kms-v3d,cma-256 in /boot/firmware/config.txt, and reboot; or a smaller "
    "camera.width and camera.height"
)
GENERIC = "see that no other program uses it, and plug it in anew"


def check_camera(settings: Config) -> tuple[Finding, Frame | None]:
    """Take one frame."""
    if raw := raw_device(settings.camera.source):
        return of_raw_device(raw), None
    try:
        source = open_source(settings.camera, memory=Memory(None))
    except EdgecamError as error:
        return failure("camera", error.problem, remedy_for_camera(error, settings.camera.source)), None
    name = source.name  # without the password that a stream's address may have
    stop = threading.Event()
    taken: list[Frame] = []

    def take() -> None:
        frames = source.frames(stop)
        taken.extend(islice(frames, 1))
        frames.close()

    task, timeout_s = Task("camera", take, lambda _task: None), PATIENCE * patience_s(settings.camera.fps)
    if not task.join(timeout_s):
        return of_lost(settings, f"{name}: no frame in {timeout_s:.0f} s", "plug it in anew"), None
    if isinstance(task.error, EdgecamError):
        problem = task.error.problem
        detail = problem if name in problem else f"{name}: {problem}"
        return of_lost(settings, detail, remedy_for_camera(task.error, settings.camera.source)), None
    if task.error or not taken:  # a driver's own error may be of any kind
        detail = f"{name}: {' '.join(str(task.error or 'no frame came').split())}"
        return of_lost(settings, detail, GENERIC), None
    width, height = taken[0].size
    return Finding("camera", Status.OK, f"{name}: {width}x{height}"), taken[0]


def check_camera_of_service(settings: Config, unit: str, status: str) -> Finding:
    """Tell what the service says of the camera, which nobody else can open while it runs."""
    if raw := raw_device(settings.camera.source):
        return of_raw_device(raw)
    try:
        name = open_source(settings.camera, memory=Memory(None)).name
    except EdgecamError as error:
        return failure("camera", error.problem, remedy_for_camera(error, settings.camera.source))
    detail = f"{name}: the service says: {status or 'nothing yet'}"
    if status.startswith("camera lost"):
        return of_lost(
            settings, detail, f"plug it in, or set camera.source; see journalctl -u {unit.removesuffix('.service')}"
        )
    return Finding("camera", Status.OK, detail)


def raw_device(source: str) -> Device | None:
    """Return the device of a Pi's own camera or image processor that a source names, which gives no pictures."""
    device = device_at(Path(source)) if source.startswith("/dev/") else None
    return device if device and device.is_a_pis_own else None


def of_raw_device(device: Device) -> Finding:
    """Tell that a camera is used by Picamera2 only."""
    detail = f"{device.path} is a Pi's own camera or image processor ({device.driver}), and gives no pictures by itself"
    return failure("camera", detail, 'set camera.source = "picamera2"')


def of_lost(settings: Config, detail: str, remedy: str) -> Finding:
    """Tell of a camera that gives no frame, and why, where the system knows.

    Args:
        settings: which camera it is.
        detail: what is known without asking the system.
        remedy: what helps, where it does not know.
    """
    if NO_MEMORY.search(detail):
        return failure("camera", f"{detail}; {memory_left(MEMORY.read_text())}", MORE_MEMORY)
    held, all_seen = [], True
    for device in _devices_of(settings.camera.source):
        holders = holders_of(Path(device.path))
        all_seen &= holders.all_seen
        if holders.seen:
            held.append(held_by(device.path, holders))
    if held:
        return failure("camera", f"{detail}; {', '.join(held)}", "stop it, or name another camera")
    if not all_seen:
        remedy = f"{remedy}; if another process has it, sudo edgecam check names it"
    return failure("camera", detail, remedy)


def held_by(path: str, holders: Holders) -> str:
    """Say which processes have a device."""
    return f"{path} is held by {' and '.join(map(str, holders.seen))}"


def memory_left(meminfo: str) -> str:
    """Say how much of the memory that cameras share is free, by /proc/meminfo."""
    told: dict[str, str] = dict(re.findall(r"^(\w+): +(\d+) kB$", meminfo, re.MULTILINE))
    if "CmaFree" not in told:
        return f"MemAvailable is {_mb(told.get('MemAvailable', '0'))}"
    return f"CmaFree is {_mb(told['CmaFree'])} of {_mb(told.get('CmaTotal', told['CmaFree']))}"


def _mb(kilobytes: str) -> str:
    return f"{int(kilobytes) / 1024:.0f} MB"


def _devices_of(source: str) -> Sequence[Device]:
    """Which devices somebody has who has a camera."""
    if source.startswith("/dev/"):
        return [device] if (device := device_at(Path(source))) else []
    if source == "auto":
        return [*_of_a_pi(), *cameras()]
    return _of_a_pi() if source.startswith("picamera2") else []


def _of_a_pi() -> list[Device]:
    """What libcamera opens of a Pi's own cameras: the sensors' receivers, not what decodes videos."""
    return [device for device in devices() if device.driver.startswith(RECEIVERS)]
