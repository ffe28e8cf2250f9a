"""Real brokers, daemons and clips for the tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests import clips, tflite
from tests.broker import Mosquitto
from tests.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Booting machines takes a quarter of an hour: only where they are asked for.
collect_ignore = [] if any("system" in argument for argument in sys.argv) else ["system"]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setattr("edgecam.config.SYSTEM_FILE", tmp_path / "no-system-wide-config.toml")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture(scope="session")
def colour_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey, red, grey, green, grey: two things to see."""
    return clips.write(tmp_path_factory.mktemp("clips") / "colours.avi", clips.TWO_COLOURS)


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tflite.saved(tmp_path_factory.mktemp("models"), tflite.classifier("uint8"))


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start ``edgecam run`` with settings such as ``{"mqtt.port": 1883}``; what still runs at the end is killed."""
    running: list[Daemon] = []

    def start(settings: dict[str, object], *options: str) -> Daemon:
        running.append(Daemon(tmp_path / "state", settings, options))
        return running[-1]

    yield start
    for daemon in running:
        daemon.kill()
