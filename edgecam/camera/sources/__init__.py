"""Where frames come from: one kind of source a file, found by what ``camera.source`` looks like."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgecam.addresses import shown
from edgecam.errors import SourceFileError

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.camera.sources.source import Source

STREAM = re.compile(r"(rtsps?|https?)://", re.IGNORECASE)
PICAMERA2 = re.compile(r"picamera2(:\d+)?")


def open_source(camera: config.CameraSettings, size: tuple[int, int] | None = None) -> Source:
    """Return the source that ``camera.source`` names; a camera or stream need not be there yet.

    Args:
        camera: the settings.
        size: width and height that a camera with an image processor of its own should scale to; without it those of
            the settings.

    Raises:
        SourceFileError: a file or folder is not there, or nothing is known by that name.
    """
    name = camera.source
    size = size or (camera.width, camera.height)
    if name == "auto":
        from edgecam.camera.sources.automatic import AutomaticCamera

        return AutomaticCamera(camera, size)
    if PICAMERA2.fullmatch(name):
        from edgecam.camera.sources.picamera2 import Picamera2Camera

        return Picamera2Camera(camera, size)
    if name.startswith("/dev/"):
        from edgecam.camera.sources.v4l2 import V4l2Camera

        return V4l2Camera(camera)
    if STREAM.match(name):
        from edgecam.camera.sources.stream import Stream

        return Stream(camera)
    path = Path(name).expanduser()
    if path.is_dir():
        from edgecam.camera.sources.images import ImageFolder

        return ImageFolder(camera, path)
    if path.exists():
        from edgecam.camera.sources.video import VideoFile

        return VideoFile(camera, path)
    message = (
        f"camera.source: {shown(name)}: no such file; expected auto, picamera2, /dev/video0, rtsp://..., a video or a "
        "folder of images"
    )
    raise SourceFileError(message)
