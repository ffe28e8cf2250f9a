"""The queue between capture and inference."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgecam.camera.frame_queue import FrameQueue
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
