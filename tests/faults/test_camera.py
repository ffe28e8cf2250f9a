"""Cameras that fail again and again."""

from __future__ import annotations

import random
import shutil
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from edgecam.tools.demo import shipped_clip
from tests.broker import free_port
from tests.ip_camera import IpCamera
from tests.rtsp import serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import House

FAULTS = 20
COLOURS = ("red", "green", "blue", "grey")


@pytest.mark.timeout(600)
def test_every_event_ends_on_a_camera_that_fails_in_all_ways(house: House) -> None:
    chance = random.Random(5)  # noqa: S311
    with IpCamera() as camera:
        house.settings["camera.source"] = camera.url
        faults = [
            (camera.unplug, camera.plug_in),
            (camera.freeze, camera.thaw),
            (lambda: camera.show("red", (128, 96)), lambda: camera.show("red")),
        ]
        daemon = house.start()
        house.subscriber.wait_for_camera("online")
        for _ in range(FAULTS):
            camera.show(chance.choice(COLOURS))
            house.pass_time(daemon, chance.uniform(0.2, 2))
            begin, mend = chance.choice(faults)
            begin()
            house.pass_time(daemon, chance.uniform(0.2, 7))
            mend()
        camera.show("grey")
        house.stop(daemon)
        house.settle().check()


@pytest.mark.timeout(120)
@pytest.mark.skipif(not find_spec("aio_rtsp_toolkit"), reason="the RTSP server is not installed")
def test_an_rtsp_stream_that_drops_is_found_again(house: House, tmp_path: Path) -> None:
    clip, port = tmp_path / "clip.mp4", free_port()
    shutil.copy(shipped_clip(), clip)
    del house.settings["model.path"]
    with serve(clip, port) as (url, kill):
        house.settings["camera.source"] = url
        daemon = house.start()
        first = house.subscriber.wait_for_event("new")
        kill()
        assert house.subscriber.wait_for_event("end")["id"] == first["id"]
        house.subscriber.wait_for_camera("lost")
    with serve(clip, port):
        house.subscriber.wait_for_camera("online")
        house.subscriber.wait_for_event("new")
        house.stop(daemon)
        house.settle().check()


@pytest.mark.timeout(120)
def test_a_driver_that_hangs_without_an_error_is_noticed(house: House, red_clip: Path, tmp_path: Path) -> None:
    """A pipe into which nobody writes any more is read for ever."""
    pipe = tmp_path / "camera.avi"
    subprocess.run(["mkfifo", pipe], check=True)
    house.settings["camera.source"] = pipe
    house.settings["camera.loop"] = "false"
    daemon = house.start()
    content = red_clip.read_bytes()
    with pipe.open("wb", buffering=0) as driver:
        driver.write(content[: len(content) * 2 // 3])
        daemon.wait_for_log("no frame has come for 10 s")
        house.subscriber.wait_for_event("end")
        house.subscriber.wait_for_camera("lost")
        house.stop(daemon)
