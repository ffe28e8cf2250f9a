"""What all sources have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from edgecam.camera.frames import Frame

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

PLAUSIBLE_NS = 2_000_000_000


class Source(Protocol):
    """Gives frames, one after the other.

    Attributes:
        name: for logs; without passwords.
        waits: no frame may be lost: the source is read no faster than frames are taken.
        scales: its images have the size that the model wants, so that it must be opened anew for another one.
    """

    name: str
    waits: bool
    scales: bool

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """Open the source and give its frames until it ends or ``stop`` is set; closing the iterator releases it.

        Raises:
            SourceError: it cannot be opened, or no more frames come; later they may.
            SourceFileError: a file cannot be read.
        """


def exposure_ns(told_ns: int) -> int:
    """Return the time of exposure, in nanoseconds of the monotonic clock, that a camera tells, if it can be true.

    Otherwise it is now: the camera goes by another clock.
    """
    now_ns = time.monotonic_ns()
    return told_ns if 0 <= now_ns - told_ns < PLAUSIBLE_NS else now_ns


class Playback:
    """Times the frames of a file: by the clip's own clock, at its own speed if ``realtime``."""

    def __init__(self, *, realtime: bool) -> None:
        """Start the clip's clock now."""
        self._realtime = realtime
        self._start_ns = time.monotonic_ns()

    def frame(self, image: NDArray[np.uint8], position_ns: int, stop: threading.Event) -> Frame:
        """Make a frame of the image at a position of the clip; in real time, wait until it is due."""
        exposed_ns = self._start_ns + position_ns
        if not self._realtime:
            return Frame(image, exposed_ns, time.monotonic_ns())
        stop.wait((exposed_ns - time.monotonic_ns()) / 1e9)
        return Frame(image, exposed_ns, exposed_ns)
