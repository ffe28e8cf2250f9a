"""Where frames come from."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.sources import devices, open_source, playback, source
from edgecam.camera.sources import images as image_folder
from edgecam.camera.sources.opencv import images, opened
from edgecam.camera.sources.stillness import Stillness
from edgecam.camera.view import View
from edgecam.config import CameraSettings
from edgecam.errors import SourceError, SourceFileError
from tests import clips
from tests.ip_camera import IpCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgecam.camera.frames import Frame

TIMEOUT_S = 20


class StopsMeanwhile(threading.Event):
    """Is set by another thread as soon as it was seen not to be."""

    def is_set(self) -> bool:
        was_set = super().is_set()
        self.set()
        return was_set


def frames(source: str | Path, count: int | None = None, **settings: object) -> list[Frame]:
    camera = CameraSettings(source=str(source), **settings)  # type: ignore[arg-type]
    with closing(open_source(camera).frames(threading.Event())) as all_frames:
        return list(islice(all_frames, count))


def in_real_time(source: Path, seconds: float, **settings: object) -> list[Frame]:
    """The frames of so many seconds of a looped clip's own time."""
    camera = CameraSettings(source=str(source), loop=True, realtime=True, **settings)  # type: ignore[arg-type]
    with closing(open_source(camera).frames(threading.Event())) as all_frames:
        first = next(all_frames)
        return [first, *takewhile(lambda frame: frame.exposed_ns - first.exposed_ns < seconds * 1e9, all_frames)]


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

    def test_in_real_time_what_is_read_too_late_is_left_out_and_the_clock_stays_right(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, milliseconds in ("LATE_NS", 10), ("GAP_NS", 30), ("BEHIND_NS", 60), ("LEAD_NS", 30):
            monkeypatch.setattr(playback, name, milliseconds * 1_000_000)
        clip = clips.write_numbered(tmp_path / "fast.avi", 100, rate=1000, size=(1920, 1080))
        seen = in_real_time(clip, 0.7)
        times_ms = [(frame.exposed_ns - seen[0].exposed_ns) // 1_000_000 for frame in seen]
        assert len(seen) < 350  # no machine decodes a thousand of them a second
        assert [clips.number_of(frame.image) for frame in seen] == [time % 100 for time in times_ms]

    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    def test_what_a_phone_filmed_on_its_side_stands_upright(self, tmp_path: Path, rotation: int) -> None:
        filmed = np.zeros((48, 64, 3), np.uint8)
        filmed[:24] = clips.BGR["red"]
        clip = clips.write_images(tmp_path / "phone.mp4", [filmed] * 3, (64, 48))
        for frame in frames(clips.tell_rotation(clip, rotation)):
            upright = View(CameraSettings(rotation=rotation), (64, 48)).of(filmed)  # type: ignore[arg-type]
            assert frame.size == ((64, 48) if rotation in (0, 180) else (48, 64))
            seen = cv2.resize(frame.image, (64, 48))
            assert np.abs(seen.astype(int) - upright).mean() < 10
            back = View(CameraSettings(rotation=(360 - rotation) % 360), (64, 48))  # type: ignore[arg-type]
            assert np.abs(back.of(frame.image).astype(int) - filmed).mean() < 10

    def test_a_name_with_a_colon_is_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        clips.write(tmp_path / "clip.avi", [("red", 2)]).rename("2026-11-26T10:00:00.avi")
        assert len(frames("2026-11-26T10:00:00.avi")) == 2

    def test_a_stop_before_the_first_frame_is_no_error(self, colour_clip: Path) -> None:
        assert list(open_source(CameraSettings(source=str(colour_clip))).frames(StopsMeanwhile())) == []


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
        assert [colour(frame) for frame in frames(folder, 4, fps=1, loop=True)] == ["red", "green", "red", "green"]
        assert caplog.text.count("0.png: not an image that can be read") == 1

    def test_a_loop_starts_over(self, folder: Path) -> None:
        assert [colour(frame) for frame in frames(folder, 4, fps=1, loop=True)] == ["blue", "red", "green", "blue"]

    def test_in_real_time_what_is_read_too_late_is_left_out_and_the_clock_stays_right(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(image_folder, "SLIDE_NS", 5_000_000)  # in which no machine reads such an image
        for number in range(3):
            clips.write_still(tmp_path / f"{number}.png", number, (3000, 3000))
        seen = in_real_time(tmp_path, 2, fps=1)
        slides = [(frame.exposed_ns - seen[0].exposed_ns) // 5_000_000 for frame in seen]
        assert len(seen) < 200
        assert [clips.number_of(frame.image) for frame in seen] == [slide % 3 for slide in slides]

    def test_a_stop_ends_the_reading_of_images(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        for path in folder.iterdir():
            path.write_bytes(b"rubbish")
        assert list(open_source(CameraSettings(source=str(folder))).frames(StopsMeanwhile())) == []
        assert not caplog.text

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

    def test_a_slow_camera_is_waited_for_as_its_rate_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(source, "NO_FRAME_S", 0.1)
        with IpCamera(rate=3) as camera:
            with pytest.raises(SourceError, match="no frame came for 0 s"):
                frames(camera.url, 5)
            assert len(frames(camera.url, 5, fps=2)) == 5

    def test_a_camera_that_freezes_is_lost_when_it_has_been_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(source, "NO_FRAME_S", 0.1)
        with IpCamera() as camera:
            seen = open_source(CameraSettings(source=camera.url, fps=5)).frames(threading.Event())
            next(seen)
            camera.freeze()
            with pytest.raises(SourceError, match="no frame came for 1 s"):
                list(seen)

    def test_a_slow_camera_may_show_the_same_for_longer(self) -> None:
        still = Stillness(100)
        image = np.zeros((48, 64, 3), np.uint8)
        assert [at for at in range(0, 1000, 10) if still.is_suspect(image, at)] == [100, 300, 700]

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

    def test_a_file_or_folder_below_dev_is_no_device(self, colour_clip: Path) -> None:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            shutil.copy(colour_clip, f"{folder}/clip.avi")
            cv2.imwrite(f"{folder}/image.png", np.zeros((10, 20, 3), np.uint8))
            assert len(frames(f"{folder}/clip.avi", 5)) == 5
            assert len(frames(folder, fps=1)) == 1

    def test_a_device_may_have_another_name(self, tmp_path: Path) -> None:
        (tmp_path / "porch").symlink_to("/dev/null")
        with pytest.raises(SourceError, match="cannot be opened"):
            frames(tmp_path / "porch")

    @pytest.mark.parametrize(("fps", "wait_s"), [(30, "5"), (0.14, "36"), (1e-9, "86400")])
    def test_a_driver_waits_as_the_rate_says(self, monkeypatch: pytest.MonkeyPatch, fps: float, wait_s: str) -> None:
        monkeypatch.delenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", raising=False)
        with pytest.raises(SourceError, match="cannot be opened"):
            frames("/dev/null", fps=fps)
        assert os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == wait_s

    def test_pictures_that_cannot_be_decoded_are_left_out(self, tmp_path: Path) -> None:
        clip = clips.spoil(clips.write_numbered(tmp_path / "clip.avi", 6), [2, 3])
        capture = opened(str(clip), cv2.CAP_OPENCV_MJPEG)  # decodes when it is asked for an image, as for V4L2
        seen = images(capture, 5, "unplugged", threading.Event())
        assert [clips.number_of(image) for image in islice(seen, 4)] == [0, 1, 4, 5]
        with pytest.raises(SourceError, match="unplugged, or no frame came for 5 s"):
            next(seen)

    def test_a_camera_that_gives_nothing_else_is_lost(self, tmp_path: Path) -> None:
        clip = clips.spoil(clips.write_numbered(tmp_path / "clip.avi", 6), range(1, 6))
        capture = opened(str(clip), cv2.CAP_OPENCV_MJPEG)
        with pytest.raises(SourceError, match="no frame that can be decoded came for 0 s"):
            list(images(capture, 0, "unplugged", threading.Event()))

    def test_a_device_with_a_name_of_its_own_does_no_harm(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As rules of udev may give one."""
        monkeypatch.setattr(devices, "DEVICES", tmp_path)
        for name in ("video0", "video10", "video2-porch", "video-porch"):
            (tmp_path / name).touch()
        assert devices.devices() == []

    @pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there is a camera here")
    def test_without_a_camera_auto_says_so(self) -> None:
        with pytest.raises(SourceError, match=r"no camera found; plug one in or set camera\.source"):
            frames("auto")


def test_a_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(SourceFileError, match=r"camera\.source: nowhere\.mp4: no such file; expected auto, "):
        open_source(CameraSettings(source="nowhere.mp4"))


@given(st.floats(min_value=0, max_value=10_000, exclude_min=True))
def test_some_frames_are_waited_for_and_never_less_than_a_moment_nor_more_than_a_day(fps: float) -> None:
    assert source.NO_FRAME_S <= source.patience_s(fps) <= 86_400
    assert source.patience_s(fps) >= min(3 / fps, 86_400)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("~nosuchuser/x.mp4", "whose home directory that is cannot be told; write the path in full"),
        ("x" * 5000, "file name too long"),
        ("zero\0.mp4", "not a path"),
        ("/etc/hostname/clip.mp4", "no such file"),
    ],
)
def test_a_path_that_cannot_be_is_refused(name: str, problem: str) -> None:
    with pytest.raises(SourceFileError, match=problem) as refusal:
        open_source(CameraSettings(source=name))
    assert str(refusal.value).startswith("camera.source: ")
    assert len(str(refusal.value).splitlines()) == 1
