"""The part of a camera's image that the model sees, turned upright and at the model's size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgecam.camera.compressed import decoded
from edgecam.camera.fit import BARS, between_bars, greatest_middle
from edgecam.camera.frames import Frame, Layout
from edgecam.config.sections import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.fit import Fit
    from edgecam.config.sections import Crop

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
    """Crops, shrinks and turns images, and makes them fit the model.

    Attributes:
        camera: which part of its images, and how to turn them.
        size: width and height of what the model sees, in pixels.
        crop: which part of the upright picture that the camera's crop leaves: x, y, width and height as fractions.
        fit: how a part of another shape becomes one of the model's.
        keeps: with each view goes the frame that it is of.
    """

    def __init__(
        self,
        camera: config.CameraSettings,
        size: tuple[int, int],
        *,
        crop: Crop = WHOLE,
        fit: Fit = "stretch",
        keeps: bool = False,
    ) -> None:
        """Show images as the attributes say; stretched, as MediaPipe does it, if no ``fit`` is named."""
        self.camera = camera
        self.size = size
        self.crop = crop
        self.fit = fit
        self.keeps = keeps
        self._turn = TURNS.get(camera.rotation)
        self._unturned_size = unturned(size, camera.rotation)
        # By whether the camera has cropped an image already, and turned it: which part of it is seen.
        left = {False: camera.crop, True: WHOLE}
        self._crops = {
            (cropped, turned): (
                _within(_back(outer, -camera.rotation % 360), crop)
                if turned
                else _within(outer, _back(crop, camera.rotation))
            )
            for cropped, outer in left.items()
            for turned in (False, True)
        }

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the view of an image, uint8 [height, width, 3] at any size, at the model's size."""
        part = _part(image, self._crops[False, False])
        return self._fitted(part, self._unturned_size, self._turn)

    def of_frame(self, frame: Frame, name: str = "") -> Frame:
        """Return the view, by its name, of a frame of any size and layout; what its camera has done is left out.

        An I420 image that needs nothing more stays as it is; every other becomes BGR.
        """
        seen = self._seen(frame, name)
        return replace(seen, original=frame) if self.keeps else seen

    def picture(self, frame: Frame) -> NDArray[np.uint8]:
        """Return what people may see of a frame, uint8 [height, width, 3] in BGR: cropped and upright, not shrunk.

        It is all that the settings cut out for this view, whatever of it the model sees.
        """
        image = in_bgr(frame).image
        if frame.encoded is not None and (whole := decoded(frame.encoded)) is not None:
            image = whole
        part = _part(image, self._crops[frame.cropped, frame.turned])
        return _turned(part, None if frame.turned else self._turn)

    def least(self) -> tuple[int, int]:
        """Return which width and height a whole image, as the camera gives it, needs so that nothing is enlarged."""
        _, _, width, height = self._crops[False, False]
        whole = width * self.camera.width, height * self.camera.height
        needed = self._unturned_size
        if self.fit == "letterbox":
            needed = between_bars((max(1, round(whole[0])), max(1, round(whole[1]))), needed)[2:]
        return math.ceil(needed[0] / width), math.ceil(needed[1] / height)

    def _seen(self, frame: Frame, name: str) -> Frame:
        turn = None if frame.turned else self._turn
        size = self.size if turn is None else self._unturned_size
        crop = self._crops[frame.cropped, frame.turned]
        if frame.layout is Layout.I420 and crop == WHOLE and turn is None and frame.size == size:
            return replace(frame, view=name) if name else frame
        image = self._fitted(_part(in_bgr(frame).image, crop), size, turn)
        return Frame(image, frame.exposed_ns, frame.entered_ns, view=name)

    def _fitted(self, part: NDArray[np.uint8], size: tuple[int, int], turn: int | None) -> NDArray[np.uint8]:
        """Turn a part of an image that becomes ``size``, width and height, before it is turned."""
        if self.fit == "letterbox":
            return self._between_bars(part, turn)
        if self.fit == "crop":
            x, y, width, height = greatest_middle((part.shape[1], part.shape[0]), size)
            part = part[y : y + height, x : x + width]
        return _turned(_shrunk(part, size), turn)

    def _between_bars(self, part: NDArray[np.uint8], turn: int | None) -> NDArray[np.uint8]:
        is_on_its_side = turn in (TURNS[90], TURNS[270])
        high, wide = part.shape[:2]
        x, y, width, height = between_bars((high, wide) if is_on_its_side else (wide, high), self.size)
        canvas = np.full((self.size[1], self.size[0], 3), BARS, np.uint8)
        place = canvas[y : y + height, x : x + width]
        if turn is None:
            _shrunk(part, (width, height), place)
        else:
            cv2.rotate(_shrunk(part, (height, width) if is_on_its_side else (width, height)), turn, place)
        return canvas


