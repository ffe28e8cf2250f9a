"""What may be ordered over MQTT: a few topics, and nothing but the documented payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.addresses import shown
from edgecam.config import ALL, Score
from edgecam.errors import as_text
from edgecam.rollout.record import SignedModel, TakeModel

if TYPE_CHECKING:
    from edgecam.config import Config

MAX_BYTES = 32
MAX_ORDER_BYTES = 4_096
SWITCH = {b"ON": True, b"OFF": False}
BORN, GONE = b"online", b"offline"  # what Home Assistant says when it starts and ends


@dataclass(frozen=True, slots=True)
class Enable:
    """Pause classification, or resume it: of a view by its name, else of the camera."""

    on: bool
    view: str = ""

    def __str__(self) -> str:
        return f"classification {'on' if self.on else 'off'}"


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """Begin events from another score on, 0..1; None: the order is taken back, and the settings count.

    It is for a view by its name, else for the camera and all views that have no order of their own.
    """

    score: float | None
    view: str = ""

    def __str__(self) -> str:
        return f"threshold {'as the settings say' if self.score is None else self.score}"


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell Home Assistant of the camera once more."""

    def __str__(self) -> str:
        return "discovery once more"


Switch = Enable | SetThreshold
Command = Switch | Announce | TakeModel
NAMES = ("enabled/set", "threshold/set", "homeassistant/status", "model/set", "all/model/set")


def topics(settings: Config) -> dict[str, str]:
    """Return the topics to subscribe to, each with the name by which `parse` knows it."""
    wanted = {f"{settings.root}/{name}": name for name in ("enabled/set", "threshold/set")}
    if settings.homeassistant.discovery:
        wanted[f"{settings.homeassistant.prefix}/status"] = "homeassistant/status"
    if settings.rollout.public_key:
        wanted[f"{settings.root}/model/set"] = "model/set"
        wanted[f"{settings.mqtt.base}/{ALL}/model/set"] = "all/model/set"
    return wanted


def parse(name: str, payload: bytes, *, is_kept: bool = False) -> Command | None:
    """Read a command from one of NAMES; None: it orders nothing.

    Args:
        name: what the topic stands for.
        payload: what came.
        is_kept: the broker had kept it, and sent it as we subscribed.

    Raises:
        ValueError: it is none; the message says what was expected and shows the beginning of what came.
    """
    came = f"got {as_text(shown(payload[:MAX_ORDER_BYTES].decode(errors='backslashreplace')), MAX_BYTES)}"
    if name == "enabled/set":
        if payload in SWITCH:
            return Enable(SWITCH[payload])
        message = f"{name}: expected ON or OFF, {came}"
        raise ValueError(message)
    if name == "threshold/set":
        try:
            if len(payload) <= MAX_BYTES:
                return SetThreshold(msgspec.json.decode(payload, type=Score | None))
        except ValueError:  # wrong, or not UTF-8
            pass
        message = f"{name}: expected a number 0..1 or null, {came}"
        raise ValueError(message)
    if name == "homeassistant/status":
        if payload in (BORN, GONE):
            return Announce() if payload == BORN else None
        message = f"{name}: expected online or offline, {came}"
        raise ValueError(message)
    if name in ("model/set", "all/model/set"):
        return TakeModel(_order(name, payload, came) if payload else None, name == "all/model/set", is_kept)
    message = f"{name}: no command"
    raise ValueError(message)


def _order(name: str, payload: bytes, came: str) -> SignedModel:
    if len(payload) <= MAX_ORDER_BYTES:
        try:
            return msgspec.json.decode(payload, type=SignedModel)
        except ValueError as error:
            problem = str(error) if isinstance(error, msgspec.ValidationError) else "no JSON"
    else:
        problem = f"more than {MAX_ORDER_BYTES} bytes"
    message = f"{name}: expected what edgecam sign prints, {came}: {problem[:100]}"
    raise ValueError(message)
