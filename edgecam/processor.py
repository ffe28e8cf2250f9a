"""How hot the processor is, and whether a Pi's firmware slows it down."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil

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


def temperature() -> float | None:
    """Of the processor in degrees Celsius, or None where no sensor tells."""
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
