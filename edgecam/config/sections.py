"""What can be set: plain, typed, frozen data, with every default."""

from __future__ import annotations

import socket
from typing import Annotated, Literal, TypeGuard

import msgspec

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Size = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Side = Annotated[int, msgspec.Meta(ge=2, le=4096)]
# MQTT's text is UTF-8 (no surrogates), and brokers refuse control characters in it. A $ would let a newline end it.
_REFUSED = r"+#\x00-\x1f\x7f-\x9f\ud800-\udfff"
TopicLevel = Annotated[str, msgspec.Meta(pattern=rf"^[^/{_REFUSED}]*\Z", max_length=200)]
ViewName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]*\Z", max_length=64)]
TopicPath = Annotated[str, msgspec.Meta(pattern=rf"^[^/{_REFUSED}][^{_REFUSED}]*(?<!/)\Z", max_length=200)]
# Where ~ stands for a home; see paths.py. An address would be no file, and could have a password in it.
File = Annotated[str, msgspec.Meta(pattern=r"^(?![A-Za-z][A-Za-z0-9+.-]*://)[^\x00]*\Z")]
SOURCES = "auto, picamera2, /dev/video0, rtsp:// or http://..., a video or a folder of images"  # what is expected
Source = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]+\Z")]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the settings."""


def is_section(kind: object) -> TypeGuard[type[Section]]:
    """Whether a type is that of a table of the settings."""
    return isinstance(kind, type) and issubclass(kind, Section)


def keys_of(kind: object) -> tuple[str, ...]:
    """Return the keys of a table of the settings; of any other type none."""
    return kind.__struct_fields__ if is_section(kind) else ()


Crop = tuple[Score, Score, Score, Score]
WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
FitSetting = Literal["", "stretch", "crop", "letterbox"]


class CameraSettings(Section, frozen=True):
    """Where frames come from; ``crop`` is x, y, width and height as fractions of the frame.

    ``fit`` is how a picture of another shape becomes one of the model's; empty, as the model says. ``transport`` is
    RTSP's, ``format`` that of a V4L2 camera, ``tuning`` a file of Picamera2's.
    """

    name: TopicLevel = ""
    source: Source = "auto"
    width: Size = 640
    height: Size = 480
    fps: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 30.0
    rotation: Literal[0, 90, 180, 270] = 0
    crop: Crop = WHOLE
    fit: FitSetting = ""
    loop: bool = False
    realtime: bool = False
    transport: Literal["tcp", "udp"] = "tcp"
    format: Literal["auto", "mjpeg", "yuyv"] = "auto"
    tuning: File = ""

    def __post_init__(self) -> None:
        """Name a nameless camera after its host."""
        if not self.name:
            msgspec.structs.force_setattr(self, "name", socket.gethostname())


class QueueSettings(Section, frozen=True):
    """How many frames may wait for the model."""

    size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 2


class PixelSettings(Section, frozen=True):
    """What a model takes for a pixel's value, 0..255: (value - ``mean``) / ``std``, each one or one a channel."""

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


# What of a model's settings is said of the machine, and so of any other model that runs on it.
OF_THE_MACHINE = ("runtime", "graph", "threads", "delegate", "delegate_options")


class ModelSettings(Section, frozen=True):
    """The classifier; an empty ``path`` is the shipped one, empty ``labels`` are the model's own.

    ``size``, width and height, is for a model that takes any; ``output`` names one of several.
    """

    path: File = ""
    labels: File = ""
    runtime: Literal["auto", "litert", "tflite-runtime"] = "auto"
    graph: Literal["auto", "original", "rewritten"] = "auto"
    threads: Literal["auto"] | Annotated[int, msgspec.Meta(ge=1, le=64)] = "auto"
    pixels: Literal["auto", "0..255", "0..1", "-1..1", "imagenet"] | PixelSettings = "auto"
    channels: Literal["rgb", "bgr"] = "rgb"
    scores: Literal["auto", "probabilities", "logits"] = "auto"
    size: tuple[Side, Side] = (224, 224)
    output: str = ""
    delegate: File = ""
    delegate_options: dict[str, str | int | float | bool] = {}


class MotionSettings(Section, frozen=True):
    """When inference may rest, as nothing changes in the picture; ``threshold`` is a share of the pixels' range."""

    enabled: bool = False
    threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.02
    every: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 10.0


