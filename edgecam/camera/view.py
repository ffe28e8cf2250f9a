"""The part of a camera's image that the model sees, turned upright and at the model's size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.frames import Layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.frames import Frame

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class View:
    """Crops, shrinks and turns images; the crop is stretched to the model's size, as MediaPipe and the trainer do."""

    def __init__(self, camera: config.CameraSettings, size: tuple[int, int], *, keeps: bool = False) -> None:
        """Show images at ``size`` (width, height); ``keeps``: with each view goes the frame that it is of."""
        self._keeps = keeps
        self._crop = camera.crop
        self._turn = TURNS.get(camera.rotation)
        self._size = size
        self._unturned_size = unturned(size, camera.rotation)

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the view of an image, uint8 [height, width, 3] at any size, at the model's size."""
        return _turned(_shrunk(self._part(image), self._unturned_size), self._turn)

    def of_frame(self, frame: Frame) -> Frame:
        """Return the view of a frame of any size and layout; what its camera has done already is left out.

        An I420 image that needs nothing more stays as it is; every other becomes BGR.
        """
        seen = self._seen(frame)
        return replace(seen, original=frame) if self._keeps else seen

    def picture(self, frame: Frame) -> NDArray[np.uint8]:
        """Return what people may see of a frame, uint8 [height, width, 3] in BGR: cropped and upright, not shrunk."""
        image = frame.image
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
        image = _turned(_shrunk(image if frame.cropped else self._part(image), size), turn)
        return replace(frame, image=image, layout=Layout.BGR)

    def _part(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        x, y, part_width, part_height = self._crop
        top, left = min(round(y * height), height - 1), min(round(x * width), width - 1)
        return image[top : top + max(1, round(part_height * height)), left : left + max(1, round(part_width * width))]


def view_of(settings: config.Config, size: tuple[int, int]) -> View:
    """Return the view of the camera, at the model's size (width, height), that the settings want."""
    return View(settings.camera, size, keeps=settings.privacy.snapshots)


def native_size(settings: config.Config, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height, upright, to which a camera should scale what it crops.

    This is ``size``, the model's, unless the picture is wanted for people too.
    """
    if not settings.privacy.snapshots:
        return size
    camera = settings.camera
    _, _, width, height = camera.crop
    return unturned((max(2, round(width * camera.width)), max(2, round(height * camera.height))), camera.rotation)


def unturned(size: tuple[int, int], rotation: int) -> tuple[int, int]:
    """Width and height before an image is turned by ``rotation`` degrees, from those after it."""
    return size if rotation in (0, 180) else size[::-1]


def _shrunk(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    # Halving by areas keeps fine patterns from aliasing, at a tenth of the cost of shrinking by areas in one go.
    while image.shape[0] >= 2 * size[1] and image.shape[1] >= 2 * size[0]:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
    shrunk: NDArray[np.uint8] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return shrunk


def _turned(image: NDArray[np.uint8], turn: int | None) -> NDArray[np.uint8]:
    if turn is None:
        return image
    turned: NDArray[np.uint8] = cv2.rotate(image, turn)
    return turned
