"""The first camera that is free: one of the Pi's own, else one with a V4L2 device; and the same one ever after."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.sources.devices import by_place, cameras
from edgecam.camera.sources.taken import GONE_S, Memory, to_try
from edgecam.camera.sources.v4l2 import V4l2Camera
from edgecam.errors import SourceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator

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

    def __init__(self, camera: config.CameraSettings, wanted: Wanted, memory: Memory) -> None:
        """Ask the camera for the size and rate of ``camera``, or for what is ``wanted`` where it scales by itself.

        ``memory`` says which one to take, and learns which was taken.
        """
        self._camera = camera
        self._wanted = wanted
        self._memory = memory
        self._there_s = time.monotonic()  # when the one that was taken was last there

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """See `Source`."""
        found, problem = self._found()
        mine, others = self._memory.mine, self._memory.others
        if mine in found:
            self._there_s = time.monotonic()
        places = to_try(found, mine, others, time.monotonic() - self._there_s)
        problems = []
        for place in places:
            source = found[place]()
            with closing(source.frames(stop)) as frames:
                try:
                    first = next(frames, None)
                except SourceError as error:
                    problems.append(f"{source.name}: {error}")
                    continue
                if first is None:  # we are to stop
                    return
                self._take(place, source, mine)
                yield first
                del first
                yield from frames
                return
        if problems:
            raise SourceError(", ".join(problems))
        if mine:
            raise SourceError(_missing(mine, others & found.keys()))
        raise SourceError(problem)

    def _take(self, place: str, source: Source, mine: str) -> None:
        self._there_s = time.monotonic()
        instead = f", as the one at {mine} was gone for {GONE_S:.0f} s" if mine and mine != place else ""
        logger.info("camera.source: auto: using %s, at %s%s", source.name, place, instead)
        self._memory.take(place)

    def _found(self) -> tuple[dict[str, Callable[[], Source]], str]:
        """How to open each camera that is there, by its place, the best first; and what to say where there is none."""
        from edgecam.camera.sources.picamera2 import own_cameras

        found: dict[str, Callable[[], Source]] = {}
        problem = "no camera found; plug one in or set camera.source"
        try:
            found.update({place: partial(self._own, number) for place, number in own_cameras()})
        except SourceError as error:  # a broken Picamera2 is no reason to overlook a USB camera
            problem = f"no USB camera found, and no other: {error}"
        for place, device in by_place(cameras()).items():
            found[place] = partial(V4l2Camera, self._camera, device.path, self._wanted)
        return found, problem

    def _own(self, number: int) -> Source:
        from edgecam.camera.sources.picamera2 import Picamera2Camera

        return Picamera2Camera(msgspec.structs.replace(self._camera, source=f"picamera2:{number}"), self._wanted)


def _missing(mine: str, of_others: frozenset[str]) -> str:
    there = f" (what is there is another instance's: {', '.join(sorted(of_others))})" if of_others else ""
    return (
        f"the camera that was taken first, at {mine}, is not there{there}; plug it in there again, plug another one in "
        f"(it is taken after {GONE_S:.0f} s), or name one in camera.source"
    )
