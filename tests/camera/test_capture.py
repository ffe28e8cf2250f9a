"""The capture thread, as what it is to read changes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgecam.camera.capture import Capture
from edgecam.camera.frame_queue import Feed, FrameQueue, Look
from edgecam.camera.frames import CameraChange, Frame, Layout, Notice, Passed
from edgecam.camera.view import View
from edgecam.config import CameraSettings
from edgecam.device.heat import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

WAIT_S = 20.0
VIEW = View(CameraSettings(), (8, 8))


class Clip:
    """A source of as many frames as are wanted, none of which may be lost."""

    waits = True
    scales = False

    def __init__(self, name: str, first: int) -> None:
        self.name = name
        self._first = first

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        number = self._first
        while not stop.is_set():
            yield Frame(np.zeros((8, 8, 3), np.uint8), number, number)
            number += 1


class Running:
    """A capture thread, of which every item is taken one by one."""

    def __init__(self) -> None:
        self.queue = FrameQueue(1, Feed(Clip("first", 0), (Look(VIEW),)))
        self.capture = Capture(self.queue, Pace())
        self._thread = threading.Thread(target=self.capture.run)
        self._thread.start()

    def until(self, is_wanted: Callable[[Frame | Notice | None], bool]) -> list[Frame | Notice | None]:
        taken = []
        while True:
            taken.append(item := self.queue.get(WAIT_S))
            if is_wanted(item):
                return taken

    def end(self) -> None:
        self.capture.stop()
        self.queue.close(discard=True)
        self._thread.join()


@pytest.fixture
def running() -> Generator[Running, None, None]:
    made = Running()
    yield made
    made.end()


def is_frame(number: int) -> Callable[[Frame | Notice | None], bool]:
    return lambda item: isinstance(item, Frame) and item.exposed_ns == number


def test_a_source_that_is_read_already_is_not_begun_anew(running: Running) -> None:
    running.until(is_frame(2))
    running.queue.exchange(Feed(Clip("second", 1000), (Look(VIEW),)))
    running.until(is_frame(1002))
    running.capture.follow()  # told late, as the thread saw it by itself
    after = running.until(is_frame(1010))
    assert not [item for item in after if isinstance(item, CameraChange)]


SECOND_NS = 1_000_000_000


class Camera(Clip):
    """One whose image processor gives I420, ten frames a second."""

    def frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        for frame in super().frames(stop):
            at_ns = frame.exposed_ns * SECOND_NS // 10
            yield Frame(np.full((12, 8), 128, np.uint8), at_ns, at_ns, Layout.I420, cropped=True, turned=True)


class TestSeveralViews:
    """Each gets what it sees of a frame, when it is due."""

    def test_a_frame_is_converted_once_for_all_that_are_due(self, running: Running) -> None:
        left, right = (View(CameraSettings(), (8, 8), crop=(x, 0.0, 0.5, 1.0), keeps=True) for x in (0.0, 0.5))
        running.queue.exchange(Feed(Camera("both", 1), (Look(left, "left"), Look(right, "right"))))
        taken = running.until(lambda item: isinstance(item, Frame) and item.view == "right")
        one, other = (item for item in taken[-2:] if isinstance(item, Frame))
        assert (one.view, other.view, one.exposed_ns) == ("left", "right", other.exposed_ns)
        assert one.original is other.original
        assert one.original
        assert one.original.layout is Layout.BGR

    def test_who_is_not_due_gets_none_and_others_all(self, running: Running) -> None:
        looks = (Look(VIEW, "often"), Look(VIEW, "seldom", SECOND_NS))
        running.queue.exchange(Feed(Camera("two", 1), looks))
        taken = running.until(lambda item: isinstance(item, Frame) and item.exposed_ns >= 3 * SECOND_NS)
        frames = [item for item in taken if isinstance(item, Frame) and item.view]
        assert [frame.exposed_ns for frame in frames if frame.view == "often"] == [
            number * SECOND_NS // 10 for number in range(1, 31)
        ]
        assert [frame.exposed_ns for frame in frames if frame.view == "seldom"] == [
            number * SECOND_NS // 10 for number in (1, 11, 21)
        ]

    def test_while_no_view_looks_it_is_told_that_frames_come(self, running: Running) -> None:
        running.queue.exchange(Feed(Camera("seldom", 1), (Look(VIEW, "seldom", 3600 * SECOND_NS),)))
        running.until(lambda item: isinstance(item, Passed))


class Broken:
    """A source whose images are no images."""

    waits = True
    scales = True
    name = "broken"

    def frames(self, _stop: threading.Event) -> Generator[Frame, None, None]:
        yield Frame(np.zeros((7, 9), np.uint8), 1, 1, Layout.I420)


@pytest.mark.parametrize("views", [1, 2])
def test_an_image_that_cannot_be_used_is_a_lost_camera(views: int) -> None:
    queue = FrameQueue(1, Feed(Broken(), tuple(Look(VIEW, name) for name in "ab"[:views])))
    capture = Capture(queue, Pace())
    thread = threading.Thread(target=capture.run)
    thread.start()
    told = [queue.get(WAIT_S), queue.get(WAIT_S)]
    capture.stop()
    thread.join()
    assert [item.online for item in told if isinstance(item, CameraChange)] == [True, False]
