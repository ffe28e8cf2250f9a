"""What Home Assistant calls the kinds of binary sensors, by which it chooses icons and words such as *open*."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam.config.sections import HomeAssistantSettings

# https://www.home-assistant.io/integrations/binary_sensor/#device-class; tests/homeassistant compares it.
DEVICE_CLASSES = frozenset(
    {
        *("battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas"),
        *("heat", "light", "lock", "moisture", "motion", "moving", "occupancy", "opening", "plug", "power"),
        *("presence", "problem", "running", "safety", "smoke", "sound", "tamper", "update", "vibration", "window"),
    }
)


def mistaken_classes(settings: HomeAssistantSettings) -> Iterator[str]:
    """Name the classes that Home Assistant does not know, for which it would drop the sensor, or that nothing has."""
    for label, kind in settings.device_class.items():
        key = f"homeassistant.device_class.{label}"
        if kind.lower() not in DEVICE_CLASSES:
            import difflib  # where nothing is wrong it is not needed

            near = difflib.get_close_matches(kind.lower(), sorted(DEVICE_CLASSES), 1)
            told = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(DEVICE_CLASSES))}"
            yield f"{key}: no binary sensor of Home Assistant has the class {kind[:60]!r}; {told}"
        elif settings.labels != "all" and label not in settings.labels:
            yield f"{key}: has no effect without {label!r} in homeassistant.labels"
