"""Cameras that drop, freeze, give other images or vanish."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.frame_queue import FrameQueue
from edgecam.camera.frames import CameraChange, Frame, Notice
from edgecam.camera.sources import open_source, source, stillness
from edgecam.camera.sources.stillness import Stillness
from edgecam.config import CameraSettings, Config, EventsSettings, ModelSettings
from edgecam.daemon.inference import Inference, PipelinesChange
from edgecam.daemon.pipeline import make_pipelines
from edgecam.daemon.stats import Stats
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.notices import Happened
from tests.broker import WAIT_S, Mosquitto, Subscriber
from tests.clips import BGR
from tests.feeds import feed_of_camera
from tests.ip_camera import IpCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]


@pytest.fixture
def camera() -> Iterator[IpCamera]:
    with IpCamera() as camera:
        yield camera


@pytest.fixture
def settings(mosquitto: Mosquitto, colour_model: Path) -> dict[str, object]:
    return {
        "mqtt.host": mosquitto.host,
        "mqtt.port": mosquitto.port,
        "camera.name": "porch",
        "model.path": colour_model,
        "events.hold": 0,
    }


def test_a_camera_that_drops_ends_its_event_and_is_found_again(
    mosquitto: Mosquitto, settings: dict[str, object], camera: IpCamera, start_daemon: StartDaemon
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        start_daemon({**settings, "camera.source": camera.url})
        first = subscriber.wait_for_event("new")
        camera.unplug()
        assert subscriber.wait_for_event("end")["id"] == first["id"]
        subscriber.wait_for_camera("lost")
        camera.plug_in()
        subscriber.wait_for_camera("online")
        assert subscriber.wait_for_event("new")["id"] != first["id"]


def test_a_camera_that_freezes_ends_its_event_and_is_found_again(
    mosquitto: Mosquitto, settings: dict[str, object], camera: IpCamera, start_daemon: StartDaemon
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon({**settings, "camera.source": camera.url})
        subscriber.wait_for_event("new")
        camera.freeze()
        daemon.wait_for_log("lost: no frame came for 5 s")
        subscriber.wait_for_event("end")
        subscriber.wait_for_camera("lost")
        camera.thaw()
        subscriber.wait_for_camera("online")


def test_a_file_that_vanishes_while_it_loops_is_lost_and_found_again(
    mosquitto: Mosquitto, settings: dict[str, object], red_clip: Path, tmp_path: Path, start_daemon: StartDaemon
) -> None:
    clip = tmp_path / "stick" / "red.avi"
    clip.parent.mkdir()
    clip.write_bytes(red_clip.read_bytes())
    with Subscriber(mosquitto.port) as subscriber:
        start_daemon({**settings, "camera.source": clip, "camera.loop": "true", "camera.realtime": "true"})
        subscriber.wait_for_event("new")
        clip.parent.rename(tmp_path / "pulled")
        subscriber.wait_for_camera("lost")
        (tmp_path / "pulled").rename(clip.parent)
        subscriber.wait_for_camera("online")
        subscriber.wait_for_event("new")


def test_a_stream_may_go_on_with_another_size(camera: IpCamera) -> None:
    with closing(open_source(CameraSettings(source=camera.url)).frames(threading.Event())) as frames:
        assert next(frames).size == (64, 48)
        camera.show("green", (128, 96))
        seen = next(frame for frame in frames if frame.size == (128, 96))
    assert seen.image[5, 5].tolist() == pytest.approx(BGR["green"], abs=3)


def test_a_stream_whose_picture_never_changes_is_opened_anew(camera: IpCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stillness, "FIRST_S", 0.3)
    monkeypatch.setattr(source, "NO_FRAME_S", 0.1)
    with closing(open_source(CameraSettings(source=camera.url, fps=50)).frames(threading.Event())) as frames:
        next(frames)
        camera.wait_for_reader()
        with ThreadPoolExecutor() as pool:
            again = pool.submit(camera.wait_for_reader)
            next(frame for frame in frames if again.done())
            again.result()


class TestStillness:
    """Pictures that never change."""

    IMAGE = np.zeros((48, 64, 3), np.uint8)

    def test_the_same_picture_is_told_more_and_more_rarely(self) -> None:
        still = Stillness()
        told = [at for at in range(1000) if still.is_suspect(self.IMAGE, at)]
        assert told == [30, 90, 210, 450, 930]

    @given(st.lists(st.floats(0, 1000), max_size=50))
    def test_a_picture_that_changes_is_never_told(self, intervals: list[float]) -> None:
        still = Stillness()
        times = accumulate(intervals)
        assert not any(still.is_suspect(self.IMAGE + np.uint8(place % 2), at) for place, at in enumerate(times))


def test_frames_that_stop_without_an_error_count_as_lost_until_they_come_again(colour_model: Path) -> None:
    """As a driver hangs."""
    told: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    feed = feed_of_camera()
    frames = FrameQueue(2, feed)
    settings = Config(model=ModelSettings(path=str(colour_model)), events=EventsSettings(hold=0, groups={}))
    pipelines = make_pipelines(settings)
    first = PipelinesChange(pipelines.by_view, {})
    worker = Inference(frames, Clock(), first, Stats(frames), told.put, lambda _ns: None, lambda: 0.2)
    red = np.full((*pipelines.first.model.size[::-1], 3), BGR["red"], np.uint8)
    thread = threading.Thread(target=worker.run)
    thread.start()
    frames.tell(CameraChange(online=True, at_ns=0))
    frames.put(Frame(red, 0, 0), feed)
    before = [told.get(timeout=WAIT_S) for _ in range(4)]
    frames.put(Frame(red, 10**9, 10**9), feed)
    after = [told.get(timeout=WAIT_S) for _ in range(2)]
    frames.close()
    thread.join()
    assert [_word(item) for item in before + after] == ["online", "new", "end", "lost", "online", "new"]


def _word(item: Notice) -> str:
    if isinstance(item, CameraChange):
        return "online" if item.online else "lost"
    assert isinstance(item, Happened)
    return item.payload.type
