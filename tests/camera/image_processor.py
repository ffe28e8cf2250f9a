"""A Pi's camera as Picamera2 offers it, without the camera: what its image processor cuts and scales.

What is seen, and the crop, go by libcamera's rules: without a crop it is the greatest middle part of the sensor's mode
that has the main stream's shape; every stream shows the same part, scaled to its own size.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import cv2
import numpy as np

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray

MODE = (0, 0, 3280, 2464)
REDUCED = 4  # the scene has a pixel for so many of the sensor's


def scene() -> NDArray[np.uint8]:
    """What lies before the sensor, upright: grey, smooth, and nowhere the same."""
    spots = np.random.default_rng(0).integers(40, 216, (9, 12), np.uint8)
    size = MODE[2] // REDUCED, MODE[3] // REDUCED
    made: NDArray[np.uint8] = cv2.cvtColor(cv2.resize(spots, size, interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    return made


class ImageProcessor:
    """One camera; `configured` is what it was asked for last, and `crop` what it cuts out, in the sensor's pixels."""

    last: ClassVar[ImageProcessor]
    tuning_files: ClassVar = Path()  # where libcamera keeps them
    camera_properties: ClassVar = {"ColorFilterArrangement": 0}
    sensor_modes: ClassVar = [{"size": (1640, 1232), "fps": 41.85, "crop_limits": MODE}]

    def __init__(self, _number: int, tuning: dict[str, Any] | None = None) -> None:
        """Be the camera with any number."""
        type(self).last = self
        self.tuning = tuning
        self.configured: dict[str, Any] = {}
        self.crop = MODE

    @staticmethod
    def load_tuning_file(tuning_file: str, dir: str | None = None) -> Any:  # noqa: A002  it is called so there
        """Read one by Picamera2's rules: in a folder, else where libcamera keeps them."""
        path = Path(dir or ImageProcessor.tuning_files, tuning_file)
        if not path.is_file():
            message = "Tuning file not found"
            raise RuntimeError(message)
        return json.loads(path.read_text())

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        """Least, most and default of each."""
        return {"ScalerCrop": ((0, 0, 64, 64), MODE, self.crop), "ScalerCrops": (self.crop, self.crop, self.crop)}

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        """Return what is asked for."""
        return {"lores": None, **wanted}

    def configure(self, configured: dict[str, Any]) -> None:
        """Take in the streams, and see the main one's shape."""
        self.configured = configured
        width, height = configured["main"]["size"]
        scale = min(MODE[2] / width, MODE[3] / height)
        width, height = round(width * scale), round(height * scale)
        self.crop = (MODE[2] - width) // 2, (MODE[3] - height) // 2, width, height

    def camera_configuration(self) -> dict[str, Any]:
        """Return what was made of that."""
        return self.configured

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Take in the crop of both streams."""
        self.crop, other = controls["ScalerCrops"]
        assert other == self.crop

    def start(self, *, show_preview: bool) -> None:
        """Do nothing: frames are made when they are asked for."""

    def close(self) -> None:
        """Do nothing."""

    def capture_request(self, *, wait: bool, signal_function: Any) -> None:
        """Give a frame at once."""
        assert not wait
        request = SimpleNamespace(config=self.configured, get_metadata=dict, release=lambda: None, shown=self._shown)
        signal_function(SimpleNamespace(get_result=lambda: request))

    def _shown(self, stream: str) -> NDArray[np.uint8]:
        turned = self.configured["transform"].hflip
        seen = cv2.rotate(scene(), cv2.ROTATE_180) if turned else scene()
        x, y, width, height = (round(side / REDUCED) for side in self.crop)
        part = seen[y : y + height, x : x + width]
        scaled = cv2.resize(part, self.configured[stream]["size"], interpolation=cv2.INTER_AREA)
        planes: NDArray[np.uint8] = cv2.cvtColor(scaled, cv2.COLOR_BGR2YUV_I420)
        return planes


class _MappedArray:
    def __init__(self, request: Any, stream: str) -> None:
        self.array = request.shown(stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Picamera2 find this camera."""
    spaces = SimpleNamespace(Smpte170m=lambda: "Smpte170m")
    libcamera = SimpleNamespace(Transform=SimpleNamespace, ColorSpace=spaces)
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    picamera2 = SimpleNamespace(Picamera2=ImageProcessor, MappedArray=_MappedArray)
    monkeypatch.setitem(sys.modules, "picamera2", picamera2)
