"""A folder of images, shown one after the other like slides."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edgecam.camera.pictures import pictures_in, read_picture
from edgecam.camera.sources.playback import Playback, Step
from edgecam.errors import SourceFileError, in_words

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgecam import config
    from edgecam.camera.frames import Frame

logger = logging.getLogger(__name__)

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
        self._told: set[Path] = set()  # those that could not be read

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        playback = Playback(realtime=not self.waits)
        slide = first = 0
        while not stop.is_set():
            paths = self._paths()
            unread = 0
            for path in paths:
                if stop.is_set():
                    return
                if slide >= first:
                    image = self._read(path)
                    if image is None:
                        unread += 1
                    else:
                        first = yield from self._shown(image, slide, playback, stop)
                slide += 1
            if unread == len(paths):
                message = f"camera.source: {self.name}: no image in it that can be read{self._where_else()}"
                raise SourceFileError(message)
            if not self._loop:
                return

    def _shown(
        self, image: NDArray[np.uint8], slide: int, playback: Playback, stop: threading.Event
    ) -> Generator[Frame, None, int]:
        """Give the frames of an image; returns the number of the slide with which to go on."""
        for number in range(self._count):
            if stop.is_set():
                break
            position_ns = slide * SLIDE_NS + number * SLIDE_NS // self._count
            now_ns = time.monotonic_ns()
            match playback.step(position_ns, now_ns):
                case Step.SHOW:
                    yield playback.frame(image, position_ns, stop)
                case Step.JUMP:
                    target = playback.target_ns(now_ns) // SLIDE_NS
                    if target > slide:
                        return target
        return slide + 1

    def _where_else(self) -> str:
        """What to do about a folder without images that has others in it; empty: it has none."""
        folders = sorted(path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        fitting = next(filter(pictures_in, folders), None)
        return f"; name a folder in it, such as {fitting}" if fitting else ""

    def _paths(self) -> list[Path]:
        try:
            return pictures_in(self._folder)
        except OSError as error:
            message = f"camera.source: {self.name}: {in_words(error)}"
            raise SourceFileError(message) from None

    def _read(self, path: Path) -> NDArray[np.uint8] | None:
        """Read an image; None, and one warning, where that cannot be done."""
        image = read_picture(path)
        if image is None and path not in self._told:
            logger.warning("%s: not an image that can be read; left out", path)
            self._told.add(path)
        return image
