"""The first camera that is found: one of the Pi's own, else one with a V4L2 device."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edgecam.camera.sources.v4l2 import V4l2Camera, cameras
from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgecam import config
    from edgecam.camera.frames import Frame
    from edgecam.camera.sources.source import Source
    from edgecam.camera.view import Wanted

logger = logging.getLogger(__name__)


class AutomaticCamera:
    """Looks for a camera anew each time it is opened."""

    waits = False
    scales = True
    name = "auto"

    def __init__(self, camera: config.CameraSettings, wanted: Wanted) -> None:
        """Ask the camera for the size and rate of ``camera``, or for what is ``wanted`` where it scales by itself."""
        self._camera = camera
        self._wanted = wanted

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        source = self._found()
        logger.info("camera.source: auto: using %s", source.name)
        yield from source.frames(stop)

    def _found(self) -> Source:
        from edgecam.camera.sources.picamera2 import Picamera2Camera, number_of_cameras

        problem = "no camera found; plug one in or set camera.source"
        try:
            if number_of_cameras():
                return Picamera2Camera(self._camera, self._wanted)
        except SourceError as error:  # a broken Picamera2 is no reason to overlook a USB camera
            problem = f"no USB camera found, and no other: {error}"
        if devices := cameras():
            return V4l2Camera(self._camera, devices[0])
        raise SourceError(problem)
