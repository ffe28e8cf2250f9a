"""Where frames wait for the model."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgecam.camera.frames import Frame, Notice

if TYPE_CHECKING:
    from edgecam.camera.sources.source import Source
    from edgecam.camera.view import View


@dataclass(frozen=True, slots=True)
class Look:
    """How one view looks at a source.

    Attributes:
        view: what it shows of an image.
        name: of the view; empty where the camera has but one.
        every_ns: nanoseconds between two looks; 0: at each frame.
    """

    view: View
    name: str = ""
    every_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What is to be fed into the queue: frames of a source, as the views that are on look at it."""

    source: Source
    looks: tuple[Look, ...]

    def is_like(self, other: Feed) -> bool:
        """Whether both feed the same of the same source."""
        return self.source is other.source and self.looks == other.looks


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames since the start: ``captured = dropped + taken + waiting``."""

    captured: int
    dropped: int
    waiting: int


@dataclass(slots=True)
class _Tally:
    captured: int = 0
    dropped: int = 0
    waiting: int = 0
    turn: int = 0  # in which the view was served last


class FrameQueue:
    """A bounded queue from one capture thread to one inference worker.

    When it is full, the oldest frame is dropped and counted, so that latency never grows; where the source waits, the
    capture thread waits instead and nothing is lost. Of several views each has a place of its own, for its latest
    frame, and that one is served whose turn was the longest ago: so no view waits for a slow model of another one for
    longer than one inference.

    Notices stand in line with the frames and are never dropped: all that the inference worker is told goes this way,
    and no frame overtakes one. What is fed is exchanged together with the notice that tells of it, at one place in the
    line: what the capture thread made by the feed of before is not let in behind it.
    """

    def __init__(self, size: int, feed: Feed) -> None:
        """Hold up to ``size`` frames of ``feed``, or of several views one each."""
        self._size = size
        self._feed = feed
        self._items: deque[Frame | Notice] = deque()
        self._changed = threading.Condition()
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._turn = 0
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
            tally = self._tallies[item.view]
            if feed.source.waits:
                self._changed.wait_for(lambda: tally.waiting < self._most or self._closed or feed is not self._feed)
            if feed is not self._feed:
                return False
            tally.captured += 1
            if self._closed:
                tally.dropped += 1
                return True
            while tally.waiting >= self._most:
                self._drop_oldest(item.view)
            tally.waiting += 1
            return self._add(item)

    def give_up(self, view: str) -> None:
        """Count a frame of a view as dropped that was taken, as nobody looks at it any more."""
        with self._changed:
            self._tallies[view].dropped += 1

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
            item = self._next()
            if isinstance(item, Frame):
                self._turn += 1
                tally = self._tallies[item.view]
                tally.turn = self._turn
                tally.waiting -= 1
                self._changed.notify_all()
            return item

    def close(self, *, discard: bool = False) -> None:
        """Let nothing more in; what is waiting can still be taken unless it is discarded."""
        with self._changed:
            self._closed = True
            if discard:
                for tally in self._tallies.values():
                    tally.dropped += tally.waiting
                    tally.waiting = 0
                self._items.clear()
            self._changed.notify_all()

    def counts(self) -> Counts:
        """Return all counts of one moment, of all views."""
        with self._changed:
            tallies = self._tallies.values()
            return Counts(
                sum(tally.captured for tally in tallies),
                sum(tally.dropped for tally in tallies),
                sum(tally.waiting for tally in tallies),
            )

    def counts_of(self, view: str) -> Counts:
        """Return all counts of one moment, of one view."""
        with self._changed:
            tally = self._tallies[view]
            return Counts(tally.captured, tally.dropped, tally.waiting)

    @property
    def _most(self) -> int:
        """How many frames of a view may wait: of several, its latest one."""
        return self._size if len(self._feed.looks) <= 1 else 1

    def _add(self, item: Frame | Notice) -> bool:
        if not self._closed:
            self._items.append(item)
            self._changed.notify_all()
        return True

    def _next(self) -> Frame | Notice:
        """Take the first notice, or of the frames before it one of the view whose turn was the longest ago."""
        if len(self._items) == 1 or isinstance(self._items[0], Notice):
            return self._items.popleft()
        best, turn = 0, self._turn + 1
        for place, item in enumerate(self._items):
            if isinstance(item, Notice):
                break
            if self._tallies[item.view].turn < turn:
                best, turn = place, self._tallies[item.view].turn
        item = self._items[best]
        del self._items[best]
        return item

    def _drop_oldest(self, view: str) -> None:
        oldest = next(place for place, item in enumerate(self._items) if isinstance(item, Frame) and item.view == view)
        del self._items[oldest]
        tally = self._tallies[view]
        tally.waiting -= 1
        tally.dropped += 1
