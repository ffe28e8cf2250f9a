"""Settings: typed, frozen, and every mistake in them named at once."""

from __future__ import annotations

import base64
import socket
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from edgecam.errors import ConfigError, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SYSTEM_FILE = Path("/etc/edgecam/config.toml")
ALL = "all"  # in a topic, in the place of a camera's name
CREDENTIAL = "mqtt-password"  # of systemd's credential, and of the file beside SYSTEM_FILE

KEY_BYTES = 32  # of an Ed25519 public key

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Size = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
TopicLevel = Annotated[str, msgspec.Meta(pattern=r"^[^/+#\x00-\x1f]*$", max_length=200)]
TopicPath = Annotated[str, msgspec.Meta(pattern=r"^[^/+#\x00-\x1f][^+#\x00-\x1f]*(?<!/)$", max_length=200)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class CameraSettings(_Section, frozen=True):
    """Where frames come from; ``crop`` is x, y, width and height as fractions of the frame."""

    name: TopicLevel = ""
    source: Annotated[str, msgspec.Meta(min_length=1)] = "auto"
    width: Size = 640
    height: Size = 480
    fps: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 30.0
    rotation: Literal[0, 90, 180, 270] = 0
    crop: tuple[Score, Score, Score, Score] = (0.0, 0.0, 1.0, 1.0)
    loop: bool = False
    realtime: bool = False

    def __post_init__(self) -> None:
        """Name a nameless camera after its host."""
        if not self.name:
            msgspec.structs.force_setattr(self, "name", socket.gethostname())


class QueueSettings(_Section, frozen=True):
    """How many frames may wait for the model."""

    size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 2


class ModelSettings(_Section, frozen=True):
    """The classifier; an empty ``path`` is the shipped one, empty ``labels`` are the model's own."""

    path: str = ""
    labels: str = ""
    runtime: Literal["auto", "litert", "tflite-runtime"] = "auto"
    graph: Literal["auto", "original", "rewritten"] = "auto"
    threads: Literal["auto"] | Annotated[int, msgspec.Meta(ge=1, le=64)] = "auto"
    scores: Literal["auto", "probabilities", "logits"] = "auto"


class MotionSettings(_Section, frozen=True):
    """When inference may rest, as nothing changes in the picture; ``threshold`` is a share of the pixels' range."""

    enabled: bool = False
    threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.02
    every: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 10.0


class EventsSettings(_Section, frozen=True):
    """When scores become events; ``groups`` that are not written and ``neutral`` labels of ``auto`` are the model's."""

    threshold: Score = 0.6
    hysteresis: Score = 0.1
    smoothing: Seconds = 0.3
    hold: Seconds = 0.2
    release: Seconds = 0.5
    cooldown: Seconds = 0.0
    ignore: tuple[str, ...] = ()
    neutral: Literal["auto"] | tuple[str, ...] = "auto"
    thresholds: dict[str, Score] = {}
    groups: dict[str, tuple[str, ...]] | None = None


class MqttSettings(_Section, frozen=True):
    """The broker and how to log in; an empty ``client_id`` is made from the camera's name."""

    host: Annotated[str, msgspec.Meta(min_length=1)] = "localhost"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1883
    base: TopicPath = "edgecam"
    username: str = ""
    password_file: str = ""
    tls: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    client_id: str = ""
    version: Literal["auto", "5", "3.1.1"] = "auto"
    keepalive: Annotated[int, msgspec.Meta(ge=5, le=65_535)] = 30


class OutboxSettings(_Section, frozen=True):
    """How many undelivered events are kept, and for how many days."""

    size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20_000
    days: Annotated[float, msgspec.Meta(gt=0, le=3_650)] = 7.0


class LimitsSettings(_Section, frozen=True):
    """What the processor may bear, in degrees Celsius."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=150)] = 80.0


class HomeAssistantSettings(_Section, frozen=True):
    """Discovery by Home Assistant."""

    discovery: bool = True
    prefix: TopicPath = "homeassistant"


class RolloutSettings(_Section, frozen=True):
    """Models that come over MQTT, signed with the key to ``public_key``; without one none is taken."""

    public_key: str = ""
    size: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 100.0
    slower: Annotated[float, msgspec.Meta(ge=1, le=1_000)] = 2.0


class StatsSettings(_Section, frozen=True):
    """How often figures are published, in seconds."""

    interval: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 10.0


class PrivacySettings(_Section, frozen=True):
    """What may leave the device besides labels and figures."""

    snapshots: bool = False


class Config(_Section, frozen=True):
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

    @property
    def root(self) -> str:
        """What the camera's topics begin with, before a slash."""
        return f"{self.mqtt.base}/{self.camera.name}"


def load(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a file and apply overrides such as ``mqtt.host=10.0.0.2``; without a file every default holds.

    Raises:
        ConfigError: the file cannot be read, or any key in it or in the overrides is unknown or has a wrong value.
    """
    mistakes: list[str] = []
    tree: dict[str, Any] = _read(path) if path else {}
    mistakes += [f"{path}: {mistake}" for mistake in _mistakes(tree, Config)]
    for override in overrides:
        branch, problem = _parse(override)
        mistakes += [f"--set: {mistake}" for mistake in ([problem] if problem else _mistakes(branch, Config))]
        _merge(tree, branch)
    if not mistakes:
        config = msgspec.convert(tree, Config)
        mistakes = [f"{path or '--set'}: {mistake}" for mistake in _contradictions(config)]
    if mistakes:
        raise ConfigError(*mistakes)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {in_words(error)}"
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 text (byte {error.start})"
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: not TOML: {error}"
    raise ConfigError(message)


def _parse(override: str) -> tuple[dict[str, Any], str | None]:
    """Turn ``section.key=value`` into a tree; what is no TOML value is taken as a string."""
    key, equals, text = override.partition("=")
    names = [name.strip().strip('"') for name in key.split(".", 2)]
    if not equals or len(names) < 2 or not all(names):  # noqa: PLR2004
        return {}, f"{override}: expected SECTION.KEY=VALUE, such as mqtt.host=10.0.0.2"
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    for name in reversed(names):
        value = {name: value}
    return value, None


def _merge(tree: dict[str, Any], branch: dict[str, Any]) -> None:
    for key, value in branch.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value


def _mistakes(value: Any, expected: Any, key: str = "") -> Iterator[str]:
    """Name each wrong key below ``key``; msgspec itself stops at the first."""
    if type(None) in get_args(expected):  # a table that is None where it is not written
        expected = get_args(expected)[0]
    if isinstance(expected, type) and issubclass(expected, _Section) and isinstance(value, dict):
        hints = get_type_hints(expected, include_extras=True)
        for name, item in value.items():
            path = f"{key}.{name}" if key else name
            if name in hints:
                yield from _mistakes(item, hints[name], path)
            else:
                import difflib  # where nothing is wrong it is not needed

                near = difflib.get_close_matches(name, hints, 1)
                yield f"{path}: unknown key; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(hints)}")
    elif get_origin(expected) is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _mistakes(item, get_args(expected)[1], f"{key}.{name}")
    else:
        try:
            msgspec.convert(value, expected)
        except msgspec.ValidationError as error:
            yield f"{key}: {_in_words(str(error), value, expected)}"


def _in_words(problem: str, value: Any, expected: Any) -> str:
    """``Expected `int`, got `str` `` as ``expected int, got str``; a bad value of the right type is shown."""
    if get_origin(expected) is Literal:
        return f"expected {' or '.join(map(repr, get_args(expected)))}, got {value!r}"
    problem, _, place = problem.replace("`", "").partition(" - at $")
    if "enum value" in problem:  # a word where a number or a list may stand too
        words, others = get_args(expected)
        other = "list" if get_origin(others) is tuple else get_args(others)[0].__name__
        problem = f"expected {other} or {' or '.join(map(repr, get_args(words)))}"
    if "matching regex" in problem:
        problem = "expected a name without / + # or control characters"
    for theirs, ours in (("object", "table"), ("array", "list"), ("Expected", "expected")):
        problem = problem.replace(theirs, ours)
    return problem + (f" in item {place}" if place else "") + ("" if ", got" in problem else f", got {value!r}")


def _contradictions(config: Config) -> Iterator[str]:
    """Name settings that are right each by itself, but not together, or that only a closer look finds wrong."""
    x, y, width, height = config.camera.crop
    if not (width > 0 and height > 0 and x + width <= 1 and y + height <= 1):
        yield f"camera.crop: expected x + width <= 1 and y + height <= 1, got {list(config.camera.crop)}"
    if config.camera.name == ALL:
        yield f"camera.name: {ALL} stands for every camera, in orders to them: choose another name"
    yield from _contradictions_of_mqtt(config.mqtt)
    if config.rollout.public_key and (problem := _public_key_problem(config.rollout.public_key)):
        yield f"rollout.public_key: {problem}"
    owners: dict[str, str] = {}
    for group, labels in (config.events.groups or {}).items():
        for label in labels:
            other = owners.setdefault(label, group)
            if other != group:
                yield f"events.groups.{group}: {label} is in the group {other} too"


def _public_key_problem(text: str) -> str:
    """Say what is wrong with a public key in a setting; empty: nothing."""
    try:
        length = len(base64.b64decode(text, validate=True))
    except ValueError:
        length = 0
    return (
        "" if length == KEY_BYTES else f"expected the {KEY_BYTES} bytes of an Ed25519 key in base64, see edgecam keygen"
    )


def _contradictions_of_mqtt(mqtt: MqttSettings) -> Iterator[str]:
    if bool(mqtt.cert_file) != bool(mqtt.key_file):
        given, missing = ("cert_file", "key_file") if mqtt.cert_file else ("key_file", "cert_file")
        yield f"mqtt.{missing}: needed where mqtt.{given} is given"
    if not mqtt.tls:
        for key in ("ca_file", "cert_file"):
            if getattr(mqtt, key):
                yield f"mqtt.{key}: has no effect without mqtt.tls = true"
    if mqtt.password_file and not mqtt.username:
        yield "mqtt.username: needed where mqtt.password_file is given"
