"""The Pi's own cameras, and USB cameras through libcamera, by Picamera2."""

from __future__ import annotations

import importlib.util
import logging
import queue
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edgecam.camera.fit import greatest_middle
from edgecam.camera.frames import Frame, Layout
from edgecam.camera.sources.opencv import prefer
from edgecam.camera.sources.source import exposure_ns, patience_s
from edgecam.camera.view import unturned
from edgecam.errors import SourceError, in_words

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.view import Wanted

logger = logging.getLogger(__name__)

BUFFERS = 3  # one being exposed, one waiting its turn, one being read
WHOLE = (0.0, 0.0, 1.0, 1.0)
TO_BGR = {  # by libcamera's names, which are of the byte order in a word: RGB888 lies in memory as blue, green, red
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "NV21": cv2.COLOR_YUV2BGR_NV21,
    "YVU420": cv2.COLOR_YUV2BGR_YV12,
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "UYVY": cv2.COLOR_YUV2BGR_UYVY,
    "BGR888": cv2.COLOR_RGB2BGR,
    "XRGB8888": cv2.COLOR_BGRA2BGR,
    "XBGR8888": cv2.COLOR_RGBA2BGR,
}

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Done:
    """What the image processor has done to the frames already."""

    cropped: bool
    turned: bool


class Picamera2Camera:
    """A camera by its number among those that Picamera2 finds.

    The image processor of a Pi scales, crops (to the model's shape too) and turns; what comes out has the size that
    was asked for, as I420. A camera that has no second, small stream (a USB camera) gives its image as it is.
    """

    waits = False
    scales = True

    def __init__(self, camera: config.CameraSettings, wanted: Wanted) -> None:
        """Ask for images of what ``camera`` cuts out, as ``wanted``."""
        self._number = int(camera.source.partition(":")[2] or 0)
        self.name = f"picamera2:{self._number}"
        self._camera = camera
        width, height = unturned(wanted.size, camera.rotation)
        self._shape = (width, height) if wanted.narrows else None
        self._size = width + width % 2, height + height % 2  # libcamera wants even sides

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with _told_in_our_words(), self._started() as (device, stream, done):
            longest_s = patience_s(self._camera.fps)
            good_s = time.monotonic()
            ahead_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
            while not stop.is_set():
                device.capture_request(wait=False, signal_function=finished.put)
                try:
                    request = finished.get(timeout=longest_s).get_result()
                except queue.Empty:
                    device.cancel_all_and_flush()
                    message = f"no frame came for {longest_s:.0f} s; check the camera's cable"
                    raise SourceError(message) from None
                try:
                    image, layout = image_of(request, stream)
                    told_ns = request.get_metadata().get("SensorTimestamp", 0) - ahead_ns
                finally:
                    request.release()
                if image is None:
                    if time.monotonic() - good_s > longest_s:
                        message = f"no frame that can be decoded came for {longest_s:.0f} s"
                        raise SourceError(message)
                else:
                    good_s = time.monotonic()
                    exposed_ns = exposure_ns(told_ns)
                    yield Frame(image, exposed_ns, exposed_ns, layout, cropped=done.cropped, turned=done.turned)

    @contextmanager
    def _started(self) -> Iterator[tuple[Any, str, _Done]]:
        """Give a running camera, which of its streams to read, and what its frames have had done to them."""
        kind = _class()
        tuning = tuning_of(kind, self._camera.tuning)
        device = kind(self._number, tuning=tuning) if tuning else kind(self._number)
        try:
            stream, done = self._configure(device)
            device.start(show_preview=False)
            yield device, stream, done
        finally:
            device.close()

    def _configure(self, device: Any) -> tuple[str, _Done]:
        from libcamera import ColorSpace, Transform

        camera = self._camera
        turns = camera.rotation == 180  # noqa: PLR2004  no image processor turns by a quarter
        wanted: dict[str, Any] = {
            "main": {"size": main_size((camera.width, camera.height), self._size)},
            "buffer_count": BUFFERS,
            "queue": False,
            "controls": self._controls(device),
        }
        if "ColorFilterArrangement" in device.camera_properties:  # a sensor behind the Pi's image processor
            wanted["main"]["format"] = "YUV420"
            if self._is_whole or "ScalerCrop" in device.camera_controls:
                wanted["lores"] = {"size": self._size, "format": "YUV420"}
            wanted["transform"] = Transform(hflip=turns, vflip=turns)
            wanted["colour_space"] = ColorSpace.Smpte170m()  # the one that OpenCV converts from
            if mode := choose_mode(device.sensor_modes, camera.fps):
                wanted["raw"] = {"size": mode["size"]}
        else:
            wanted["main"]["format"] = "RGB888"
        device.configure(device.create_video_configuration(**wanted))
        made = device.camera_configuration()
        stream = "lores" if made["lores"] else "main"
        logger.debug("camera %s: %s %s", self.name, stream, made[stream])
        turned = camera.rotation == 0 or (turns and bool(made["transform"].hflip and made["transform"].vflip))
        return stream, _Done(cropped=self._crop(device, flipped=turns and turned), turned=turned)

    @property
    def _is_whole(self) -> bool:
        """Whether all that is seen is wanted."""
        return self._camera.crop == WHOLE and self._shape is None

    def _controls(self, device: Any) -> dict[str, Any]:
        period = round(1e6 / self._camera.fps)
        wanted = {"FrameDurationLimits": (period, period), "AfMode": 2}  # 2: focus all the time (Camera Module 3)
        return {name: value for name, value in wanted.items() if name in device.camera_controls}

    def _crop(self, device: Any, *, flipped: bool) -> bool:
        """Let the image processor crop; return whether what comes is what the settings want."""
        if self._is_whole:
            return True
        controls = device.camera_controls
        if "ScalerCrop" not in controls:
            return False
        part = crop_of(controls["ScalerCrop"][2], self._camera.crop, self._shape, flipped=flipped)
        # Where there are crops for each stream, they go before the common one, and Picamera2 has set them.
        device.set_controls({"ScalerCrops": [part, part]} if "ScalerCrops" in controls else {"ScalerCrop": part})
        return True


