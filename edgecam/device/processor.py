"""How hot the processor is, and whether a Pi's firmware slows it down."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

BOARD = Path("/proc/device-tree/model")
CPUINFO = Path("/proc/cpuinfo")
IDENTIFYING = ("model name", "flags", "Features", "CPU implementer", "CPU variant", "CPU part", "CPU revision")
# The firmware's driver links here to its device, whose place differs from model to model.
FIRMWARE = Path("/sys/bus/platform/drivers/raspberrypi-firmware")
SINCE_BOOT = 16  # bits from here on tell what has been since the start
PROBLEMS = (  # https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
    (0, "the supply voltage is too low; use the power supply made for this Pi"),
    (1, "its frequency is capped"),
    (2, "it is throttled"),
    (3, "it is at the soft temperature limit"),
)


@dataclass(frozen=True, slots=True)
class Throttling:
    """What slows the processor down: now, and at any time since the start."""

    now: tuple[str, ...]
    since_boot: tuple[str, ...]


def name() -> str:
    """What the processor, or the board of a Pi, calls itself."""
    with contextlib.suppress(OSError):
        return BOARD.read_text("ascii").rstrip("\0")
    with contextlib.suppress(OSError):
        for line in CPUINFO.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown processor"


def identity() -> str:
    """What tells one kind of processor from another: its name, what it can do, and how many cores may be used."""
    told = {f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores"}
    with contextlib.suppress(OSError):
        lines = CPUINFO.read_text(errors="replace").splitlines()
        told |= {line for line in lines if line.partition(":")[0].strip() in IDENTIFYING}
    return "\n".join(sorted(told))


def temperature() -> float | None:
    """Of the processor in degrees Celsius, or None where no sensor tells."""
    import psutil  # not needed for the first frames

    sensors = psutil.sensors_temperatures()
    for name in ("cpu_thermal", "coretemp", "k10temp", *sensors):
        if sensors.get(name):
            return round(float(sensors[name][0].current), 1)
    return None


def throttling(firmware: Path = FIRMWARE) -> Throttling | None:
    """Ask a Pi's firmware; None where there is none that tells."""
    for file in sorted(firmware.glob("*/get_throttled")):
        with contextlib.suppress(OSError, ValueError):
            return parse_throttling(file.read_text("ascii"))
    return None


def parse_throttling(text: str) -> Throttling:
    """Read what the firmware tells: a hexadecimal number of bits, such as ``50005``.

    Raises:
        ValueError: it is no such number.
    """
    bits = int(text, 16)
    return Throttling(
        tuple(problem for place, problem in PROBLEMS if bits >> place & 1),
        tuple(problem for place, problem in PROBLEMS if bits >> (place + SINCE_BOOT) & 1),
    )