def in_bgr(frame: Frame) -> Frame:
    """Return a frame with its image in BGR."""
    if frame.layout is Layout.BGR:
        return frame
    return replace(frame, image=cv2.cvtColor(frame.image, cv2.COLOR_YUV2BGR_I420), layout=Layout.BGR)


def fit_of(camera: config.CameraSettings, look: config.ViewSettings, model: Fit) -> Fit:
    """How a picture is made to fit: as the settings of the view say, else the camera's, else as the model does."""
    return look.fit or camera.fit or model


def view_of(
    settings: config.Config, size: tuple[int, int], fit: Fit = "stretch", look: config.ViewSettings | None = None
) -> View:
    """Return what the settings want to be seen of the camera.

    Args:
        settings: all of them.
        size: the model's width and height.
        fit: as the model says.
        look: the settings of the view; the camera's first one, where none is named.
    """
    look = look or settings.looks[0]
    fit = fit_of(settings.camera, look, fit)
    return View(settings.camera, size, crop=look.crop, fit=fit, keeps=settings.privacy.snapshots)


def wanted_of(views: Sequence[View]) -> Wanted:
    """Return what a camera that scales and crops by itself is asked for, so that least is left to do for its views.

    That is what the model sees where there is one view of all that the settings cut out. Several views get a picture of
    all of it, no larger than they need. Where the picture is wanted for people too, it is as large as the camera's.
    """
    first = views[0]
    whole = whole_of(first.camera)
    needed = [view.least() for view in views]
    least = max(width for width, _ in needed), max(height for _, height in needed)
    if first.keeps:
        return replace(whole, least=least)
    if len(views) > 1 or first.crop != WHOLE:
        # As large as it must be for all of them, in the shape that it has, and no larger than it is.
        size = unturned(whole.size, first.camera.rotation)
        share = min(1.0, max(least[0] / first.camera.width, least[1] / first.camera.height))
        scaled = max(2, math.ceil(size[0] * share)), max(2, math.ceil(size[1] * share))
        return Wanted(unturned(scaled, first.camera.rotation), least=least)
    match first.fit:
        case "crop":
            return Wanted(first.size, narrows=True, least=least)
        case "letterbox":
            return Wanted(between_bars(whole.size, first.size)[2:], least=least)
        case _:
            return Wanted(first.size, least=least)


def whole_of(camera: config.CameraSettings) -> Wanted:
    """Return all that the settings cut out, as large as it is in images of the size that they name."""
    _, _, width, height = camera.crop
    size = max(2, round(width * camera.width)), max(2, round(height * camera.height))
    return Wanted(unturned(size, camera.rotation))


def unturned(size: tuple[int, int], rotation: int) -> tuple[int, int]:
    """Width and height before an image is turned by ``rotation`` degrees, from those after it."""
    return size if rotation in (0, 180) else size[::-1]


def _part(image: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """Cut a part out of an image, at least one pixel."""
    height, width = image.shape[:2]
    x, y, part_width, part_height = crop
    top, left = min(round(y * height), height - 1), min(round(x * width), width - 1)
    return image[top : top + max(1, round(part_height * height)), left : left + max(1, round(part_width * width))]


def _within(outer: Crop, inner: Crop) -> Crop:
    """A part of a part, as fractions of the whole."""
    return (
        outer[0] + inner[0] * outer[2],
        outer[1] + inner[1] * outer[3],
        outer[2] * inner[2],
        outer[3] * inner[3],
    )


def _back(crop: Crop, rotation: int) -> Crop:
    """Where a part of an image that was turned clockwise by ``rotation`` degrees lay before."""
    x, y, width, height = crop
    match rotation:
        case 90:
            return y, 1 - x - width, height, width
        case 180:
            return 1 - x - width, 1 - y - height, width, height
        case 270:
            return 1 - y - height, x, height, width
        case _:
            return crop


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
