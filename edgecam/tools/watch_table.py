"""The cameras on a broker as a table in the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from edgecam.tools.event_lines import plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from edgecam.tools.cameras import CameraStatus

COLOURS = {"online": "green", "paused": "yellow", "out": "bold red", "lost": "bold red", "offline": "red"}
HOT_C = 75.0
SURE, UNSURE = 0.8, 0.6
LAST = 16  # columns of the last event
NOTHING = Text("-", "dim")


def overview(cameras: Collection[CameraStatus], now: datetime, rows: int, where: str) -> Group:
    """Lay out what fits into 80 columns: a line about all of them, and a table.

    Args:
        cameras: all there are; each has a row for each of its views.
        now: the time of day, in UTC.
        rows: how many fit; those that are not well come first, then by name.
        where: the broker, and what is the matter with it.
    """
    made = Table(box=None, padding=(0, 1, 0, 0))
    made.add_column("CAMERA", no_wrap=True, min_width=10, max_width=16)
    made.add_column("STATE", no_wrap=True, min_width=7)
    made.add_column("SEES", no_wrap=True, min_width=12, max_width=14)
    for name in ("SCORE", "FPS", "MS", "TEMP"):
        made.add_column(name, no_wrap=True, justify="right", min_width=5)
    made.add_column("LAST EVENT", no_wrap=True, min_width=10, max_width=LAST)
    views = [row for camera in cameras for row in camera.rows()]
    ordered = sorted(views, key=lambda camera: (camera.condition == "online", camera.name))
    for camera in ordered[:rows]:
        made.add_row(*_row(camera, now))
    if not ordered:
        return Group(
            _title(len(cameras), views, where),
            Text("none has said anything yet: does one run, with the same mqtt.base?", "dim"),
        )
    rest = [Text(f"and {len(ordered) - rows} more", "dim")] if len(ordered) > rows else []
    return Group(_title(len(cameras), views, where), made, *rest)


def _title(count: int, views: Collection[CameraStatus], where: str) -> Text:
    conditions = [camera.condition for camera in views]
    many = "s" * (count != 1)
    more = f" with {len(views)} views" if len(views) > count else ""
    title = Text.assemble(("edgecam", "bold"), f" on {where}: {count} camera{many}{more}", no_wrap=True)
    for condition, colour in COLOURS.items():
        if count := conditions.count(condition):
            title.append(", ").append(f"{count} {condition}", colour)
    return title


def _row(camera: CameraStatus, now: datetime) -> list[Text]:
    stats = camera.stats
    cells = [Text(plain(camera.name), "bold"), Text(camera.condition, COLOURS[camera.condition])]
    if camera.condition == "offline":
        return [*cells, *[NOTHING] * 5, _last_event(camera, now)]
    heat = stats.temperature_c if stats else None
    degrees = NOTHING if heat is None else Text(f"{heat:.0f}°C", "red" if heat >= HOT_C else "")
    if camera.condition != "online":  # no frames come: what was said of them before is no longer true
        return [*cells, *[NOTHING] * 4, degrees, _last_event(camera, now)]
    latency = stats.latency_ms.p50 if stats else None
    fps = Text(f"{stats.fps:.1f}") if stats else NOTHING
    return [
        *cells,
        *_seen(camera),
        fps,
        NOTHING if latency is None else Text(f"{latency:.1f}"),
        degrees,
        _last_event(camera, now),
    ]


def _seen(camera: CameraStatus) -> tuple[Text, Text]:
    """What is told, else dimly what is nearest to it, and its score."""
    state, stats = camera.state, camera.stats
    if state and state.label:
        return Text(plain(state.label), "cyan"), _score(state.score)
    if stats and stats.leading:
        return Text(plain(stats.leading.label), "dim"), Text(f"{stats.leading.score:.2f}", "dim")
    return NOTHING, NOTHING


def _score(score: float) -> Text:
    return Text(f"{score:.2f}", "green" if score >= SURE else "yellow" if score >= UNSURE else "dim")


def _last_event(camera: CameraStatus, now: datetime) -> Text:
    event = camera.event
    if not event:
        return NOTHING
    if event.type != "end":
        return Text(f"{plain(event.label)[: LAST - 4]} now", "cyan")
    try:
        gone_s = (now - datetime.fromisoformat(event.end_time or event.frame_time)).total_seconds()
    except (ValueError, TypeError):  # of a time that is none, or has no zone
        return NOTHING
    ago = _ago(gone_s)
    return Text(f"{plain(event.label)[: LAST - len(ago) - 1]} {ago}", "dim")


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def now_utc() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)