class EventsSettings(Section, frozen=True):
    """When scores become events; ``groups`` that are not written and ``neutral`` labels of ``auto`` are the model's.

    ``kind`` is what is asked: who comes by (``visit``), or which of its states something has (``state``). A
    ``threshold`` that is not written is the model's, else 0.6.
    """

    kind: Literal["visit", "state"] = "visit"
    threshold: Score | None = None
    hysteresis: Score = 0.1
    smoothing: Seconds = 0.3
    hold: Seconds = 0.2
    release: Seconds = 0.5
    cooldown: Seconds = 0.0
    ignore: tuple[str, ...] = ()
    neutral: Literal["auto"] | tuple[str, ...] = "auto"
    thresholds: dict[str, Score] = {}
    groups: dict[str, tuple[str, ...]] | None = None


class MqttSettings(Section, frozen=True):
    """The broker and how to log in; an empty ``client_id`` is made from the camera's name."""

    host: Annotated[str, msgspec.Meta(min_length=1)] = "localhost"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1883
    base: TopicPath = "edgecam"
    username: str = ""
    password_file: File = ""
    tls: bool = False
    ca_file: File = ""
    cert_file: File = ""
    key_file: File = ""
    client_id: str = ""
    version: Literal["auto", "5", "3.1.1"] = "auto"
    keepalive: Annotated[int, msgspec.Meta(ge=5, le=65_535)] = 30


class OutboxSettings(Section, frozen=True):
    """How many undelivered events are kept, and for how many days."""

    size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20_000
    days: Annotated[float, msgspec.Meta(gt=0, le=3_650)] = 7.0


class LimitsSettings(Section, frozen=True):
    """What the processor may bear, in degrees Celsius."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=150)] = 80.0


class HomeAssistantSettings(Section, frozen=True):
    """Discovery by Home Assistant; a label of ``labels`` becomes a binary sensor, of the class that is given."""

    discovery: bool = True
    prefix: TopicPath = "homeassistant"
    labels: Literal["all"] | tuple[str, ...] = ()
    device_class: dict[str, str] = {}


class RolloutSettings(Section, frozen=True):
    """Models that come over MQTT, signed with the key to ``public_key``; without one none is taken."""

    public_key: str = ""
    size: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 100.0
    slower: Annotated[float, msgspec.Meta(ge=1, le=1_000)] = 2.0


class StatsSettings(Section, frozen=True):
    """How often figures are published, in seconds."""

    interval: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 10.0


class PrivacySettings(Section, frozen=True):
    """What may leave the device besides labels and figures."""

    snapshots: bool = False


class ViewSettings(Section, frozen=True):
    """One of several looks at a camera's picture: which part of it, how often, and what is asked.

    ``crop`` is x, y, width and height as fractions of the upright picture that ``camera.crop`` leaves, ``every`` the
    seconds between two looks. Once they are loaded ``model``, ``motion`` and ``events`` are whole: what the view does
    not say is the camera's.
    """

    name: ViewName = ""
    crop: Crop = WHOLE
    fit: FitSetting = ""
    every: Seconds = 0.0
    model: ModelSettings = ModelSettings()
    motion: MotionSettings = MotionSettings()
    events: EventsSettings = msgspec.field(default_factory=EventsSettings)


class Config(Section, frozen=True):
    """All settings; see config.toml for what each means."""

    camera: CameraSettings = msgspec.field(default_factory=CameraSettings)
    queue: QueueSettings = QueueSettings()
    model: ModelSettings = ModelSettings()
    motion: MotionSettings = MotionSettings()
    events: EventsSettings = msgspec.field(default_factory=EventsSettings)
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = OutboxSettings()
    limits: LimitsSettings = LimitsSettings()
    homeassistant: HomeAssistantSettings = HomeAssistantSettings()
    rollout: RolloutSettings = RolloutSettings()
    stats: StatsSettings = StatsSettings()
    privacy: PrivacySettings = PrivacySettings()
    views: tuple[ViewSettings, ...] = ()

    @property
    def looks(self) -> tuple[ViewSettings, ...]:
        """The views; of a camera without any, the one that it is."""
        return self.views or (ViewSettings(model=self.model, motion=self.motion, events=self.events),)

    def look(self, name: str) -> ViewSettings | None:
        """Return the view of a name; None: there is none."""
        return next((view for view in self.looks if view.name == name), None)

    @property
    def root(self) -> str:
        """What the camera's topics begin with, before a slash."""
        return f"{self.mqtt.base}/{self.camera.name}"
