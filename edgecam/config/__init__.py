"""Settings: typed, frozen, and every mistake in them named at once."""

from edgecam.config.contradictions import ALL
from edgecam.config.instances import instance_of, settings_of, unit_of
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

SYSTEM_FILE = settings_of("")
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
    "instance_of",
    "load",
    "settings_of",
    "unit_of",
]
