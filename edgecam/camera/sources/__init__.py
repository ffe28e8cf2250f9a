"""Where frames come from: one kind of source a file, found by what ``camera.source`` looks like."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edgecam.addresses import shown
from edgecam.camera.view import whole_of
from edgecam.config.sections import SOURCES
from edgecam.errors import SourceFileError, in_words

if TYPE_CHECKING:
    from edgecam import config
    from edgecam.camera.sources.source import Source
    from edgecam.camera.sources.taken import Memory
    from edgecam.camera.view import Wanted

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
WEB = ("http", "https")
STREAMS = ("rtsp", "rtsps", "rtmp", "rtmps", "rtmpt", "rtmpts", "srt", "udp", "rtp", "tcp")
PICAMERA2 = re.compile(r"picamera2(:\d+)?")


def open_source(camera: config.CameraSettings, wanted: Wanted | None = None, memory: Memory | None = None) -> Source:
    """Return the source that ``camera.source`` names; a camera or stream need not be there yet.

    Args:
        camera: the settings.
        wanted: what a camera with an image processor of its own should give; without it all that the settings cut
            out.
        memory: of which camera ``auto`` took; without it the service's, if we are one.

    Raises:
        SourceFileError: a file or folder is not there, or nothing is known by that name.
    """
    name = camera.source
    wanted = wanted or whole_of(camera)
    if name == "auto":
        from edgecam.camera.sources.automatic import AutomaticCamera
        from edgecam.camera.sources.taken import memory_of_service

        return AutomaticCamera(camera, wanted, memory or memory_of_service())
    if PICAMERA2.fullmatch(name):
        from edgecam.camera.sources.picamera2 import Picamera2Camera

        return Picamera2Camera(camera, wanted)
    scheme = _scheme(name)
    if scheme in WEB:
        from edgecam.camera.sources.network import NetworkCamera

        return NetworkCamera(camera, wanted)
    if scheme in STREAMS:
        from edgecam.camera.sources.stream import Stream

        return Stream(camera)
    return _of_path(camera, wanted)


def _scheme(name: str) -> str:
    match = SCHEME.match(name)
    return match[1].lower() if match else ""


def _unknown(name: str) -> str:
    """What is wrong with what is neither there nor known, and what would be right."""
    if scheme := _scheme(name):
        return f"{scheme}:// is not known; expected {', '.join(f'{each}://' for each in (*WEB, *STREAMS))}"
    return f"no such file; expected {SOURCES}"


def _of_path(camera: config.CameraSettings, wanted: Wanted) -> Source:
    name = camera.source
    try:
        path = Path(name).expanduser()
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if name.startswith("/dev/"):  # a camera that is to be plugged in
            mode = stat.S_IFCHR
        else:
            message = f"camera.source: {shown(name)}: {_unknown(name)}"
            raise SourceFileError(message) from None
    except RuntimeError:
        message = f"camera.source: {shown(name)}: whose home directory that is cannot be told; write the path in full"
        raise SourceFileError(message) from None
    except OSError as error:
        message = f"camera.source: {shown(name)}: {in_words(error)}"
        raise SourceFileError(message) from None
    except ValueError:  # a zero byte
        message = f"camera.source: {shown(name)!a}: not a path"
        raise SourceFileError(message) from None
    if stat.S_ISDIR(mode):
        from edgecam.camera.sources.images import ImageFolder

        return ImageFolder(camera, path)
    if stat.S_ISCHR(mode):
        from edgecam.camera.sources.v4l2 import V4l2Camera

        return V4l2Camera(camera, str(path), wanted)
    from edgecam.camera.sources.video import VideoFile

    return VideoFile(camera, path)
