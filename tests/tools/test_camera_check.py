"""Why a camera gives no frame, as ``edgecam check`` tells it; who has a real one is tested in tests/system."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgecam.camera.sources.devices import Device, by_place
from edgecam.config import Config, load
from edgecam.tools.camera_check import MORE_MEMORY, check_camera, check_camera_of_service, memory_left, of_lost
from edgecam.tools.finding import Status

MEMINFO = (
    "MemTotal:         948120 kB\nMemAvailable:  512000 kB\nCmaTotal:          65536 kB\nCmaFree:            3072 kB\n"
)


def answers(monkeypatch: pytest.MonkeyPatch, driver: str, path: Path = Path("/dev/video0")) -> None:
    """Let every device say that it has this driver."""
    device = Device(str(path), driver, "usb-1", captures=True)
    monkeypatch.setattr("edgecam.tools.camera_check.device_at", lambda _path: device)


def named(source: str) -> Config:
    return load(None, [f"camera.source={source}"])


def test_a_process_that_has_the_camera_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "video0"
    device.touch()
    answers(monkeypatch, "uvcvideo", device)
    with device.open("rb") as file, subprocess.Popen(["sleep", "600"], stdin=file) as process:
        found = of_lost(named("/dev/video0"), "/dev/video0: cannot be opened", "plug it in anew")
        process.kill()
    assert found.detail == f"/dev/video0: cannot be opened; {device} is held by sleep (pid {process.pid})"
    assert found.remedy == "stop it, or name another camera"


@pytest.mark.parametrize("driver", ["unicam", "rp1-cfe", "bcm2835-isp"])
def test_a_pis_own_camera_is_for_picamera2(monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    answers(monkeypatch, driver)
    found, frame = check_camera(named("/dev/video0"))
    assert (found.status, found.remedy, frame) == (Status.FAILURE, 'set camera.source = "picamera2"', None)
    assert f"({driver})" in found.detail
    assert check_camera_of_service(named("/dev/video0"), "edgecam.service", "camera lost") == found


def test_what_is_left_of_the_cameras_memory_is_told() -> None:
    found = of_lost(named("picamera2"), "picamera2:0: Picamera2: Cannot allocate memory", "?")
    assert found.remedy == MORE_MEMORY
    assert "is " in found.detail.rpartition("; ")[2]


def test_memory_is_told_in_megabytes() -> None:
    assert memory_left(MEMINFO) == "CmaFree is 3 MB of 64 MB"
    assert memory_left("MemAvailable:  512000 kB\n") == "MemAvailable is 500 MB"


def test_two_cameras_at_one_place_are_told_apart() -> None:
    one, other, third = (Device(f"/dev/video{n}", "uvcvideo", bus, captures=True) for n, bus in enumerate("aab"))
    assert by_place([one, other, third]) == {"a 0": one, "a 1": other, "b 0": third}


def test_the_unit_of_an_instance_is_named_where_its_camera_is_lost() -> None:
    found = check_camera_of_service(named("/dev/video987"), "edgecam@yard.service", "camera lost")
    assert "journalctl -u edgecam@yard" in found.remedy
    assert found.detail.startswith("/dev/video987: the service says: camera lost")
