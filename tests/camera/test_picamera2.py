"""What can be told about Picamera2 without a camera; the rest is in tests/system."""

from __future__ import annotations

import errno
import os
import sys
import threading
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.fit import Fit
from edgecam.camera.frames import Frame, Layout
from edgecam.camera.sources import open_source
from edgecam.camera.sources.picamera2 import choose_mode, crop_of, image_of, main_size, unpadded
from edgecam.camera.view import View, view_of, wanted_of
from edgecam.config import CameraSettings, Config, PrivacySettings
from edgecam.errors import SourceError
from edgecam.model.inputs import ImageInput
from edgecam.model.pixel_range import PixelRange
from edgecam.model.pixels import PixelWriter
from tests.camera import image_processor
from tests.camera.image_processor import MODE, REDUCED, ImageProcessor

if TYPE_CHECKING:
    from pathlib import Path

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


Side = st.integers(2, 4000)


@given(camera=st.tuples(Side, Side), least=st.tuples(Side, Side).map(lambda size: (2 * size[0], 2 * size[1])))
def test_the_main_stream_is_no_smaller_than_the_other_and_keeps_the_cameras_shape(
    camera: tuple[int, int], least: tuple[int, int]
) -> None:
    width, height = main_size(camera, least)
    assert width % 2 == height % 2 == 0
    assert width >= least[0]
    assert height >= least[1]
    shape = camera[0] / camera[1]
    assert abs(width - height * shape) <= 2 * max(1, shape) + 1 or abs(height - width / shape) <= 2 * max(1, 1 / shape)


def test_the_middle_of_a_crop_is_what_the_image_processor_keeps() -> None:
    assert crop_of((0, 2, 3280, 2460), (0.0, 0.0, 1.0, 1.0), (224, 224), flipped=False) == (410, 2, 2460, 2460)
    assert crop_of((0, 2, 3280, 2460), (0.5, 0.0, 0.5, 1.0), (224, 224), flipped=False) == (1640, 412, 1640, 1640)


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch) -> None:
    image_processor.install(monkeypatch)


def first_frame(settings: Config, size: tuple[int, int]) -> Frame:
    frames = open_source(settings.camera, wanted_of([view_of(settings, size)])).frames(threading.Event())
    with closing(frames):
        return next(frames)


@pytest.mark.usefixtures("pi")
class TestFit:
    """The image processor does what it can of how a picture fits, and what comes out is the same."""

    @pytest.mark.parametrize("fit", get_args(Fit))
    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    @pytest.mark.parametrize("crop", [(0.0, 0.0, 1.0, 1.0), (0.5, 0.1, 0.5, 0.9)])
    @pytest.mark.parametrize("snapshots", [False, True])
    @pytest.mark.parametrize("size", [(224, 224), (96, 200), (801, 641)])
    def test_the_model_sees_what_it_would_of_another_camera(
        self, fit: Fit, rotation: Any, crop: Any, size: tuple[int, int], *, snapshots: bool
    ) -> None:
        camera = CameraSettings(source="picamera2", fit=fit, rotation=rotation, crop=crop)
        settings = Config(camera=camera, privacy=PrivacySettings(snapshots=snapshots))
        view = view_of(settings, size)
        seen = view.of_frame(first_frame(settings, size))
        shown = seen.image if seen.layout is Layout.BGR else cv2.cvtColor(seen.image, cv2.COLOR_YUV2BGR_I420)
        x, y, width, height = (side // REDUCED for side in (0, 2, 3280, 2460))
        taken = cv2.resize(image_processor.scene()[y : y + height, x : x + width], (640, 480))
        assert np.abs(shown.astype(int) - view.of(taken)).mean() < 4

    @pytest.mark.parametrize("crop", [(0.0, 0.0, 1.0, 1.0), (0.5, 0.1, 0.5, 0.9)])
    @pytest.mark.parametrize("fit", ["stretch", "crop"])
    def test_nothing_is_left_to_do_where_no_bars_are_wanted(self, fit: Fit, crop: Any) -> None:
        settings = Config(camera=CameraSettings(source="picamera2", fit=fit, crop=crop))
        frame = first_frame(settings, (224, 224))
        assert view_of(settings, (224, 224)).of_frame(frame) is frame

    def test_a_letterbox_is_filled_without_scaling(self) -> None:
        settings = Config(camera=CameraSettings(source="picamera2", fit="letterbox"))
        assert first_frame(settings, (224, 224)).size == (224, 168)

    @pytest.mark.parametrize("fit", get_args(Fit))
    def test_people_see_all_that_the_settings_cut_out(self, fit: Fit) -> None:
        camera = CameraSettings(source="picamera2", fit=fit, crop=(0.5, 0.0, 0.5, 1.0))
        settings = Config(camera=camera, privacy=PrivacySettings(snapshots=True))
        frame = first_frame(settings, (224, 224))
        assert frame.size == (320, 480)
        assert ImageProcessor.last.crop == (1640, 2, 1640, 2460)

    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    def test_one_that_is_only_looked_at_gives_what_the_settings_cut_out(self, rotation: Any) -> None:
        camera = CameraSettings(source="picamera2", rotation=rotation, crop=(0.5, 0.0, 0.5, 1.0))
        with closing(open_source(camera).frames(threading.Event())) as frames:
            assert next(frames).size == (320, 480)

    @pytest.mark.parametrize("fit", get_args(Fit))
    def test_where_the_camera_cannot_crop_it_gives_its_whole_picture(
        self, fit: Fit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ImageProcessor, "camera_controls", {})
        camera = CameraSettings(source="picamera2", fit=fit, crop=(0.5, 0.0, 0.5, 1.0))
        settings = Config(camera=camera)
        frame = first_frame(settings, (224, 224))
        assert (frame.size, frame.cropped) == ((640, 480), False)
        assert ImageProcessor.last.crop[2:] == (MODE[2], 2460)


@pytest.mark.usefixtures("pi")
class TestTuning:
    """A tuning file, as cameras without a filter for infrared want one."""

    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ImageProcessor, "tuning_files", tmp_path)
        (tmp_path / "imx219_noir.json").write_text('{"target": "bcm2835"}')
        (tmp_path / "broken.json").write_text('{"target')
        (tmp_path / "list.json").write_text("[]")

    def first(self, tuning: str) -> dict[str, Any] | None:
        camera = CameraSettings(source="picamera2", tuning=tuning)
        with closing(open_source(camera).frames(threading.Event())) as frames:
            next(frames)
        return ImageProcessor.last.tuning

    def test_it_is_found_by_its_name_or_its_path(self, tmp_path: Path) -> None:
        assert self.first("imx219_noir.json") == {"target": "bcm2835"}
        assert self.first(f"{tmp_path}/imx219_noir.json") == {"target": "bcm2835"}
        assert self.first("") is None

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("imx219-noir.json", "imx219-noir.json: no such file among libcamera's, in /usr/share/libcamera/ipa/rpi/"),
            ("/nowhere/a.json", "/nowhere/a.json: no such file there that can be read"),
            ("broken.json", "broken.json: not a tuning file: Unterminated string"),
            ("list.json", "list.json: not a tuning file"),
        ],
    )
    def test_one_that_cannot_be_used_is_told(self, name: str, problem: str) -> None:
        with pytest.raises(SourceError) as refused:
            self.first(name)
        assert str(refused.value).startswith(f"camera.tuning: {problem}")
        assert len(str(refused.value).splitlines()) == 1


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
    # The white half is cut off, unless the camera has cropped already, or has turned it to where the rest lay.
    assert bool(shown.max() > 127) is (cropped or (turned and rotation != 0))


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
