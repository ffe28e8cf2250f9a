"""What all sources have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgecam.camera.frames import Frame

NO_FRAME_S = 5.0
PATIENCE_FRAMES = 5  # to open a stream takes two of them
LONGEST_S = 86_400.0
PLAUSIBLE_NS = 2_000_000_000


class Source(Protocol):
    """Gives frames, one after the other.

    Attributes:
        name: for logs; without passwords.
        waits: no frame may be lost: the source is read no faster than frames are taken.
        scales: its images are made as they are wanted, so that it must be opened anew for others.
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


def patience_s(fps: float) -> float:
    """Return for how many seconds a camera of ``fps`` frames a second may give none until it counts as lost.

    A slow one is waited for as long as some of its frames take, none longer than a day.
    """
    return min(max(NO_FRAME_S, PATIENCE_FRAMES / fps), LONGEST_S)


def exposure_ns(told_ns: int) -> int:
    """Return the time of exposure, in nanoseconds of the monotonic clock, that a camera tells, if it can be true.

    Otherwise it is now: the camera goes by another clock.
    """
    now_ns = time.monotonic_ns()
    return told_ns if 0 <= now_ns - told_ns < PLAUSIBLE_NS else now_ns
