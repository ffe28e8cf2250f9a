"""A Home Assistant for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.homeassistant.running import HomeAssistant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker import Mosquitto


@pytest.fixture
def homeassistant(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[HomeAssistant]:
    folder = tmp_path / "homeassistant"
    folder.mkdir()
    with HomeAssistant(mosquitto.port, folder) as running:
        yield running
