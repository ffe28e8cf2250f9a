"""When a frame of a file is shown: by the clip's own clock, and in real time never long after it was due."""

from __future__ import annotations

import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from edgecam.camera.frames import Frame

if TYPE_CHECKING:
    import threading

    import numpy as np
    from numpy.typing import NDArray

LATE_NS = 100_000_000  # more than a scheduler's whim: frames are left out until it is made up
BEHIND_NS = 1_000_000_000  # more than leaving out frames makes up: the clip's position moves on
GAP_NS = 100_000_000  # so long at most nothing is shown, however late
LEAD_NS = 300_000_000  # a jump aims so far ahead, as it takes time itself


class Step(Enum):
    """What to do with the frame at a position of the clip."""

    SHOW = auto()
    LEAVE_OUT = auto()
    JUMP = auto()
    """Leave it out, and go on from `Playback.target_ns`, as near as the file lets."""


class Playback:
    """Times the frames of a file: by the clip's own clock, at its own speed if ``realtime``.

    The clip's clock starts with its first frame; a frame's exposure is that start plus its position in the clip, at any
    speed of reading. In real time a file is like a camera: what is read too late is lost and not counted, as are frames
    that a camera loses itself, and what is shown is at most ``BEHIND_NS`` late. What even a jump does not make up, as
    in a file in which none can be made, is made up by playing the rest later: it is due so much after its exposure.
    """

    def __init__(self, *, realtime: bool) -> None:
        """Wait for the first frame; all times are in nanoseconds of the monotonic clock."""
        self._realtime = realtime
        self._start_ns: int | None = None
        self._delay_ns = 0
        self._shown_ns = 0
        self._has_jumped = False

    def due_ns(self, position_ns: int) -> int:
        """Return when a position of the clip is due, in real time."""
        return self._exposed_ns(position_ns) + self._delay_ns

    def target_ns(self, now_ns: int) -> int:
        """Return the position of the clip from which to go on after a jump."""
        return now_ns - self.due_ns(0) + LEAD_NS

    def step(self, position_ns: int, now_ns: int) -> Step:
        """Tell what to do with the frame at a position of the clip, which has just been reached.

        Args:
            position_ns: where in the clip it stands.
            now_ns: the time.
        """
        if self._start_ns is None:
            self._start_ns = now_ns - position_ns
        late_ns = now_ns - self.due_ns(position_ns) if self._realtime else 0
        if late_ns > BEHIND_NS:
            if not self._has_jumped:
                self._has_jumped = True
                return Step.JUMP
            self._delay_ns += late_ns
        elif late_ns > LATE_NS and not self._has_jumped and now_ns - self._shown_ns < GAP_NS:
            return Step.LEAVE_OUT
        self._has_jumped = False
        self._shown_ns = now_ns
        return Step.SHOW

    def frame(self, image: NDArray[np.uint8], position_ns: int, stop: threading.Event) -> Frame:
        """Make a frame of the image at a position of the clip; in real time, wait until it is due."""
        exposed_ns = self._exposed_ns(position_ns)
        if not self._realtime:
            return Frame(image, exposed_ns, time.monotonic_ns())
        due_ns = self.due_ns(position_ns)
        stop.wait((due_ns - time.monotonic_ns()) / 1e9)
        return Frame(image, exposed_ns, due_ns)

    def _exposed_ns(self, position_ns: int) -> int:
        return (self._start_ns or 0) + position_ns
