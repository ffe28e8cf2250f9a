"""Settings: typed, frozen, and every mistake in them named at once."""

from pathlib import Path

from edgecam.config.contradictions import ALL
from edgecam.config.reading import load
from edgecam.config.sections import (
    CameraSettings,
    Config,
    EventsSettings,
    HomeAssistantSettings,
    LimitsSettings,
    ModelSettings,
    MotionSettings,
    MqttSettings,
    OutboxSettings,
    PrivacySettings,
    QueueSettings,
    RolloutSettings,
    Score,
    StatsSettings,
    ViewSettings,
)

SYSTEM_FILE = Path("/etc/edgecam/config.toml")
CREDENTIAL = "mqtt-password"  # of systemd's credential, and of the file beside SYSTEM_FILE

__all__ = [
    "ALL",
    "CREDENTIAL",
    "SYSTEM_FILE",
    "CameraSettings",
    "Config",
    "EventsSettings",
    "HomeAssistantSettings",
    "LimitsSettings",
    "ModelSettings",
    "MotionSettings",
    "MqttSettings",
    "OutboxSettings",
    "PrivacySettings",
    "QueueSettings",
    "RolloutSettings",
    "Score",
    "StatsSettings",
    "ViewSettings",
    "load",
]
