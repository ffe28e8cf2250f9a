"""``camera.source = "auto"`` among several cameras of a Pi, by a stand-in for Picamera2; V4L2's are in tests/system."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from edgecam.camera.sources.automatic import AutomaticCamera
from edgecam.camera.sources.taken import Memory
from edgecam.camera.view import whole_of
from edgecam.config import CameraSettings
from edgecam.errors import SourceError
from tests.camera import image_processor
from tests.camera.image_processor import ImageProcessor

if TYPE_CHECKING:
    from pathlib import Path


class Bus(ImageProcessor):
    """Several cameras, of which some are in use."""

    ids: ClassVar[list[str]] = []
    in_use: ClassVar[set[str]] = set()

    def __init__(self, number: int) -> None:
        if self.ids[number] in self.in_use:
            message = "Camera __init__ sequence did not complete."
            raise RuntimeError(message)
        super().__init__(number)

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Id": each, "Num": number} for number, each in enumerate(cls.ids)]


@pytest.fixture(autouse=True)
def _bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image_processor.install(monkeypatch)
    picamera2 = sys.modules["picamera2"]
    monkeypatch.setattr(picamera2, "Picamera2", Bus)
    monkeypatch.setattr(picamera2, "__spec__", object(), raising=False)
    monkeypatch.setattr("edgecam.camera.sources.devices.DEVICES", tmp_path)
    monkeypatch.setattr("edgecam.config.instances.FOLDER", tmp_path)
    for name in ("config", "yard"):
        (tmp_path / f"{name}.toml").touch()
    Bus.ids, Bus.in_use = ["i2c@80/imx708", "/base/usb-1", "i2c@88/imx219"], set()


def automatic(memory: Memory) -> AutomaticCamera:
    camera = CameraSettings()
    return AutomaticCamera(camera, whole_of(camera), memory)


def taken(source: AutomaticCamera) -> None:
    """Take a frame."""
    with closing(source.frames(threading.Event())) as frames:
        next(frames)


def test_the_first_that_is_free_is_taken_and_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Bus.in_use = {"i2c@80/imx708"}
    taken(automatic(Memory("yard")))
    assert Memory("yard").mine == "i2c@88/imx219"
    assert "camera.source: auto: using picamera2:2, at i2c@88/imx219" in caplog.text


def test_it_is_found_again_under_another_number() -> None:
    taken(automatic(Memory("yard")))
    Bus.ids = ["i2c@70/ov5647", "i2c@80/imx708"]
    taken(automatic(Memory("yard")))
    assert Memory("yard").mine == "i2c@80/imx708"


def test_while_another_has_it_it_is_waited_for() -> None:
    source = automatic(Memory("yard"))
    taken(source)
    Bus.in_use = {"i2c@80/imx708"}
    with pytest.raises(SourceError, match=r"^picamera2:0: Picamera2: Camera __init__ sequence did not complete"):
        taken(source)


def test_one_that_is_gone_is_waited_for_and_then_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = automatic(Memory("yard"))
    taken(source)
    Bus.ids = ["i2c@88/imx219"]
    with pytest.raises(SourceError, match="at i2c@80/imx708, is not there; plug it in there again"):
        taken(source)
    monkeypatch.setattr("edgecam.camera.sources.taken.GONE_S", 0.0)
    taken(source)
    assert Memory("yard").mine == "i2c@88/imx219"
    assert "as the one at i2c@80/imx708 was gone for 60 s" in caplog.text


def test_where_only_anothers_is_there_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    source = automatic(Memory("yard"))
    taken(source)
    Bus.ids = ["i2c@88/imx219"]
    Memory("").take("i2c@88/imx219")
    monkeypatch.setattr("edgecam.camera.sources.taken.GONE_S", 0.0)
    with pytest.raises(
        SourceError, match=r"\(what is there is another instance's: i2c@88/imx219\); plug it in"
    ) as told:
        taken(source)
    assert "\n" not in str(told.value)


def test_none_at_all_is_told() -> None:
    Bus.ids = []
    with pytest.raises(SourceError, match=r"no camera found; plug one in or set camera\.source"):
        taken(automatic(Memory("")))
