"""A folder of images, shown one after the other like slides."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import cv2

from edgecam.camera.sources.source import Playback
from edgecam.errors import SourceFileError, in_words

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.frames import Frame

logger = logging.getLogger(__name__)

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
SLIDE_NS = 1_000_000_000


class ImageFolder:
    """The images of a folder in the order of their names, each for a second at ``camera.fps`` frames a second."""

    scales = False

    def __init__(self, camera: config.CameraSettings, folder: Path) -> None:
        """Show the images of ``folder``, over and over if ``camera.loop``."""
        self.name = str(folder)
        self.waits = not camera.realtime
        self._folder = folder
        self._loop = camera.loop
        self._count = max(1, round(camera.fps))

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        playback = Playback(realtime=not self.waits)
        shown = 0
        while not stop.is_set():
            before = shown
            for image in self._images():
                for number in range(self._count):
                    if stop.is_set():
                        return
                    yield playback.frame(image, shown * SLIDE_NS + number * SLIDE_NS // self._count, stop)
                shown += 1
            if shown == before:
                message = f"camera.source: {self.name}: no image in it that can be read{self._where_else()}"
                raise SourceFileError(message)
            if not self._loop:
                return

    def _where_else(self) -> str:
        """What to do about a folder without images that has others in it; empty: it has none."""
        folders = sorted(path for path in self._folder.iterdir() if path.is_dir())
        return f"; name a folder in it, such as {folders[0]}" if folders else ""

    def _images(self) -> Iterator[NDArray[np.uint8]]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            message = f"camera.source: {self.name}: {in_words(error)}"
            raise SourceFileError(message) from None
        for path in paths:
            try:
                image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            except cv2.error:  # more pixels than OpenCV's bound
                image = None
            if image is None:
                logger.warning("%s: not an image that can be read; left out", path)
            else:
                yield image
