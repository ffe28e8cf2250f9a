"""What a V4L2 camera can give, and in which format it is asked for it; a real one is in tests/system."""

from __future__ import annotations

import errno
import struct
import threading
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.compressed import frame_of
from edgecam.camera.sources import v4l2_modes
from edgecam.camera.sources.opencv import decoded, made, opened
from edgecam.camera.sources.v4l2_modes import Mode, choose_format, modes
from edgecam.errors import SourceError
from tests import clips

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam.camera.frames import Frame

HD = 1280, 720
# As v4l2-ctl --list-formats-ext tells of a Logitech C270: as YUYV the bus has room for so many.
WEBCAM = [
    *(
        Mode("YUYV", size, fps)
        for size, fps in {(640, 480): 30, (800, 600): 20, (1280, 720): 10, (1280, 960): 7.5}.items()
    ),
    *(Mode("MJPG", size, 30) for size in ((640, 480), (800, 600), (1280, 720), (1280, 960))),
]


@pytest.mark.parametrize(
    ("known", "size", "fps", "expected"),
    [
        (WEBCAM, (640, 480), 30, None),
        (WEBCAM, HD, 30, "MJPG"),
        (WEBCAM, HD, 10, None),
        (WEBCAM, (1300, 730), 15, "MJPG"),
        ([Mode("YUYV", HD, 29.97), Mode("MJPG", HD, 60)], HD, 30, None),
        ([Mode("YUYV", HD, 10), Mode("MJPG", HD, 10)], HD, 30, None),
        ([Mode("YUYV", HD, 10), Mode("MJPG", (640, 480), 30)], HD, 30, None),
        ([Mode("YUYV", (640, 480), 30), Mode("MJPG", HD, 30)], HD, 30, None),
        ([Mode("MJPG", HD, 5)], HD, 30, "MJPG"),
        ([Mode("H264", HD, 30), Mode("MJPG", HD, 5)], HD, 30, "MJPG"),
        ([Mode("YUYV", HD, 5), Mode("H264", HD, 30)], HD, 30, None),
        ([Mode("H264", HD, 30)], HD, 30, None),
        ([Mode("YUYV", HD, 0), Mode("MJPG", HD, 30)], HD, 30, None),
        ([], HD, 30, None),
    ],
)
def test_mjpeg_is_taken_where_it_gives_more_frames_that_are_wanted(
    known: list[Mode], size: tuple[int, int], fps: float, expected: str | None
) -> None:
    assert choose_format(known, size, fps, "auto") == expected


@pytest.mark.parametrize(("wanted", "name"), [("mjpeg", "MJPG"), ("yuyv", "YUYV")])
def test_what_is_set_is_asked_for(wanted: str, name: str) -> None:
    assert choose_format(WEBCAM, HD, 30, wanted) == name
    assert choose_format([], HD, 30, wanted) == name


def test_what_a_camera_cannot_give_is_refused_with_what_it_can() -> None:
    known = [Mode("YUYV", HD, 10), Mode("YUYV", (640, 480), 30), Mode("NV12", HD, 10)]
    with pytest.raises(SourceError, match=r"^gives no MJPEG, but YUYV and NV12; set camera\.format to auto$"):
        choose_format(known, HD, 30, "mjpeg")


Modes = st.builds(
    Mode,
    st.sampled_from(["MJPG", "YUYV", "NV12", "H264", "GREY"]),
    st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    st.floats(0.1, 240),
)


@given(st.lists(Modes), st.tuples(st.integers(1, 4000), st.integers(1, 4000)), st.floats(0.1, 240))
def test_by_itself_it_refuses_nothing_and_takes_nothing_that_is_not_there(
    known: list[Mode], size: tuple[int, int], fps: float
) -> None:
    chosen = choose_format(known, size, fps, "auto")
    assert chosen is None or (chosen == "MJPG" and any(mode.format == chosen for mode in known))


class Driver:
    """Answers as the kernel's documents say; each format has sizes, and each of these its intervals."""

    def __init__(self, formats: dict[bytes, dict[tuple[int, ...], list[tuple[int, ...]]]]) -> None:
        self.formats = formats

    def ask(self, request: int, buffer: bytearray) -> None:
        try:
            if request == v4l2_modes.VIDIOC_ENUM_FMT:
                index, kind = struct.unpack_from("=II", buffer)
                assert kind == 1
                buffer[44:48] = list(self.formats)[index]
            elif request == v4l2_modes.VIDIOC_ENUM_FRAMESIZES:
                index, code = struct.unpack_from("=I4s", buffer)
                sides = list(self.formats[code])[index]
                struct.pack_into(f"=I{len(sides)}I", buffer, 8, 1 if len(sides) == 2 else 3, *sides)
            else:
                index, code, width, height = struct.unpack_from("=I4sII", buffer)
                sizes = self.formats[code]
                interval = sizes.get((width, height), next(iter(sizes.values())))[index]
                struct.pack_into(f"=I{len(interval)}I", buffer, 16, 1 if len(interval) == 2 else 3, *interval)
        except IndexError:
            raise OSError(errno.EINVAL, "no more") from None


def test_a_camera_is_asked_for_all_that_it_can_give() -> None:
    driver = Driver(
        {
            b"YUYV": {(640, 480): [(1, 15), (1, 30)], HD: [(1, 10)]},
            b"MJPG": {HD: [(1001, 30000)]},
            b"NV12": {(64, 4096, 2, 64, 2160, 2): [(1, 60, 1, 1, 1, 60)]},
            b"H264": {HD: [(0, 1)]},
        }
    )
    known = modes(driver.ask, HD)
    assert [(mode.format, mode.size, round(mode.fps, 2)) for mode in known] == [
        ("YUYV", (640, 480), 30),
        ("YUYV", HD, 10),
        ("MJPG", HD, 29.97),
        ("NV12", HD, 60),
        ("H264", HD, 0),
    ]


def test_a_driver_that_never_ends_is_not_asked_for_ever() -> None:
    def ask(_request: int, buffer: bytearray) -> None:
        buffer[-24:-16] = struct.pack("=II", 1, 1)

    v4l2 = islice(v4l2_modes._formats(ask), 2000)  # noqa: SLF001
    assert len(list(v4l2)) == v4l2_modes.MOST + 1


def test_jpegs_of_a_camera_are_decoded_as_small_as_may_be_and_broken_ones_left_out(tmp_path: Path) -> None:
    """FFmpeg gives a file's packets as V4L2 gives a camera's."""

    def frame(capture: cv2.VideoCapture) -> Frame | None:
        content = decoded(capture)
        return None if content is None else frame_of(content.reshape(-1), (80, 60), 0)

    clip = clips.spoil(clips.write_numbered(tmp_path / "clip.avi", 6), [2])
    capture = opened(str(clip), cv2.CAP_FFMPEG, cv2.CAP_PROP_FORMAT, -1)
    seen = list(islice(made(capture, frame, 5, "unplugged", threading.Event()), 5))
    assert [clips.number_of(each.image) for each in seen] == [0, 1, 3, 4, 5]
    assert {each.size for each in seen} == {(80, 60)}
