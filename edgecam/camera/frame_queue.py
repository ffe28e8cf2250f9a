"""Where frames wait for the model."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.camera.frames import Frame, Notice

if TYPE_CHECKING:
    from edgecam.camera.sources.source import Source
    from edgecam.camera.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What is to be fed into the queue: frames of a source, as a view shows them."""

    source: Source
    view: View


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames since the start: ``captured = dropped + taken + waiting``."""

    captured: int
    dropped: int
    waiting: int


class FrameQueue:
    """A bounded queue from one capture thread to one inference worker.

    When it is full, the oldest frame is dropped and counted, so that latency never grows; where the source waits, the
    capture thread waits instead and nothing is lost.

    Notices stand in line with the frames and are never dropped: all that the inference worker is told goes this way.
    What is fed is exchanged together with the notice that tells of it, at one place in the line: what the capture
    thread made by the feed of before is not let in behind it.
    """

    def __init__(self, size: int, feed: Feed) -> None:
        """Hold up to ``size`` frames of ``feed``."""
        self._size = size
        self._feed = feed
        self._items: deque[Frame | Notice] = deque()
        self._changed = threading.Condition()
        self._frames = 0
        self._captured = 0
        self._dropped = 0
        self._closed = False

    @property
    def feed(self) -> Feed:
        """What is to be fed now."""
        return self._feed

    def resize(self, size: int) -> None:
        """Hold another number of frames; those that are too many are dropped with the next one."""
        with self._changed:
            self._size = size
            self._changed.notify_all()

    def put(self, item: Frame | Notice, feed: Feed) -> bool:
        """Add what the capture thread has made of ``feed``; return whether that is what is to be fed.

        If it is not, nothing was added. A frame put into a closed queue counts as dropped.
        """
        with self._changed:
            if isinstance(item, Notice):
                return feed is self._feed and self._add(item)
            if feed.source.waits:
                self._changed.wait_for(lambda: self._frames < self._size or self._closed or feed is not self._feed)
            if feed is not self._feed:
                return False
            self._captured += 1
            if self._closed:
                self._dropped += 1
                return True
            while self._frames >= self._size:
                self._drop_oldest()
            self._frames += 1
            return self._add(item)

    def tell(self, *notices: Notice) -> None:
        """Add notices behind all that is there."""
        with self._changed:
            for notice in notices:
                self._add(notice)

    def exchange(self, feed: Feed, *notices: Notice) -> None:
        """Let only what is made of another feed in from now on, behind notices that tell of it."""
        with self._changed:
            self._feed = feed
            for notice in notices:
                self._add(notice)
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

    def _add(self, item: Frame | Notice) -> bool:
        if not self._closed:
            self._items.append(item)
            self._changed.notify_all()
        return True

    def _drop_oldest(self) -> None:
        oldest = next(place for place, item in enumerate(self._items) if isinstance(item, Frame))
        del self._items[oldest]
        self._frames -= 1
        self._dropped += 1
