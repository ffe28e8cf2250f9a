"""What may be ordered over MQTT: a few topics, and nothing but the documented payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

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
        return f"{_whose(self.view)}classification {'on' if self.on else 'off'}"


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """Begin events from another score on, 0..1; None: the order is taken back, and the settings count.

    It is for a view by its name, else for the camera and all views that have no order of their own.
    """

    score: float | None
    view: str = ""

    def __str__(self) -> str:
        return f"{_whose(self.view)}threshold {'as the settings say' if self.score is None else self.score}"


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell Home Assistant of the camera once more."""

    def __str__(self) -> str:
        return "discovery once more"


Switch = Enable | SetThreshold
Command = Switch | Announce | TakeModel
SWITCHES = ("enabled/set", "threshold/set")
NAMES = (*SWITCHES, "homeassistant/status", "model/set", "all/model/set")


class Ordered(NamedTuple):
    """What a topic is for: one of NAMES, and the name of the view that is meant; empty: that without one, or all."""

    name: str
    view: str = ""

    def __str__(self) -> str:
        return f"{self.view}/{self.name}" if self.view else self.name


def topics(settings: Config) -> dict[str, Ordered]:
    """Return the topics to subscribe to, each with what it is for."""
    root = settings.root
    wanted = {f"{root}/{name}": Ordered(name) for name in SWITCHES}
    named = [view.name for view in settings.looks if view.name]
    for view in named:
        wanted |= {f"{root}/{view}/{name}": Ordered(name, view) for name in SWITCHES}
    if settings.homeassistant.discovery:
        wanted[f"{settings.homeassistant.prefix}/status"] = Ordered("homeassistant/status")
    if settings.rollout.public_key:
        if settings.look(""):
            wanted[f"{root}/model/set"] = Ordered("model/set")
        wanted |= {f"{root}/{view}/model/set": Ordered("model/set", view) for view in named}
        wanted[f"{settings.mqtt.base}/{ALL}/model/set"] = Ordered("all/model/set")
    return wanted


def parse(name: str, payload: bytes, *, view: str = "", is_kept: bool = False) -> Command | None:
    """Read a command from one of NAMES; None: it orders nothing.

    Args:
        name: what the topic stands for.
        payload: what came.
        view: the name of the view that is meant.
        is_kept: the broker had kept it, and sent it as we subscribed.

    Raises:
        ValueError: it is none; the message says what was expected and shows the beginning of what came.
    """
    came = f"got {as_text(shown(payload[:MAX_ORDER_BYTES].decode(errors='backslashreplace')), MAX_BYTES)}"
    where = str(Ordered(name, view))
    if name == "enabled/set":
        if payload in SWITCH:
            return Enable(SWITCH[payload], view)
        message = f"{where}: expected ON or OFF, {came}"
        raise ValueError(message)
    if name == "threshold/set":
        try:
            if len(payload) <= MAX_BYTES:
                return SetThreshold(msgspec.json.decode(payload, type=Score | None), view)
        except ValueError:  # wrong, or not UTF-8
            pass
        message = f"{where}: expected a number 0..1 or null, {came}"
        raise ValueError(message)
    if name == "homeassistant/status":
        if payload in (BORN, GONE):
            return Announce() if payload == BORN else None
        message = f"{name}: expected online or offline, {came}"
        raise ValueError(message)
    if name in ("model/set", "all/model/set"):
        order = _order(where, payload, came) if payload else None
        return TakeModel(order, name == "all/model/set", is_kept, view)
    message = f"{where}: no command"
    raise ValueError(message)


def _order(where: str, payload: bytes, came: str) -> SignedModel:
    if len(payload) <= MAX_ORDER_BYTES:
        try:
            return msgspec.json.decode(payload, type=SignedModel)
        except ValueError as error:
            problem = str(error) if isinstance(error, msgspec.ValidationError) else "no JSON"
    else:
        problem = f"more than {MAX_ORDER_BYTES} bytes"
    message = f"{where}: expected what edgecam sign prints, {came}: {problem[:100]}"
    raise ValueError(message)


def _whose(view: str) -> str:
    return f"{view}: " if view else ""
