"""Where frames come from."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgecam.camera.sources import open_source
from edgecam.config import CameraSettings
from edgecam.errors import SourceError, SourceFileError
from tests import clips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.camera.frames import Frame

TIMEOUT_S = 20


def frames(source: str | Path, count: int | None = None, **settings: object) -> list[Frame]:
    camera = CameraSettings(source=str(source), **settings)  # type: ignore[arg-type]
    with closing(open_source(camera).frames(threading.Event())) as all_frames:
        return list(islice(all_frames, count))


def colour(frame: Frame) -> str:
    middle = frame.image[frame.image.shape[0] // 2, frame.image.shape[1] // 2].astype(int)
    return min(clips.BGR, key=lambda name: float(np.abs(middle - clips.BGR[name]).sum()))


class TestVideo:
    """A video file."""

    def test_every_frame_comes_once_and_in_order(self, colour_clip: Path) -> None:
        expected = [name for name, count in clips.TWO_COLOURS for _ in range(count)]
        assert [colour(frame) for frame in frames(colour_clip)] == expected

    def test_frames_carry_the_clips_own_clock_at_any_reading_speed(self, colour_clip: Path) -> None:
        times = np.diff([frame.exposed_ns for frame in frames(colour_clip)])
        assert times == pytest.approx(np.full(len(times), 1e9 / clips.RATE), abs=2e6)

    def test_a_loop_starts_over_and_its_clock_goes_on(self, tmp_path: Path) -> None:
        clip = clips.write(tmp_path / "short.avi", [("red", 3), ("blue", 2)])
        seen = frames(clip, 12, loop=True)
        assert [colour(frame) for frame in seen] == (["red"] * 3 + ["blue"] * 2) * 2 + ["red"] * 2
        assert np.diff([frame.exposed_ns for frame in seen]) == pytest.approx(np.full(11, 1e9 / clips.RATE), abs=2e6)

    def test_in_real_time_a_frame_comes_when_it_is_due(self, tmp_path: Path) -> None:
        import time

        clip = clips.write(tmp_path / "short.avi", [("red", 6)])
        for frame in islice(open_source(CameraSettings(source=str(clip), realtime=True)).frames(threading.Event()), 6):
            assert time.monotonic_ns() >= frame.exposed_ns

    def test_stopping_ends_a_wait_for_the_next_frame(self, colour_clip: Path) -> None:
        stop = threading.Event()
        playing = open_source(CameraSettings(source=str(colour_clip), realtime=True, loop=True)).frames(stop)
        next(playing)
        with ThreadPoolExecutor() as pool:
            rest = pool.submit(list, playing)
            stop.set()
            assert len(rest.result(TIMEOUT_S)) < 200

    @pytest.mark.parametrize("content", [b"", b"no video at all" * 1000])
    def test_what_is_no_video_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "clip.mp4").write_bytes(content)
        with pytest.raises(SourceFileError, match=r"clip\.mp4: no video that can be read"):
            frames(tmp_path / "clip.mp4")

    def test_a_truncated_video_is_played_as_far_as_it_goes(self, tmp_path: Path, colour_clip: Path) -> None:
        content = colour_clip.read_bytes()
        (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
        assert 0 < len(frames(tmp_path / "cut.avi")) < len(frames(colour_clip))


class TestImages:
    """A folder of images."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for number, name in enumerate(("blue", "red", "green")):
            cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((10, 20, 3), clips.BGR[name], np.uint8))
        return tmp_path

    def test_images_come_in_the_order_of_their_names_each_for_a_second(self, folder: Path) -> None:
        seen = frames(folder, fps=2)
        assert [colour(frame) for frame in seen] == ["blue", "blue", "red", "red", "green", "green"]
        assert np.diff([frame.exposed_ns for frame in seen]).tolist() == [500_000_000] * 5

    def test_what_is_no_image_is_left_out_and_named(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        (folder / "0.png").write_bytes(b"rubbish")
        (folder / "notes.txt").write_text("not an image")
        assert [colour(frame) for frame in frames(folder, fps=1)] == ["red", "green"]
        assert "0.png: not an image that can be read" in caplog.text

    def test_a_loop_starts_over(self, folder: Path) -> None:
        assert [colour(frame) for frame in frames(folder, 4, fps=1, loop=True)] == ["blue", "red", "green", "blue"]

    def test_a_folder_without_images_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SourceFileError, match="no image in it that can be read"):
            frames(tmp_path)


class TestStream:
    """A camera on the network."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
        from tests.rtsp import serve

        clip = tmp_path / "clip.mp4"
        from edgecam.tools.demo import shipped_clip

        shutil.copy(shipped_clip(), clip)
        with serve(clip) as running:
            yield running

    def test_rtsp_gives_frames(self, server: tuple[str, Callable[[], None]]) -> None:
        seen = frames(server[0], 10)
        assert [frame.image.shape for frame in seen] == [(480, 640, 3)] * 10

    def test_a_file_after_a_stream_has_all_its_frames(
        self, server: tuple[str, Callable[[], None]], colour_clip: Path
    ) -> None:
        frames(server[0], 1)
        assert len(frames(colour_clip)) == sum(count for _, count in clips.TWO_COLOURS)

    def test_a_stream_that_drops_is_lost(self, server: tuple[str, Callable[[], None]]) -> None:
        url, stop_server = server
        with closing(open_source(CameraSettings(source=url)).frames(threading.Event())) as seen:
            next(seen)
            stop_server()
            with pytest.raises(SourceError, match="the stream ended"):
                list(seen)

    def test_a_server_that_is_not_there_is_told(self) -> None:
        with pytest.raises(SourceError, match="cannot be opened"):
            frames("rtsp://127.0.0.1:9/none")

    def test_a_password_in_the_url_is_not_told(self) -> None:
        assert (
            open_source(CameraSettings(source="rtsp://user:secret@host:554/path?token=x")).name
            == "rtsp://host:554/path?..."
        )


class TestCameras:
    """V4L2 devices; that they give frames is tested where there is one (tests/system)."""

    def test_a_device_that_is_not_there_is_told(self) -> None:
        with pytest.raises(SourceError, match="no such device"):
            frames("/dev/video987")

    def test_a_device_that_is_no_camera_is_told(self) -> None:
        with pytest.raises(SourceError, match="cannot be opened"):
            frames("/dev/null")

    @pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there is a camera here")
    def test_without_a_camera_auto_says_so(self) -> None:
        with pytest.raises(SourceError, match=r"no camera found; plug one in or set camera\.source"):
            frames("auto")


def test_a_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(SourceFileError, match=r"camera\.source: nowhere\.mp4: no such file; expected auto, "):
        open_source(CameraSettings(source="nowhere.mp4"))
