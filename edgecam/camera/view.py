"""The part of a camera's image that the model sees, turned upright and at the model's size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgecam.camera.compressed import decoded
from edgecam.camera.fit import BARS, between_bars, greatest_middle
from edgecam.camera.frames import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.fit import Fit
    from edgecam.camera.frames import Frame

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a camera with an image processor of its own is asked for.

    Attributes:
        size: width and height of its images in pixels, upright.
        narrows: of what the settings cut out, only the greatest middle part of that shape is to be in them.
        least: width and height that the whole image, as the camera gives it, must have at the least so that nothing
            that is seen of it need be enlarged; None: its own. Where it can be decoded smaller, it may be.
    """

    size: tuple[int, int]
    narrows: bool = False
    least: tuple[int, int] | None = None


class View:
    """Crops, shrinks and turns images, and makes them fit the model."""

    def __init__(
        self, camera: config.CameraSettings, size: tuple[int, int], *, fit: Fit = "stretch", keeps: bool = False
    ) -> None:
        """Show images at ``size`` (width, height).

        Args:
            camera: which part of its images, and how to turn it.
            size: the model's.
            fit: how a part of another shape becomes one of the model's; stretched, as MediaPipe does it, if not said.
            keeps: with each view goes the frame that it is of.
        """
        self._keeps = keeps
        self._crop = camera.crop
        self._turn = TURNS.get(camera.rotation)
        self._size = size
        self._unturned_size = unturned(size, camera.rotation)
        self._fit = fit

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the view of an image, uint8 [height, width, 3] at any size, at the model's size."""
        return self._fitted(self._part(image), self._unturned_size, self._turn)

    def of_frame(self, frame: Frame) -> Frame:
        """Return the view of a frame of any size and layout; what its camera has done already is left out.

        An I420 image that needs nothing more stays as it is; every other becomes BGR.
        """
        seen = self._seen(frame)
        return replace(seen, original=frame) if self._keeps else seen

    def picture(self, frame: Frame) -> NDArray[np.uint8]:
        """Return what people may see of a frame, uint8 [height, width, 3] in BGR: cropped and upright, not shrunk.

        It is all that the settings cut out, whatever of it the model sees.
        """
        image = frame.image
        if frame.encoded is not None and (whole := decoded(frame.encoded)) is not None:
            image = whole
        if frame.layout is Layout.I420:
            image = cv2.cvtColor(image, cv2.COLOR_YUV2BGR_I420)
        return _turned(image if frame.cropped else self._part(image), None if frame.turned else self._turn)

    def _seen(self, frame: Frame) -> Frame:
        turn = None if frame.turned else self._turn
        size = self._size if turn is None else self._unturned_size
        image = frame.image
        if frame.layout is Layout.I420:
            if frame.cropped and turn is None and frame.size == size:
                return frame
            image = cv2.cvtColor(image, cv2.COLOR_YUV2BGR_I420)
        image = self._fitted(image if frame.cropped else self._part(image), size, turn)
        return replace(frame, image=image, layout=Layout.BGR, encoded=None)

    def _part(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        x, y, part_width, part_height = self._crop
        top, left = min(round(y * height), height - 1), min(round(x * width), width - 1)
        return image[top : top + max(1, round(part_height * height)), left : left + max(1, round(part_width * width))]

    def _fitted(self, part: NDArray[np.uint8], size: tuple[int, int], turn: int | None) -> NDArray[np.uint8]:
        """Turn a part of an image that becomes ``size``, width and height, before it is turned."""
        if self._fit == "letterbox":
            return self._between_bars(part, turn)
        if self._fit == "crop":
            x, y, width, height = greatest_middle((part.shape[1], part.shape[0]), size)
            part = part[y : y + height, x : x + width]
        return _turned(_shrunk(part, size), turn)

    def _between_bars(self, part: NDArray[np.uint8], turn: int | None) -> NDArray[np.uint8]:
        is_on_its_side = turn in (TURNS[90], TURNS[270])
        high, wide = part.shape[:2]
        x, y, width, height = between_bars((high, wide) if is_on_its_side else (wide, high), self._size)
        canvas = np.full((self._size[1], self._size[0], 3), BARS, np.uint8)
        place = canvas[y : y + height, x : x + width]
        if turn is None:
            _shrunk(part, (width, height), place)
        else:
            cv2.rotate(_shrunk(part, (height, width) if is_on_its_side else (width, height)), turn, place)
        return canvas


def fit_of(settings: config.Config, model: Fit) -> Fit:
    """How a picture is made to fit: as the settings say, else as the model does."""
    return settings.camera.fit or model


def view_of(settings: config.Config, size: tuple[int, int], fit: Fit = "stretch") -> View:
    """Return the view of the camera that the settings want, at the model's size (width, height) and ``fit``."""
    return View(settings.camera, size, fit=fit_of(settings, fit), keeps=settings.privacy.snapshots)


def wanted_of(settings: config.Config, size: tuple[int, int], fit: Fit = "stretch") -> Wanted:
    """Return what a camera that scales and crops by itself is asked for, so that least is left to do.

    That is what the model sees, unless the picture is wanted for people too: they see all that the settings cut out.

    Args:
        settings: which part of its images, and how to turn it.
        size: the model's width and height.
        fit: as the model says.
    """
    whole = whole_of(settings.camera)
    if settings.privacy.snapshots:
        return whole
    match fit_of(settings, fit):
        case "crop":
            return Wanted(size, narrows=True)
        case "letterbox":
            return Wanted(between_bars(whole.size, size)[2:])
        case _:
            return Wanted(size)


def whole_of(camera: config.CameraSettings) -> Wanted:
    """Return all that the settings cut out, as large as it is in images of the size that they name."""
    _, _, width, height = camera.crop
    size = max(2, round(width * camera.width)), max(2, round(height * camera.height))
    return Wanted(unturned(size, camera.rotation))


def unturned(size: tuple[int, int], rotation: int) -> tuple[int, int]:
    """Width and height before an image is turned by ``rotation`` degrees, from those after it."""
    return size if rotation in (0, 180) else size[::-1]


def _shrunk(
    image: NDArray[np.uint8], size: tuple[int, int], into: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    # Halving by areas keeps fine patterns from aliasing, at a tenth of the cost of shrinking by areas in one go.
    while image.shape[0] >= 2 * size[1] and image.shape[1] >= 2 * size[0]:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
    shrunk: NDArray[np.uint8] = cv2.resize(image, size, into, interpolation=cv2.INTER_LINEAR)
    return shrunk


def _turned(image: NDArray[np.uint8], turn: int | None) -> NDArray[np.uint8]:
    if turn is None:
        return image
    turned: NDArray[np.uint8] = cv2.rotate(image, turn)
    return turned
