"""Where frames wait for the model."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from edgecam.camera.frames import Frame, Notice


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames since the start: ``captured = dropped + taken + waiting``."""

    captured: int
    dropped: int
    waiting: int


class FrameQueue:
    """A bounded queue from one capture thread to one inference worker.

    When it is full, the oldest frame is dropped and counted, so that latency never grows; with ``wait`` the capture
    thread waits instead and nothing is lost. Notices stand in line with the frames and are never dropped.
    """

    def __init__(self, size: int, *, wait: bool = False) -> None:
        """Hold up to ``size`` frames."""
        self._size = size
        self._wait = wait
        self._items: deque[Frame | Notice] = deque()
        self._changed = threading.Condition()
        self._frames = 0
        self._captured = 0
        self._dropped = 0
        self._closed = False

    def resize(self, size: int, *, wait: bool) -> None:
        """Take over other settings; frames that are too many are dropped with the next one."""
        with self._changed:
            self._size, self._wait = size, wait
            self._changed.notify_all()

    def put(self, item: Frame | Notice) -> None:
        """Add a frame or a notice; a frame put into a closed queue counts as dropped."""
        with self._changed:
            if isinstance(item, Frame):
                self._captured += 1
                if self._wait:
                    self._changed.wait_for(lambda: self._frames < self._size or self._closed)
                if self._closed:
                    self._dropped += 1
                    return
                while self._frames >= self._size:
                    self._drop_oldest()
                self._frames += 1
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> Frame | Notice | None:
        """Wait for the next item; None when the queue is closed and empty.

        Raises:
            TimeoutError: nothing came for ``timeout_s`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, timeout_s):
                raise TimeoutError
            if not self._items:
                return None
            item = self._items.popleft()
            if isinstance(item, Frame):
                self._frames -= 1
                self._changed.notify_all()
            return item

    def close(self, *, discard: bool = False) -> None:
        """Let nothing more in; what is waiting can still be taken unless it is discarded."""
        with self._changed:
            self._closed = True
            if discard:
                self._dropped += self._frames
                self._frames = 0
                self._items.clear()
            self._changed.notify_all()

    def counts(self) -> Counts:
        """Return all counts of one moment."""
        with self._changed:
            return Counts(self._captured, self._dropped, self._frames)

    def _drop_oldest(self) -> None:
        oldest = next(place for place, item in enumerate(self._items) if isinstance(item, Frame))
        del self._items[oldest]
        self._frames -= 1
        self._dropped += 1