def tuning_of(kind: Any, name: str) -> dict[str, Any] | None:
    """Return what a tuning file says; None: the one that libcamera has for the camera is to be used.

    Args:
        kind: the class Picamera2.
        name: of a file that comes with libcamera, or a path; empty: none.

    Raises:
        SourceError: there is none of that name, or it cannot be read.
    """
    if not name:
        return None
    path = Path(name).expanduser()
    is_path = len(path.parts) > 1
    try:
        # Without a folder it looks where libcamera keeps those of this Pi.
        tuning = kind.load_tuning_file(path.name, dir=str(path.parent)) if is_path else kind.load_tuning_file(name)
    except (OSError, RuntimeError):
        where = "there" if is_path else "among libcamera's, in /usr/share/libcamera/ipa/rpi/vc4 (Pi 5: pisp)"
        message = f"camera.tuning: {name}: no such file {where} that can be read; name one, or write its whole path"
        raise SourceError(message) from None
    except ValueError as error:
        message = f"camera.tuning: {name}: not a tuning file: {' '.join(str(error).split())}"
        raise SourceError(message) from None
    if not isinstance(tuning, dict):
        message = f"camera.tuning: {name}: not a tuning file"
        raise SourceError(message)
    return tuning


def own_cameras() -> list[tuple[str, int]]:
    """List the cameras with a sensor of their own (no USB cameras) that Picamera2 finds, by place and number.

    A place is a path in the device tree. Where Picamera2 is not installed there are none.
    """
    if importlib.util.find_spec("picamera2") is None:
        return []
    with _told_in_our_words():
        found = _class().global_camera_info()
        return [(info["Id"], number) for number, info in enumerate(found) if "/usb" not in info["Id"]]


def choose_mode(modes: Sequence[Mapping[str, Any]], fps: float) -> Mapping[str, Any] | None:
    """Choose a sensor's mode: the one that sees most, of those that are fast enough; of equals the smallest.

    Picamera2 itself goes by the size of the image and would choose, for a small one, a mode that sees only the middle.

    Args:
        modes: as ``Picamera2.sensor_modes`` lists them.
        fps: frames a second; where no mode is as fast, the fastest are taken.
    """
    modes = [mode for mode in modes if "crop_limits" in mode]
    if not modes:
        return None
    enough = min(fps, max(mode["fps"] for mode in modes))
    return max(
        (mode for mode in modes if mode["fps"] >= enough),
        key=lambda mode: (_area(mode["crop_limits"][2:]), -_area(mode["size"])),
    )


