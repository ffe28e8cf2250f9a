"""What may be fed into a queue of frames."""

from __future__ import annotations

from pathlib import Path

from edgecam.camera.frame_queue import Feed, Look
from edgecam.camera.sources.images import ImageFolder
from edgecam.camera.sources.v4l2 import V4l2Camera
from edgecam.camera.view import View
from edgecam.config import CameraSettings

SIZE = 8, 8


def feed_of_camera() -> Feed:
    """Return what waits for nobody."""
    camera = CameraSettings(source="/dev/video0")
    return Feed(V4l2Camera(camera), (Look(View(camera, SIZE)),))


def feed_of_files() -> Feed:
    """Return what waits for the model, so that no frame is lost."""
    camera = CameraSettings(source=".")
    return Feed(ImageFolder(camera, Path()), (Look(View(camera, SIZE)),))
