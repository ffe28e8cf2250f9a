"""How large a compressed picture is, and its decoding no larger than is needed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera import compressed
from edgecam.camera.compressed import decoded, frame_of, reduction, size_of, without_padding
from edgecam.camera.view import View
from edgecam.config import CameraSettings
from tests import clips

Side = st.integers(1, 5000)
Sizes = st.tuples(Side, Side)


def encoded(
    size: tuple[int, int], suffix: str = ".jpg", *options: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return cv2.imencode(suffix, np.full((size[1], size[0], 3), clips.BGR["red"], np.uint8), options)[1].ravel()


@given(Sizes, st.none() | Sizes)
def test_it_is_reduced_as_far_as_it_may_be(size: tuple[int, int], least: tuple[int, int] | None) -> None:
    by = reduction(size, least)
    if least is None or by == 1:
        assert least is None or size[0] / 2 < least[0] or size[1] / 2 < least[1]
    else:
        assert -(-size[0] // by) >= least[0]
        assert -(-size[1] // by) >= least[1]
        assert by == 8 or -(-size[0] // (2 * by)) < least[0] or -(-size[1] // (2 * by)) < least[1]


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 2, 4, 8]))
def test_what_is_decoded_is_as_large_as_was_reckoned(width: int, height: int, by: int) -> None:
    image = decoded(encoded((width, height)), by)
    assert image is not None
    assert image.shape == (-(-height // by), -(-width // by), 3)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([".jpg", ".png", ".webp"]))
def test_the_size_is_told_and_reached_or_passed(width: int, height: int, suffix: str) -> None:
    content = encoded((width, height), suffix)
    frame = frame_of(content, (20, 20), 0)
    assert size_of(content) == (width, height)
    assert frame
    assert frame.size == (width, height) or min(frame.size) >= 20


@pytest.mark.parametrize(
    "options",
    [
        (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ],
)
def test_the_size_of_a_jpeg_of_any_kind_is_told(options: tuple[int, int]) -> None:
    assert size_of(encoded((70, 50), ".jpg", *options)) == (70, 50)


def test_the_size_of_a_thumbnail_is_not_taken_for_the_pictures() -> None:
    small, large = encoded((16, 12)).tobytes(), encoded((64, 48)).tobytes()
    exif = b"\xff\xe1" + (len(small) + 8).to_bytes(2, "big") + b"Exif\0\0" + small
    assert size_of(np.frombuffer(large[:2] + exif + large[2:], np.uint8)) == (64, 48)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBPVP8X"]))
def test_any_bytes_are_a_picture_or_are_not(content: bytes, beginning: bytes) -> None:
    frame_of(np.frombuffer(beginning + content, np.uint8), (2, 2), 0)


@given(st.data())
def test_a_jpeg_that_is_cut_or_spoilt_does_no_harm(data: st.DataObject) -> None:
    content = bytearray(encoded((40, 30)).tobytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(2, len(content) - 1))] = data.draw(st.integers(0, 255))
    frame_of(np.frombuffer(bytes(content[: data.draw(st.integers(0, len(content)))]), np.uint8), (8, 8), 0)


def test_what_would_fill_the_memory_is_not_decoded() -> None:
    content = encoded((64, 48))
    place = content.tobytes().index(b"\xff\xc0") + 5
    content[place : place + 4] = 0xFF
    assert size_of(content) == (65535, 65535)
    assert frame_of(content, None, 0) is None


def test_people_see_the_whole_of_what_the_model_saw_small() -> None:
    content = encoded((640, 480))
    frame = frame_of(np.concatenate([content, np.zeros(5000, np.uint8)]), (80, 60), 7)
    assert frame
    assert (frame.size, frame.exposed_ns) == ((80, 60), 7)
    assert frame.encoded is not None
    assert (frame.encoded == content).all()
    view = View(CameraSettings(crop=(0.5, 0, 0.5, 1), rotation=90), (32, 32), keeps=True)
    seen = view.of_frame(frame)
    assert seen.image.shape == (32, 32, 3)
    assert seen.encoded is None
    assert seen.original is frame
    assert view.picture(frame).shape == (320, 480, 3)


def test_what_is_decoded_whole_is_not_kept_twice() -> None:
    frame = frame_of(encoded((64, 48)), (64, 48), 0)
    assert frame
    assert frame.encoded is None


def test_a_picture_lies_as_the_camera_gives_it_whatever_it_says_of_itself() -> None:
    content = encoded((64, 48)).tobytes()
    lying = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"\xff\xe1" + (len(lying) + 8).to_bytes(2, "big") + b"Exif\0\0" + lying
    turned = np.frombuffer(content[:2] + exif + content[2:], np.uint8)
    assert cv2.imdecode(turned, cv2.IMREAD_COLOR).shape == (64, 48, 3)
    assert all(decoded(turned, by).shape[0] < decoded(turned, by).shape[1] for by in compressed.FLAGS)  # type: ignore[union-attr]


def test_padding_is_cut_off() -> None:
    content = encoded((16, 16))
    assert (without_padding(np.concatenate([content, np.zeros(99, np.uint8)])) == content).all()
    assert without_padding(content[:-2]) is not None