def main_size(camera: tuple[int, int], least: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the main stream, both even.

    Its shape decides what of the sensor is seen, so it is that of ``camera``; it is as large or larger, as no stream
    may be larger than it: ``least`` is the other one.
    """
    scale = max(1.0, least[0] / camera[0], least[1] / camera[1])
    width, height = (_even(round(side * scale)) for side in camera)
    return max(width, least[0]), max(height, least[1])


def crop_of(
    whole: Rectangle,
    crop: tuple[float, float, float, float],
    shape: tuple[int, int] | None = None,
    *,
    flipped: bool,
) -> Rectangle:
    """Return the part of a sensor's area, both x, y, width, height in pixels, that ``crop`` names in fractions.

    Args:
        whole: what is seen without a crop.
        crop: x, y, width, height of the image as the sensor gives it.
        shape: width and height of which only the ratio counts: that part's greatest middle of this shape; None: all.
        flipped: the sensor turns its image by 180 degrees before it is cropped.
    """
    left, top, full_width, full_height = whole
    x, y, width, height = crop
    if flipped:
        x, y = 1 - x - width, 1 - y - height
    x, y = left + round(x * full_width), top + round(y * full_height)
    part = max(1, round(width * full_width)), max(1, round(height * full_height))
    x_within, y_within, part_width, part_height = greatest_middle(part, shape or part)
    return x + x_within, y + y_within, part_width, part_height


def _class() -> Any:
    prefer("LIBCAMERA_LOG_LEVELS", "*:ERROR")
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        message = (
            f"Picamera2 cannot be imported ({error}); install it with: sudo apt install python3-picamera2 "
            "python3-kms++, and edgecam with: sudo make install"
        )
        raise SourceError(message) from None
    logging.getLogger("picamera2").setLevel(logging.CRITICAL)  # what fails is told by us
    return Picamera2


@contextmanager
def _told_in_our_words() -> Iterator[None]:
    """Turn what Picamera2 and libcamera raise into errors of ours."""
    try:
        yield
    except SourceError:
        raise
    except (RuntimeError, OSError, IndexError, ValueError, KeyError) as error:
        cause: BaseException = error
        while cause.__cause__:
            cause = cause.__cause__
        words = in_words(cause) if isinstance(cause, OSError) else str(cause).strip()
        message = f"Picamera2: {words.splitlines()[0] if words else type(cause).__name__}"
        raise SourceError(message) from None


def image_of(request: Any, stream: str) -> tuple[NDArray[np.uint8] | None, Layout]:
    """Copy an image out of the camera's memory, without padding; None where it cannot be decoded."""
    settings = request.config[stream]
    (width, height), name = settings["size"], settings["format"]
    if name == "MJPEG":
        compressed = request.make_buffer(stream)
        return (cv2.imdecode(compressed, cv2.IMREAD_COLOR) if len(compressed) else None), Layout.BGR
    from picamera2 import MappedArray

    with MappedArray(request, stream) as mapped:
        padded = mapped.array
        if name == "YUV420":
            return unpadded(padded, width, height), Layout.I420
        if name == "RGB888":
            return padded.copy(), Layout.BGR
        if name in TO_BGR:
            return cv2.cvtColor(np.ascontiguousarray(padded), TO_BGR[name])[:, :width], Layout.BGR
    message = f"the camera's format {name} is not known; name another camera in camera.source"
    raise SourceError(message)


def unpadded(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Copy an I420 image [height * 3 / 2, stride], whose rows may be longer than ``width``, into one without padding.

    Rows of the colour planes have half the length, so two of them lie in each row of the array.
    """
    stride = image.shape[1]
    if stride == width:
        return image.copy()
    plain = np.empty((height * 3 // 2, width), np.uint8)
    plain[:height] = image[:height, :width]
    colours = plain[height:].reshape(height, width // 2)
    colours[:] = image[height:].reshape(height, stride // 2)[:, : width // 2]
    return plain


def _even(pixels: int) -> int:
    return max(2, pixels - pixels % 2)


def _area(size: Sequence[int]) -> int:
    return size[0] * size[1]
