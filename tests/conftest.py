"""Real brokers, daemons and clips for the tests."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests import clips, tflite
from tests.broker import Mosquitto
from tests.command import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

hypothesis.settings.register_profile("edgecam", deadline=None)  # no test is about time
hypothesis.settings.load_profile("edgecam")

# A shell that starts the tests in the background makes them, and all that they start, deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Booting machines and killing daemons takes many minutes: only where it is asked for.
collect_ignore = [
    suite
    for suite in ("system", "faults", "homeassistant")
    if not any(suite in Path(argument).parts for argument in sys.argv[1:])
]


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
def red_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing but red, for a second."""
    return clips.write(tmp_path_factory.mktemp("clips") / "red.avi", [("red", 30)])


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tflite.saved(tmp_path_factory.mktemp("models"), tflite.classifier("uint8"))


@pytest.fixture
def porch(mosquitto: Mosquitto, colour_model: Path, red_clip: Path) -> dict[str, object]:
    """Settings of a camera called porch that sees red for ever."""
    return {
        "mqtt.host": mosquitto.host,
        "mqtt.port": mosquitto.port,
        "camera.name": "porch",
        "camera.source": red_clip,
        "camera.loop": "true",
        "camera.realtime": "true",
        "model.path": colour_model,
    }


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
