"""The queue between capture and inference."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgecam.camera.frame_queue import Counts, Feed, FrameQueue, Look
from edgecam.camera.frames import CameraChange, Frame, Rest
from tests.feeds import feed_of_camera, feed_of_files

PIXEL = np.zeros((1, 1, 3), np.uint8)
LOST = CameraChange(online=False, at_ns=0)
TIMEOUT_S = 10
CAMERA, FILES = feed_of_camera(), feed_of_files()


def frame(number: int) -> Frame:
    return Frame(PIXEL, number, number)


def numbers(queue: FrameQueue) -> list[int | str]:
    """Close the queue and take what is left in it."""
    queue.close()
    items = iter(queue.get, None)
    return [item.exposed_ns if isinstance(item, Frame) else "change" for item in items]


def test_frames_come_out_in_order() -> None:
    queue = FrameQueue(3, CAMERA)
    for number in range(3):
        queue.put(frame(number), CAMERA)
    assert numbers(queue) == [0, 1, 2]


def test_when_full_the_oldest_frame_goes() -> None:
    queue = FrameQueue(2, CAMERA)
    for number in range(5):
        queue.put(frame(number), CAMERA)
    assert numbers(queue) == [3, 4]


def test_dropped_frames_are_counted() -> None:
    queue = FrameQueue(2, CAMERA)
    for number in range(5):
        queue.put(frame(number), CAMERA)
    counts = queue.counts()
    assert (counts.captured, counts.dropped, counts.waiting) == (5, 3, 2)


def test_a_change_of_the_camera_is_never_dropped_and_keeps_its_place() -> None:
    queue = FrameQueue(1, CAMERA)
    queue.put(frame(0), CAMERA)
    queue.tell(LOST)
    queue.put(frame(1), CAMERA)
    queue.put(frame(2), CAMERA)
    assert numbers(queue) == ["change", 2]


def test_a_waiting_queue_loses_nothing() -> None:
    queue = FrameQueue(2, FILES)

    def write() -> None:
        for number in range(100):
            queue.put(frame(number), FILES)
        queue.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(write)
        taken = list(iter(queue.get, None))
    assert [item.exposed_ns for item in taken if isinstance(item, Frame)] == list(range(100))


def test_closing_wakes_a_waiting_reader() -> None:
    queue = FrameQueue(2, CAMERA)
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(queue.get)
        queue.close()
        assert reader.result(TIMEOUT_S) is None


def test_closing_wakes_a_waiting_writer() -> None:
    queue = FrameQueue(1, FILES)
    queue.put(frame(0), FILES)
    with ThreadPoolExecutor() as pool:
        writer = pool.submit(queue.put, frame(1), FILES)
        queue.close()
        writer.result(TIMEOUT_S)
    assert queue.counts().dropped == 1


def test_discarded_frames_count_as_dropped() -> None:
    queue = FrameQueue(5, CAMERA)
    for number in range(3):
        queue.put(frame(number), CAMERA)
    queue.close(discard=True)
    assert (queue.get(), queue.counts().dropped) == (None, 3)


class TestExchange:
    """Something else is to be fed."""

    def test_what_was_made_by_the_feed_of_before_stays_out(self) -> None:
        queue, other = FrameQueue(3, CAMERA), feed_of_camera()
        assert queue.put(frame(0), CAMERA)
        queue.exchange(other, LOST)
        assert not queue.put(frame(1), CAMERA)
        assert not queue.put(Rest(), CAMERA)
        assert queue.put(frame(2), other)
        assert queue.counts().captured == 2
        assert numbers(queue) == [0, "change", 2]

    def test_who_waits_to_put_a_frame_of_before_is_let_go(self) -> None:
        queue = FrameQueue(1, FILES)
        queue.put(frame(0), FILES)
        with ThreadPoolExecutor() as pool:
            writer = pool.submit(queue.put, frame(1), FILES)
            queue.exchange(CAMERA, LOST)
            assert writer.result(TIMEOUT_S) is False
        assert numbers(queue) == [0, "change"]

    def test_a_camera_drops_frames_that_a_file_waited_with(self) -> None:
        queue = FrameQueue(1, FILES)
        queue.put(frame(0), FILES)
        queue.exchange(CAMERA, LOST)
        queue.put(frame(1), CAMERA)
        assert numbers(queue) == ["change", 1]


class QueueModel(RuleBasedStateMachine):
    """Whatever is put and taken: the books balance, and order is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 3
        self.queue = FrameQueue(self.size, CAMERA)
        self.inside: deque[Frame] = deque()
        self.put = self.taken = self.dropped = 0
        self.closed = False
        self.feed = CAMERA

    @rule()
    def exchange(self) -> None:
        self.feed = feed_of_camera()
        self.queue.exchange(self.feed)

    @rule()
    def put_frame_of_before(self) -> None:
        assert not self.queue.put(frame(0), feed_of_camera())

    @rule()
    def put_frame(self) -> None:
        self.put += 1
        item = frame(self.put)
        assert self.queue.put(item, self.feed)
        if self.closed:
            self.dropped += 1
            return
        self.inside.append(item)
        while len(self.inside) > self.size:
            self.inside.popleft()
            self.dropped += 1

    @precondition(lambda self: self.inside or self.closed)
    @rule()
    def take(self) -> None:
        expected = self.inside.popleft() if self.inside else None
        self.taken += expected is not None
        assert self.queue.get() is expected

    @rule(size=st.integers(1, 5))
    def resize(self, size: int) -> None:
        self.queue.resize(size)
        self.size = size

    @rule(discard=st.booleans())
    def close(self, *, discard: bool) -> None:
        self.queue.close(discard=discard)
        self.closed = True
        if discard:
            self.dropped += len(self.inside)
            self.inside.clear()

    @invariant()
    def the_books_balance(self) -> None:
        counts = self.queue.counts()
        assert (counts.captured, counts.dropped, counts.waiting) == (self.put, self.dropped, len(self.inside))
        assert counts.captured == counts.dropped + self.taken + counts.waiting


