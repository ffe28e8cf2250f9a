"""Pictures of events: only where they are allowed, the best one, and small."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.fit import Fit
from edgecam.camera.frames import Frame, Layout
from edgecam.camera.jpeg import BYTES, SIDE, jpeg
from edgecam.camera.view import View, Wanted, view_of, wanted_of
from edgecam.config import CameraSettings, Config, EventsSettings, PrivacySettings
from edgecam.events.answers import AnswerTracker
from edgecam.events.snapshots import Snapshot, Snapshots
from edgecam.events.tracker import EventTracker
from tests import clips
from tests.broker import Mosquitto, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]

FRAME_NS = 33_000_000
FITS: dict[Fit, Wanted] = {  # of a part of 320 x 480 pixels, for a model of 224 x 224
    "stretch": Wanted((224, 224)),
    "crop": Wanted((224, 224), narrows=True),
    "letterbox": Wanted((149, 224)),
}
WITHOUT_END = {"camera.loop": "true", "camera.realtime": "true"}


def frame(number: int, *, is_kept: bool = True) -> Frame:
    image = np.zeros((2, 2, 3), np.uint8)
    original = Frame(image, number * FRAME_NS, number * FRAME_NS)
    return Frame(image, number * FRAME_NS, number * FRAME_NS, original=original if is_kept else None)


def snapshots_of(scores: Sequence[Sequence[float]], *, is_kept: bool = True) -> tuple[list[Snapshot], list[str]]:
    """The snapshots, and the ids of the events, of frames with these scores."""
    ids = iter(map(str, range(1000)))
    tracker = EventTracker(EventsSettings(smoothing=0, hold=0, release=0, groups={}), ("cat", "dog"), lambda: next(ids))
    best, given_, events = Snapshots(), [], []
    for number, each in enumerate(scores):
        happened = tracker.step(number * FRAME_NS, np.array(each))
        events += [event.id for event in happened if event.type == "new"]
        given_ += best.step(frame(number, is_kept=is_kept), np.array(each), happened)
    given_ += best.finish(tracker.finish())
    return given_, events


SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60)


class TestBestFrame:
    """Which frame is given, and when."""

    def test_the_last_one_given_is_the_best(self) -> None:
        given_, _ = snapshots_of([(0.7, 0), (0.8, 0), (0.95, 0), (0.9, 0), (0.1, 0)])
        assert [round(each.frame.exposed_ns / FRAME_NS) for each in given_] == [0, 2]
        assert given_[-1].score == 0.95

    def test_none_is_given_twice(self) -> None:
        given_, _ = snapshots_of([(0.9, 0), (0.8, 0), (0.1, 0)])
        assert len(given_) == 1

    def test_without_permission_there_is_none(self) -> None:
        assert snapshots_of([(0.9, 0), (0.8, 0), (0.1, 0)], is_kept=False)[0] == []

    @given(SCORES)
    def test_every_event_has_its_best_frame_and_no_other_event_has_it(self, scores: list[tuple[float, float]]) -> None:
        given_, events = snapshots_of(scores)
        assert [each.event_id for each in given_] == sorted((each.event_id for each in given_), key=int)
        for event in events:
            own = [each.score for each in given_ if each.event_id == event]
            assert own
            assert own == sorted(set(own))


class TestAnswers:
    """What holds for days has the picture of its beginning."""

    SETTINGS = EventsSettings(kind="state", smoothing=0, hold=0, release=0, groups={})
    FRAMES = ((0.7, 0), (0.9, 0), (0.3, 0), (0.95, 0), (0, 0.8), (0, 0.9))

    def test_it_is_given_with_the_new_alone(self) -> None:
        ids = iter("ab")
        tracker, best = AnswerTracker(self.SETTINGS, ("open", "closed"), lambda: next(ids)), Snapshots()
        given_ = [
            (number, each.event_id, each.score)
            for number, scores in enumerate(self.FRAMES)
            for each in best.step(frame(number), np.array(scores), tracker.step(number * FRAME_NS, np.array(scores)))
        ]
        assert given_ == [(0, "a", 0.7), (4, "b", 0.8)]
        assert best.finish(tracker.end()) == []

    def test_no_frame_is_kept_for_as_long(self) -> None:
        tracker, best = AnswerTracker(self.SETTINGS, ("open", "closed"), lambda: "a"), Snapshots()
        shown = frame(0)
        picture = weakref.ref(shown.image)
        assert best.step(shown, np.array((0.7, 0)), tracker.step(0, np.array((0.7, 0))))
        del shown
        assert picture() is None


class TestJpeg:
    """Bounded in size."""

    @pytest.mark.parametrize("size", [(480, 640), (3000, 4000), (1, 1), (1, 5000), (5000, 3)])
    def test_noise_of_any_size_becomes_small(self, size: tuple[int, int]) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        made = jpeg(noise)
        image = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_COLOR)
        assert len(made) <= BYTES
        assert max(image.shape[:2]) <= SIDE

    def test_what_is_small_stays_as_it_is(self) -> None:
        image = np.full((48, 64, 3), (0, 0, 255), np.uint8)
        made = cv2.imdecode(np.frombuffer(jpeg(image), np.uint8), cv2.IMREAD_COLOR)
        assert made.shape == image.shape
        assert np.abs(made.astype(int) - image).max() < 5


def _asked(settings: Config, fit: Fit) -> Wanted:
    return replace(wanted_of([view_of(settings, (224, 224), fit)]), least=None)


class TestPicture:
    """What people see: what the model sees, but not shrunk."""

    def view(self, image: NDArray[np.uint8], layout: Layout = Layout.BGR, **settings: object) -> NDArray[np.uint8]:
        camera = CameraSettings(**settings)  # type: ignore[arg-type]
        return View(camera, (8, 8)).picture(Frame(image, 0, 0, layout))

    def test_it_is_turned_upright(self) -> None:
        image = np.zeros((40, 60, 3), np.uint8)
        image[0, 0] = 255
        assert self.view(image, rotation=90).shape == (60, 40, 3)
        assert self.view(image, rotation=90)[0, -1].tolist() == [255, 255, 255]

    def test_what_is_cropped_away_is_not_in_it(self) -> None:
        image = np.full((40, 60, 3), 255, np.uint8)
        image[10:30, 15:45] = 7
        assert np.unique(self.view(image, crop=(0.25, 0.25, 0.5, 0.5))).tolist() == [7]

    def test_a_cameras_own_colours_are_understood(self) -> None:
        image = cv2.cvtColor(np.full((40, 60, 3), (0, 0, 255), np.uint8), cv2.COLOR_BGR2YUV_I420)
        assert np.abs(self.view(image, Layout.I420).astype(int) - (0, 0, 255)).max() < 12

    def test_a_camera_that_scales_is_asked_for_the_whole_picture_only_where_it_is_wanted(self) -> None:
        camera = CameraSettings(width=640, height=480, crop=(0, 0, 0.5, 1))
        shared = PrivacySettings(snapshots=True)
        for fit, wanted in FITS.items():
            assert _asked(Config(camera=camera), fit) == wanted
            assert _asked(Config(camera=camera, privacy=shared), fit) == Wanted((320, 480))

    @pytest.mark.parametrize("fit", get_args(Fit))
    def test_people_see_what_the_settings_cut_out_whatever_of_it_the_model_sees(self, fit: Fit) -> None:
        image = np.zeros((40, 60, 3), np.uint8)
        image[:, 30:] = np.arange(1, 31)[:, None]
        camera = CameraSettings(crop=(0.5, 0, 0.5, 1))
        settings = Config(camera=camera, privacy=PrivacySettings(snapshots=True))
        view = view_of(settings, (8, 8), fit)
        original = view.of_frame(Frame(image, 0, 0)).original
        assert original
        assert (view.picture(original) == image[:, 30:]).all()


@pytest.fixture
def red(mosquitto: Mosquitto, colour_model: Path, tmp_path: Path) -> dict[str, object]:
    clip = clips.write(tmp_path / "red.avi", [("grey", 5), ("dim red", 20), ("red", 20), ("grey", 30)], (160, 120))
    return {
        "mqtt.host": mosquitto.host,
        "mqtt.port": mosquitto.port,
        "camera.name": "porch",
        "camera.source": clip,
        "model.path": colour_model,
        "events.threshold": 0.45,
        "events.hysteresis": 0.01,
    }


class TestSnapshots:
    """In the running daemon."""

    def test_a_picture_of_the_event_comes_with_its_id(
        self, mosquitto: Mosquitto, red: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port, speaks_5=True) as subscriber:
            daemon = start_daemon({**red, **WITHOUT_END, "privacy.snapshots": "true"})
            subscriber.wait_for_topic("availability", b"online")
            subscriber.wait_for_event("end")  # of an event that may have begun before the broker could take a picture
            new = subscriber.wait_for_event("new")
            subscriber.wait_for_event("end")
            daemon.terminate()
            seen = subscriber.until_offline()
        pictures = [each for each in seen if each.properties.get("event_id") == new["id"]]
        beside = [each.json for each in seen if each.topic.endswith("/snapshot/event")]
        beside = [each for each in beside if each["event_id"] == new["id"]]
        assert pictures
        assert all(each.topic.endswith("/snapshot") for each in pictures)
        assert [len(each.payload) for each in pictures] == [each["bytes"] for each in beside]
        assert not any(each.retain for each in pictures)
        image = cv2.imdecode(np.frombuffer(pictures[-1].payload, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (120, 160, 3)
        assert np.abs(image.mean(axis=(0, 1)) - clips.BGR["red"]).max() < 12

    def test_without_permission_none_leaves_the_device(
        self, mosquitto: Mosquitto, red: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            start_daemon(red)
            subscriber.wait_for_event("end")
            assert not any("/snapshot" in each.topic for each in subscriber.until_offline())

    def test_permission_that_is_taken_away_counts_at_once(
        self, mosquitto: Mosquitto, red: dict[str, object], start_daemon: StartDaemon, tmp_path: Path
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text("[privacy]\nsnapshots = true\n")
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon({**red, **WITHOUT_END}, "--config", str(file))
            subscriber.wait_for_topic("snapshot")
            file.write_text("[privacy]\nsnapshots = false\n")
            daemon.reload()
            daemon.wait_for_log("reloaded: privacy")
            subscriber.catch_up()
            subscriber.seen.clear()
            subscriber.wait_for_event("end")
            subscriber.wait_for_event("end")
            assert not any("/snapshot" in each.topic for each in subscriber.seen)
