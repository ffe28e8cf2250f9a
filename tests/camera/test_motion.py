"""Inference rests while nothing changes, and never through a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.camera.motion import LINGER_NS, SPOTS, Motion
from tests import clips
from tests.broker import Mosquitto, Subscriber, events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.command import Daemon

SECOND_NS = 1_000_000_000
FRAME_NS = SECOND_NS // 25
SIDE = 7 * SPOTS  # as the usual models have it
THRESHOLD = 0.02
LEVELS = THRESHOLD * 255


def picture(brightness: int = 100) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3), brightness, np.uint8)


def spots(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(cv2.resize(image, (SPOTS, SPOTS), interpolation=cv2.INTER_AREA), np.int64)


def settled(image: NDArray[np.uint8]) -> tuple[Motion, int]:
    """A detector that rests on an image, and the time."""
    motion, now = Motion(config.MotionSettings(every=3600)), 0
    while motion.step(now, image):
        now += FRAME_NS
    return motion, now


STROKES = st.tuples(
    st.integers(0, SIDE - 1), st.integers(0, SIDE - 1), st.integers(1, SIDE), st.integers(0, 2), st.integers(-40, 40)
)


@given(st.lists(st.tuples(st.integers(0, 2 * SECOND_NS), STROKES), max_size=40), st.floats(0.1, 5))
def test_a_frame_at_which_it_rests_shows_what_was_looked_at_not_long_ago(
    steps: list[tuple[int, tuple[int, int, int, int, int]]], every: float
) -> None:
    motion = Motion(config.MotionSettings(threshold=THRESHOLD, every=every))
    image, now = picture().astype(int), 0
    looked: list[tuple[int, NDArray[np.int64]]] = []
    for wait_ns, (x, y, size, channel, change) in steps:
        now += wait_ns
        image[y : y + size, x : x + size, channel] += change
        seen = spots(np.clip(image, 0, 255).astype(np.uint8))
        if motion.step(now, np.clip(image, 0, 255).astype(np.uint8)):
            looked.append((now, seen))
        else:
            assert now - looked[-1][0] < every * SECOND_NS
            assert any(np.abs(seen - then).max() <= LEVELS for _, then in looked)


@given(st.integers(0, SIDE - 7), st.integers(0, SIDE - 7), st.sampled_from([-1, 1]), st.integers(0, 2))
def test_a_change_in_any_spot_is_looked_at_in_the_same_frame(x: int, y: int, sign: int, channel: int) -> None:
    motion, now = settled(picture())
    changed = picture()
    changed[y : y + 7, x : x + 7, channel] = 100 + sign * round(5 * LEVELS)
    assert motion.step(now + FRAME_NS, changed)


@given(st.integers(1, 3), st.sampled_from([-1, 1]))
def test_a_change_that_is_slow_is_looked_at_when_it_has_added_up(step: int, sign: int) -> None:
    motion, now = settled(picture())
    looks = [motion.step(now + number * FRAME_NS, picture(100 + sign * number * step)) for number in range(1, 20)]
    assert looks.index(True) + 1 == LEVELS // step + 1


def test_it_looks_on_for_a_while_after_a_change() -> None:
    motion, now = settled(picture())
    looks = [motion.step(now + number * FRAME_NS, picture(200)) for number in range(60)]
    assert looks == [number * FRAME_NS < LINGER_NS for number in range(60)]


def test_noise_of_a_sensor_is_no_change() -> None:
    noise = np.random.default_rng(0)
    motion, now = settled(picture())
    for number in range(100):
        noisy = np.clip(noise.normal(100, 4, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        assert not motion.step(now + number * FRAME_NS, noisy)


def test_it_looks_every_so_often_at_what_does_not_change() -> None:
    motion = Motion(config.MotionSettings(every=5))
    looks = [number for number in range(600) if motion.step(number * FRAME_NS, picture())]
    assert {*np.diff(looks)} == {1, 5 * SECOND_NS // FRAME_NS}


@given(
    st.lists(st.tuples(st.integers(0, 10**14), st.integers(0, 255)), max_size=10),
    st.lists(st.tuples(st.integers(0, 10**11), st.integers(0, 255)), max_size=10),
)
def test_after_a_beginning_it_is_as_good_as_new(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> None:
    """Though the clock of the next source is behind."""
    motion, new = (Motion(config.MotionSettings()) for _ in range(2))
    for time_ns, brightness in sorted(before):
        motion.step(time_ns, picture(brightness))
    motion.begin()
    steps = [(time_ns, picture(brightness)) for time_ns, brightness in sorted(after)]
    assert [motion.step(*step) for step in steps] == [new.step(*step) for step in steps]


def play(
    mosquitto: Mosquitto, start_daemon: Callable[..., Daemon], clip: Path, model: Path, **settings: Any
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Events of a clip, without what differs from run to run, and how many frames there were."""
    with Subscriber(mosquitto.port) as subscriber:
        options = {"mqtt.port": mosquitto.port, "camera.source": clip, "model.path": model}
        start_daemon(options | {f"motion.{key}": value for key, value in settings.items()}).wait()
        subscriber.wait_for(lambda each: each.payload == b"offline" and not each.retain)
        messages = [message for message in subscriber.seen if not message.retain]
    frames = [message.json["frames"] for message in messages if message.topic.endswith("/stats")][-1]
    names = ("type", "label", "score", "top_score", "top")
    return [{name: event[name] for name in names} for event in events(messages)], frames


def test_events_are_the_same_while_inference_rests(
    mosquitto: Mosquitto, start_daemon: Callable[..., Daemon], tmp_path: Path, colour_model: Path
) -> None:
    scenes = [("grey", 90), ("red", 120), ("grey", 90), ("green", 120), ("dim red", 90)]
    clip = clips.write(tmp_path / "scenes.avi", scenes)
    every, frames = play(mosquitto, start_daemon, clip, colour_model)
    rested, resting = play(mosquitto, start_daemon, clip, colour_model, enabled="true")
    assert rested == every
    assert len(every) >= 4
    assert "rested" not in frames
    assert resting["rested"] > 0.6 * resting["classified"]