TestQueueModel = pytest.mark.timeout(60)(QueueModel.TestCase)


def feed_of_views(*names: str, waits: bool = False) -> Feed:
    feed = FILES if waits else CAMERA
    return Feed(feed.source, tuple(Look(feed.looks[0].view, name) for name in names))


def seen(number: int, view: str) -> Frame:
    return Frame(PIXEL, number, number, view=view)


class TestSeveralViews:
    """Each has a place of its own, for its latest frame."""

    def test_the_latest_frame_of_each_waits(self) -> None:
        feed = feed_of_views("gate", "bin")
        queue = FrameQueue(2, feed)
        for number in range(3):
            queue.put(seen(number, "gate"), feed)
        queue.put(seen(0, "bin"), feed)
        assert numbers(queue) == [2, 0]
        assert queue.counts_of("gate") == Counts(captured=3, dropped=2, waiting=0)
        assert queue.counts() == Counts(captured=4, dropped=2, waiting=0)

    def test_the_one_is_served_whose_turn_was_the_longest_ago(self) -> None:
        feed = feed_of_views("slow", "fast")
        queue = FrameQueue(2, feed)
        served = []
        for number in range(6):
            for view in ("slow", "fast"):
                queue.put(seen(number, view), feed)
            item = queue.get()
            assert isinstance(item, Frame)
            served.append(item.view)
        assert served == ["slow", "fast"] * 3

    def test_no_frame_overtakes_a_notice(self) -> None:
        feed = feed_of_views("gate", "bin")
        queue = FrameQueue(2, feed)
        queue.put(seen(0, "gate"), feed)
        queue.get()
        queue.put(seen(1, "gate"), feed)
        queue.tell(LOST)
        queue.put(seen(2, "bin"), feed)  # its turn, but behind the notice
        assert numbers(queue) == [1, "change", 2]

    def test_a_frame_that_gives_way_stands_behind_the_notices(self) -> None:
        feed = feed_of_views("gate", "bin")
        queue = FrameQueue(2, feed)
        queue.put(seen(0, "gate"), feed)
        queue.tell(LOST)
        queue.put(seen(1, "gate"), feed)
        assert numbers(queue) == ["change", 1]

    def test_where_the_source_waits_each_view_loses_nothing(self) -> None:
        feed = feed_of_views("gate", "bin", waits=True)
        queue = FrameQueue(2, feed)

        def write() -> None:
            for number in range(100):
                for view in ("gate", "bin"):
                    queue.put(seen(number, view), feed)
            queue.close()

        with ThreadPoolExecutor() as pool:
            pool.submit(write)
            taken = [item for item in iter(queue.get, None) if isinstance(item, Frame)]
        for view in ("gate", "bin"):
            assert [item.exposed_ns for item in taken if item.view == view] == list(range(100))


class ViewsModel(RuleBasedStateMachine):
    """Whatever is put and taken of several views: each has its books, and none waits for two turns of another."""

    VIEWS = ("a", "b", "c")

    def __init__(self) -> None:
        super().__init__()
        self.feed = feed_of_views(*self.VIEWS)
        self.queue = FrameQueue(5, self.feed)
        self.line: list[Frame | CameraChange] = []
        self.put = dict.fromkeys(self.VIEWS, 0)
        self.taken = dict.fromkeys(self.VIEWS, 0)
        self.passed = dict.fromkeys(self.VIEWS, 0)  # turns of others while a frame of the view could be taken

    @rule(view=st.sampled_from(VIEWS))
    def put_frame(self, view: str) -> None:
        self.put[view] += 1
        frame = seen(self.put[view], view)
        assert self.queue.put(frame, self.feed)
        self.line = [item for item in self.line if not (isinstance(item, Frame) and item.view == view)] + [frame]

    @rule()
    def put_notice(self) -> None:
        self.queue.tell(LOST)
        self.line.append(LOST)

    @precondition(lambda self: self.line)
    @rule()
    def take(self) -> None:
        first = next((place for place, item in enumerate(self.line) if item is LOST), len(self.line))
        ready = [item for item in self.line[:first] if isinstance(item, Frame)]
        item = self.queue.get()
        if not ready:
            assert item is LOST
            del self.line[0]
            return
        assert any(item is each for each in ready)
        assert isinstance(item, Frame)
        self.line = [each for each in self.line if each is not item]
        self.taken[item.view] += 1
        for each in ready:
            self.passed[each.view] += each is not item
        self.passed[item.view] = 0
        assert max(self.passed.values()) < len(self.VIEWS)

    @invariant()
    def the_books_balance(self) -> None:
        for view in self.VIEWS:
            counts = self.queue.counts_of(view)
            waiting = sum(isinstance(item, Frame) and item.view == view for item in self.line)
            assert (counts.captured, counts.waiting) == (self.put[view], waiting)
            assert counts.captured == counts.dropped + self.taken[view] + counts.waiting


TestViewsModel = pytest.mark.timeout(60)(ViewsModel.TestCase)
