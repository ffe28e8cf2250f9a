"""One change after the other, each for its own cause."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from edgecam.camera.sources import open_source
from edgecam.config import CameraSettings, Config, ModelSettings, MotionSettings, PrivacySettings, RolloutSettings
from edgecam.daemon.changes import (
    Cause,
    Change,
    Changer,
    ChoosePlan,
    GoBack,
    Means,
    Reload,
    Setup,
    TakeOver,
    is_outdated,
    wanted_by,
)
from edgecam.daemon.pipeline import Pipeline, make_pipelines
from edgecam.errors import ConfigError, ModelError
from edgecam.rollout.record import Installed, Record
from tests import clips, tflite
from trainer.quantisation.metadata import with_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAIT_S = 30.0
KEY = "A" * 43 + "="


def configured(model: Path) -> Config:
    settings = ModelSettings(path=str(model), runtime="litert", graph="original", threads=1)
    return Config(model=settings, rollout=RolloutSettings(public_key=KEY))


def no_connection(_settings: Config) -> None:
    pytest.fail("the broker is the same")


@pytest.fixture
def setup(colour_model: Path) -> Setup:
    settings = configured(colour_model)
    return Setup(settings, settings, open_source(settings.camera), make_pipelines(settings))


def only(setup: Setup) -> Pipeline:
    (pipeline,) = setup.pipelines.by_view.values()
    return pipeline


@pytest.fixture
def changer() -> Iterator[Callable[[Callable[[], Config]], tuple[Changer, queue.SimpleQueue[Change]]]]:
    """Make changers that run in threads of their own."""
    running: list[tuple[Changer, threading.Thread]] = []

    def make(load: Callable[[], Config]) -> tuple[Changer, queue.SimpleQueue[Change]]:
        done: queue.SimpleQueue[Change] = queue.SimpleQueue()
        made = Changer(Means(load, no_connection), done.put)  # type: ignore[arg-type]
        thread = threading.Thread(target=made.run)
        thread.start()
        running.append((made, thread))
        return made, done

    yield make
    for made, thread in running:
        made.stop()
        thread.join()


def test_the_fault_of_the_settings_is_not_told_of_an_ordered_model(
    setup: Setup, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]], tmp_path: Path
) -> None:
    def broken() -> Config:
        message = "config.toml: not TOML"
        raise ConfigError(message)

    changes, done = changer(broken)
    ordered = Installed(str(tflite.saved(tmp_path, tflite.classifier("uint8", swapped=True))), "0" * 64)
    changes.ask(Reload())
    changes.ask(TakeOver(ordered))
    assert changes.begin(setup, {}) == Reload()
    refused = done.get(timeout=WAIT_S)
    assert (refused.cause, str(refused.error)) == (Reload(), "config.toml: not TOML")
    changes.end()
    assert changes.begin(setup, {}) == TakeOver(ordered)
    taken = done.get(timeout=WAIT_S)
    assert (taken.cause, taken.error) == (TakeOver(ordered), None)
    assert taken.setup
    assert str(only(taken.setup).model.file.path) == ordered.file
    assert taken.setup.configured is setup.configured


def test_the_fault_of_an_ordered_model_is_told_of_it(
    setup: Setup, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]], tmp_path: Path
) -> None:
    changes, done = changer(lambda: setup.configured)
    ordered = Installed(str(tmp_path / "gone.tflite"), "0" * 64)
    changes.ask(TakeOver(ordered))
    changes.begin(setup, {})
    refused = done.get(timeout=WAIT_S)
    assert refused.cause == TakeOver(ordered)
    assert isinstance(refused.error, ModelError)


def test_settings_that_have_not_changed_leave_all_parts(
    setup: Setup, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]]
) -> None:
    changes, done = changer(lambda: setup.configured)
    changes.ask(Reload())
    changes.begin(setup, {})
    same = done.get(timeout=WAIT_S)
    assert same.setup
    assert (only(same.setup), same.setup.source) == (only(setup), setup.source)
    assert (same.connection, same.what) == (None, ())


def test_what_was_prepared_with_a_model_that_has_failed_since_is_not_to_run(
    setup: Setup, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]], tmp_path: Path
) -> None:
    on_trial = Installed(str(tflite.saved(tmp_path, tflite.classifier("float32"))), "0" * 64)
    record = Record().taken(on_trial, setup.configured.model.path, None)
    changes, done = changer(lambda: setup.configured)
    changes.ask(Reload())
    changes.begin(setup, {"": record})
    reloaded = done.get(timeout=WAIT_S)
    assert not is_outdated(reloaded, {"": record})
    assert not is_outdated(reloaded, {"": record.proven()})
    assert is_outdated(reloaded, {"": record.failed("it fails")})


@pytest.mark.parametrize("cause", [ChoosePlan(), GoBack()])
def test_a_source_that_stays_is_not_looked_for(
    colour_model: Path, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]], tmp_path: Path, cause: Cause
) -> None:
    settings = replace(configured(colour_model), camera=CameraSettings(source=str(tmp_path / "clip.avi")))
    clips.write(tmp_path / "clip.avi", [("red", 1)])
    setup = Setup(settings, settings, open_source(settings.camera), make_pipelines(settings))
    (tmp_path / "clip.avi").unlink()  # it is open, and read on
    changes, done = changer(lambda: settings)
    changes.ask(cause)
    changes.begin(setup, {})
    assert done.get(timeout=WAIT_S).error is None


@pytest.mark.parametrize("key", ["motion", "pixels"])
def test_a_model_that_sees_otherwise_looks_at_once_though_nothing_moves(
    changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]], tmp_path: Path, key: str
) -> None:
    path = tflite.saved(tmp_path, tflite.means((1, 12, 16, 3)))
    settings = replace(configured(path), motion=MotionSettings(enabled=True, every=3600.0))
    setup = of_source(settings, "picamera2")
    still = np.zeros((12, 16, 3), np.uint8)
    motion = only(setup).motion
    assert motion
    looks = [motion.step(seconds * 10**9, still) for seconds in range(10)]
    assert (looks[0], looks[-1]) == (True, False)
    others = {"motion": settings, "pixels": replace(settings, model=replace(settings.model, pixels="0..255"))}
    changes, done = changer(lambda: others[key])
    changes.ask(Reload())
    changes.begin(setup, {})
    changed = done.get(timeout=WAIT_S)
    assert changed.setup
    assert only(changed.setup).tracker is only(setup).tracker  # an open event goes on
    motion = only(changed.setup).motion
    assert motion
    assert motion.step(20 * 10**9, still) is (key == "pixels")


class TestFit:
    """How a picture fits, by a setting or by another model: another view, and where it is asked for, other pictures."""

    def test_other_settings_give_another_view_of_the_same_source(
        self, colour_model: Path, colour_clip: Path, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]]
    ) -> None:
        setup = of_source(configured(colour_model), str(colour_clip))
        after = self.after(Reload(), setup, changer, fit="crop")
        assert after.source is setup.source
        assert only(after).view is not only(setup).view
        wide = np.zeros((24, 96, 3), np.uint8)
        wide[:, 32:64] = 255  # the middle of the model's shape
        assert only(after).view.of(wide).min() == 255

    def test_a_camera_that_crops_by_itself_is_opened_anew(
        self, colour_model: Path, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]]
    ) -> None:
        setup = of_source(configured(colour_model), "picamera2")
        assert self.after(Reload(), setup, changer, fit="crop").source is not setup.source
        assert self.after(Reload(), setup, changer, fit="stretch").source is setup.source

    def test_one_that_gives_whole_pictures_for_people_is_not(
        self, colour_model: Path, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]]
    ) -> None:
        settings = replace(configured(colour_model), privacy=PrivacySettings(snapshots=True))
        setup = of_source(settings, "picamera2")
        after = self.after(Reload(), setup, changer, fit="crop")
        assert after.source is setup.source
        assert only(after).view is not only(setup).view

    @pytest.mark.parametrize("fit", ["", "stretch"])
    def test_another_model_brings_its_own_unless_the_settings_say_otherwise(
        self,
        colour_model: Path,
        changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]],
        tmp_path: Path,
        fit: Any,
    ) -> None:
        settings = configured(colour_model)
        setup = of_source(replace(settings, camera=CameraSettings(fit=fit)), "picamera2")
        other = tflite.saved(tmp_path, with_own(tflite.classifier("uint8"), {"fit": "crop"}))
        after = self.after(TakeOver(Installed(str(other), "0" * 64)), setup, changer, fit=fit)
        assert (after.source is setup.source) is (fit == "stretch")
        assert only(after).view is not only(setup).view

    def after(
        self,
        cause: Cause,
        setup: Setup,
        changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]],
        *,
        fit: Any,
    ) -> Setup:
        settings = setup.configured
        changes, done = changer(lambda: replace(settings, camera=replace(settings.camera, fit=fit)))
        changes.ask(cause)
        changes.begin(setup, {})
        changed = done.get(timeout=WAIT_S)
        assert changed.error is None
        assert changed.setup
        return changed.setup


def of_source(settings: Config, source: str) -> Setup:
    """What runs at a start."""
    settings = replace(settings, camera=replace(settings.camera, source=source))
    pipelines = make_pipelines(settings)
    return Setup(settings, settings, open_source(settings.camera, wanted_by(pipelines)), pipelines)


def test_what_ran_before_is_not_held(
    colour_model: Path, changer: Callable[..., tuple[Changer, queue.SimpleQueue[Change]]], tmp_path: Path
) -> None:
    settings = configured(colour_model)
    setup = Setup(settings, settings, open_source(settings.camera), make_pipelines(settings))
    before = weakref.ref(only(setup).model)
    changes, done = changer(lambda: settings)
    changes.ask(TakeOver(Installed(str(tflite.saved(tmp_path, tflite.classifier("float32"))), "0" * 64)))
    changes.begin(setup, {})
    del setup
    taken = done.get(timeout=WAIT_S)
    assert taken.setup
    gc.collect()
    assert before() is None


class ChangerModel(RuleBasedStateMachine):
    """Whatever is wanted, and when: each cause once, in its order, and never two at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.changer = Changer(Means(Config, no_connection), lambda _: None)  # type: ignore[arg-type]
        self.wanted: deque[Cause] = deque()
        self.under_way: Cause | None = None

    @rule(cause=st.sampled_from([Reload(), GoBack(), ChoosePlan(), TakeOver(Installed("a", "0" * 64))]))
    def ask(self, cause: Cause) -> None:
        self.changer.ask(cause)
        if cause not in self.wanted:
            self.wanted.append(cause)

    @rule()
    def begin(self) -> None:
        begun = self.changer.begin(None, {})  # type: ignore[arg-type]  # no thread prepares it
        expected = None if self.under_way or not self.wanted else self.wanted.popleft()
        assert begun == expected
        self.under_way = self.under_way or begun

    @precondition(lambda self: self.under_way)
    @rule()
    def end(self) -> None:
        self.changer.end()
        self.under_way = None

    @invariant()
    def what_is_wanted_once_is_wanted_once(self) -> None:
        assert len(set(self.wanted)) == len(self.wanted)


TestChangerModel = pytest.mark.timeout(60)(ChangerModel.TestCase)
