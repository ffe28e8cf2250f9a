"""What can be told about Picamera2 without a camera; the rest is in tests/system."""

from __future__ import annotations

import errno
import os
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.frames import Frame, Layout
from edgecam.camera.sources import open_source
from edgecam.camera.sources.picamera2 import choose_mode, crop_of, image_of, unpadded
from edgecam.camera.view import View
from edgecam.config import CameraSettings
from edgecam.errors import SourceError
from edgecam.model.inputs import ImageInput
from edgecam.model.pixel_range import PixelRange
from edgecam.model.pixels import PixelWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mode(size: tuple[int, int], fps: float, crop: tuple[int, int, int, int]) -> dict[str, Any]:
    return {"size": size, "fps": fps, "crop_limits": crop}


# As Raspberry Pi OS lists them.
MODULE_2 = [
    mode((640, 480), 206.65, (1000, 752, 1280, 960)),
    mode((1640, 1232), 41.85, (0, 0, 3280, 2464)),
    mode((1920, 1080), 47.57, (680, 692, 1920, 1080)),
    mode((3280, 2464), 21.19, (0, 0, 3280, 2464)),
]
MODULE_3 = [
    mode((1536, 864), 120.13, (768, 432, 3072, 1728)),
    mode((2304, 1296), 56.03, (0, 0, 4608, 2592)),
    mode((4608, 2592), 14.35, (0, 0, 4608, 2592)),
]
HQ = [
    mode((1332, 990), 120.05, (696, 528, 2664, 1980)),
    mode((2028, 1080), 50.03, (0, 440, 4056, 2160)),
    mode((2028, 1520), 40.01, (0, 0, 4056, 3040)),
    mode((4056, 3040), 10.0, (0, 0, 4056, 3040)),
]


@pytest.mark.parametrize(
    ("modes", "fps", "size"),
    [
        (MODULE_2, 30, (1640, 1232)),
        (MODULE_2, 45, (1920, 1080)),
        (MODULE_2, 100, (640, 480)),
        (MODULE_2, 500, (640, 480)),
        (MODULE_3, 30, (2304, 1296)),
        (MODULE_3, 60, (1536, 864)),
        (HQ, 30, (2028, 1520)),
        (HQ, 50, (2028, 1080)),
    ],
)
def test_the_mode_that_sees_most_and_is_fast_enough(
    modes: list[dict[str, Any]], fps: float, size: tuple[int, int]
) -> None:
    chosen = choose_mode(modes, fps)
    assert chosen
    assert chosen["size"] == size


def test_a_camera_without_modes_of_a_sensor_has_none() -> None:
    assert choose_mode([{"format": "YUYV"}], 30) is None


Fraction = st.integers(0, 100).map(lambda percent: percent / 100)


@given(x=Fraction, y=Fraction, width=Fraction, height=Fraction, flipped=st.booleans())
def test_a_crop_lies_within_the_sensors_area(x: float, y: float, width: float, height: float, *, flipped: bool) -> None:
    crop = (x, y, max(0.01, round((1 - x) * width, 2)), max(0.01, round((1 - y) * height, 2)))
    left, top, crop_width, crop_height = crop_of((100, 50, 4000, 3000), crop, flipped=flipped)
    assert left >= 100 - 41
    assert left + crop_width <= 4100 + 41
    assert top >= 50 - 31
    assert top + crop_height <= 3050 + 31


def test_a_crop_of_a_flipped_sensor_is_mirrored() -> None:
    assert crop_of((0, 0, 1000, 500), (0.0, 0.0, 0.25, 0.5), flipped=True) == (750, 250, 250, 250)


def noise(width: int, height: int) -> NDArray[np.uint8]:
    smooth = np.random.default_rng(0).integers(60, 200, (height // 16, width // 16, 3), np.uint8)
    image: NDArray[np.uint8] = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_CUBIC)
    return image


def padded(image: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """An I420 image with longer rows, as a camera's memory holds it."""
    rows, width = image.shape
    height = rows * 2 // 3
    wide = np.full((rows, stride), 77, np.uint8)
    wide[:height, :width] = image[:height]
    wide[height:].reshape(height, stride // 2)[:, : width // 2] = image[height:].reshape(height, width // 2)
    return wide


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 32))
def test_padding_is_left_out(half_width: int, half_height: int, padding: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (3 * half_height, 2 * half_width), np.uint8)
    got = unpadded(padded(image, 2 * half_width + 2 * padding), 2 * half_width, 2 * half_height)
    assert (got == image).all()


BYTES = PixelRange("0..255", (0.0,), (1.0,), "graph", "")


def as_i420(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    converted: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    return converted


def test_i420_of_the_models_size_goes_straight_into_the_model() -> None:
    frame = Frame(as_i420(noise(224, 224)), 0, 0, Layout.I420, cropped=True, turned=True)
    assert View(CameraSettings(), (224, 224)).of_frame(frame) is frame


@pytest.mark.parametrize("layout", [Layout.BGR, Layout.I420])
def test_both_layouts_show_the_model_the_same(layout: Layout) -> None:
    image = noise(64, 64)
    tensor = np.zeros((64, 64, 3), np.uint8)
    of_bytes = ImageInput(0, (64, 64), 3, "nhwc", np.uint8, 0.0, 0)
    PixelWriter(of_bytes, BYTES).write(image if layout is Layout.BGR else as_i420(image), tensor, layout)
    assert np.abs(tensor.astype(int) - image[..., ::-1]).mean() < 4


@given(
    rotation=st.sampled_from([0, 90, 180, 270]),
    cropped=st.booleans(),
    turned=st.booleans(),
    layout=st.sampled_from(Layout),
    size=st.sampled_from([(64, 48), (62, 50)]),
)
def test_a_view_leaves_out_what_the_camera_has_done(
    *, rotation: int, cropped: bool, turned: bool, layout: Layout, size: tuple[int, int]
) -> None:
    view = View(CameraSettings(rotation=rotation, crop=(0.0, 0.0, 0.5, 1.0)), (64, 48))  # type: ignore[arg-type]
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[:, size[0] // 2 :] = 255
    seen = view.of_frame(
        Frame(image if layout is Layout.BGR else as_i420(image), 0, 0, layout, cropped=cropped, turned=turned)
    )
    assert seen.size == (64, 48)
    shown = seen.image if seen.layout is Layout.BGR else cv2.cvtColor(seen.image, cv2.COLOR_YUV2BGR_I420)
    assert bool(shown.max() > 127) is cropped  # the white half is cut off, unless the camera has cropped already


def test_a_picture_that_cannot_be_decoded_is_left_out() -> None:
    """As USB cameras send some, through libcamera too."""
    request = SimpleNamespace(config={"main": {"size": (640, 480), "format": "MJPEG"}})
    for content in (np.zeros(0, np.uint8), np.zeros(1000, np.uint8)):
        request.make_buffer = lambda _stream, content=content: content
        assert image_of(request, "main") == (None, Layout.BGR)


def test_what_the_system_refuses_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_number: int) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=refuse))
    with pytest.raises(SourceError, match="Picamera2: cannot allocate memory"):
        next(open_source(CameraSettings(source="picamera2")).frames(threading.Event()))


def test_without_picamera2_the_remedy_is_told() -> None:
    with pytest.raises(SourceError, match="sudo apt install python3-picamera2"):
        next(open_source(CameraSettings(source="picamera2:1")).frames(threading.Event()))
