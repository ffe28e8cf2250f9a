"""Which V4L2 devices there are, and what each is."""

from __future__ import annotations

import fcntl
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

DEVICES = Path("/dev")
VIDIOC_QUERYCAP = 0x80685600  # https://docs.kernel.org/userspace-api/media/v4l/vidioc-querycap.html
CAPABILITY = struct.Struct("16s32s32sIII12x")
VIDEO_CAPTURE = 0x1
HAS_DEVICE_CAPABILITIES = 0x80000000
# A Pi's own camera and image processors show up as capture devices too, but give no finished images.
RAW_DRIVERS = ("bcm2835-", "pispbe", "rp1-cfe", "rpi-", "unicam")


@dataclass(frozen=True, slots=True)
class Device:
    """A device file, and what its driver says: the driver's name, its place on the bus, whether it gives pictures."""

    path: str
    driver: str
    bus: str
    captures: bool

    @property
    def is_a_pis_own(self) -> bool:
        """Whether it belongs to a Pi's camera or image processor, which Picamera2 knows how to use."""
        return self.driver.startswith(RAW_DRIVERS)


def device_at(path: Path) -> Device | None:
    """Ask a device what it is; None where it is no V4L2 device, or cannot be opened."""
    answer = bytearray(CAPABILITY.size)
    try:
        with path.open("rb", buffering=0) as file:
            fcntl.ioctl(file, VIDIOC_QUERYCAP, answer)
    except OSError:
        return None
    driver, card, bus, _, capabilities, of_device = CAPABILITY.unpack(answer)
    if capabilities & HAS_DEVICE_CAPABILITIES:
        capabilities = of_device
    return Device(str(path), _text(driver), _text(bus) or _text(card), bool(capabilities & VIDEO_CAPTURE))


def devices() -> list[Device]:
    """List the V4L2 devices for video, in the order of their numbers."""
    numbered = {path.name.removeprefix("video"): path for path in DEVICES.glob("video*")}
    paths = [numbered[number] for number in sorted(filter(str.isdecimal, numbered), key=int)]  # rules may add names
    return [device for path in paths if (device := device_at(path))]


def cameras() -> list[Device]:
    """List those that give finished images."""
    return [device for device in devices() if device.captures and not device.is_a_pis_own]


def by_place(found: list[Device]) -> dict[str, Device]:
    """Return cameras by their places, which stay the same when numbers do not: the bus, and which one there it is."""
    counted: Counter[str] = Counter()
    places = {}
    for device in found:
        places[f"{device.bus} {counted[device.bus]}"] = device
        counted[device.bus] += 1
    return places


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")
