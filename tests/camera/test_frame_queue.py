"""The queue between capture and inference."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgecam.camera.frame_queue import FrameQueue
from edgecam.camera.frames import CameraChange, Frame

PIXEL = np.zeros((1, 1, 3), np.uint8)
LOST = CameraChange(online=False, at_ns=0)
TIMEOUT_S = 10


def frame(number: int) -> Frame:
    return Frame(PIXEL, number, number)


def numbers(queue: FrameQueue) -> list[int | str]:
    """Close the queue and take what is left in it."""
    queue.close()
    items = iter(queue.get, None)
    return [item.exposed_ns if isinstance(item, Frame) else "change" for item in items]


def test_frames_come_out_in_order() -> None:
    queue = FrameQueue(3)
    for number in range(3):
        queue.put(frame(number))
    assert numbers(queue) == [0, 1, 2]


def test_when_full_the_oldest_frame_goes() -> None:
    queue = FrameQueue(2)
    for number in range(5):
        queue.put(frame(number))
    assert numbers(queue) == [3, 4]


def test_dropped_frames_are_counted() -> None:
    queue = FrameQueue(2)
    for number in range(5):
        queue.put(frame(number))
    counts = queue.counts()
    assert (counts.captured, counts.dropped, counts.waiting) == (5, 3, 2)


def test_a_change_of_the_camera_is_never_dropped_and_keeps_its_place() -> None:
    queue = FrameQueue(1)
    queue.put(frame(0))
    queue.put(LOST)
    queue.put(frame(1))
    queue.put(frame(2))
    assert numbers(queue) == ["change", 2]


def test_a_waiting_queue_loses_nothing() -> None:
    queue = FrameQueue(2, wait=True)

    def write() -> None:
        for number in range(100):
            queue.put(frame(number))
        queue.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(write)
        taken = list(iter(queue.get, None))
    assert [item.exposed_ns for item in taken if isinstance(item, Frame)] == list(range(100))


def test_closing_wakes_a_waiting_reader() -> None:
    queue = FrameQueue(2)
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(queue.get)
        queue.close()
        assert reader.result(TIMEOUT_S) is None


def test_closing_wakes_a_waiting_writer() -> None:
    queue = FrameQueue(1, wait=True)
    queue.put(frame(0))
    with ThreadPoolExecutor() as pool:
        writer = pool.submit(queue.put, frame(1))
        queue.close()
        writer.result(TIMEOUT_S)
    assert queue.counts().dropped == 1


def test_discarded_frames_count_as_dropped() -> None:
    queue = FrameQueue(5)
    for number in range(3):
        queue.put(frame(number))
    queue.close(discard=True)
    assert (queue.get(), queue.counts().dropped) == (None, 3)


class QueueModel(RuleBasedStateMachine):
    """Whatever is put and taken: the books balance, and order is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 3
        self.queue = FrameQueue(self.size)
        self.inside: deque[Frame] = deque()
        self.put = self.taken = self.dropped = 0
        self.closed = False

    @rule()
    def put_frame(self) -> None:
        self.put += 1
        item = frame(self.put)
        self.queue.put(item)
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
        self.queue.resize(size, wait=False)
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
