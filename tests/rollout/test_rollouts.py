"""What becomes of models that are ordered, over renames, restarts and faults that are not theirs."""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgecam.config import CameraSettings, Config, ModelSettings, RolloutSettings, ViewSettings
from edgecam.errors import ModelError, SourceFileError
from edgecam.kept import model_folder, read_kept, rollout_file, state_directory, write_kept
from edgecam.rollout.by_view import RolloutsByView
from edgecam.rollout.record import CRASHES, Installed, ModelState, Record, SignedModel, TakeModel
from edgecam.rollout.rollouts import Rollouts
from edgecam.rollout.signature import make_key, signature_of
from edgecam.tasks import Task
from tests.command import edgecam

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ["porch", "gate", "käfig"]
OWN = "0" * 64


class Camera:
    """A camera that takes models from a folder, as its service would, without a network and without a model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.public_key = make_key(folder / "key.pem")
        self.name = "porch"
        self.running = OWN
        self.states: list[str] = []
        self.tasks: list[Task] = []
        self.start()

    @property
    def settings(self) -> Config:
        return Config(
            camera=CameraSettings(name=self.name),
            model=ModelSettings(path="/own.tflite"),
            rollout=RolloutSettings(public_key=self.public_key),
        )

    def start(self) -> None:
        self.ended: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self.rollouts = Rollouts(self.name, self._task, self._publish, lambda: self.running)

    def _task(self, name: str, function: Callable[[], None]) -> Task:
        self.tasks.append(Task(name, function, self.ended.put))
        return self.tasks[-1]

    def _publish(self, state: ModelState) -> None:
        self.states.append(state.text)

    def order(self, content: str, file: str = "m.tflite") -> None:
        """Order a model; it is being fetched when this returns, if it is wanted."""
        to = self.folder / content / file
        to.parent.mkdir(exist_ok=True)
        to.write_text(content)
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        signed = SignedModel(to.as_uri(), sha256, signature_of(self.folder / "key.pem", sha256))
        self.rollouts.take(TakeModel(signed), self.settings.rollout)

    def fetched(self) -> Installed | None:
        """Wait for the model that is being fetched."""
        while self.rollouts.fetching:
            self.ended.get(timeout=30)
            self.rollouts.finish_fetch()
        return self.rollouts.candidate

    def take_over(self, candidate: Installed) -> None:
        self.rollouts.taken_over(candidate, "/own.tflite", 5.0)
        self.running = candidate.sha256

    def rename(self, name: str) -> None:
        self.name = name
        self.rollouts.settle(self.settings)


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def files() -> list[str]:
    """What is kept, by its path in the state folder."""
    folder = state_directory()
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


class TestFaults:
    """Whose they are."""

    def test_the_fault_of_one_model_is_not_told_of_another(self, camera: Camera) -> None:
        camera.order("first")
        first = camera.fetched()
        assert first
        camera.rollouts.turn_down(Installed("/other.tflite", "f" * 64), "no labels in it", for_good=True)
        assert camera.rollouts.candidate == first
        assert list(camera.rollouts.record.refused) == ["f" * 64]
        assert Path(first.file).exists()

    def test_a_fault_that_is_not_the_models_is_told_and_not_remembered(self, camera: Camera) -> None:
        camera.order("first")
        first = camera.fetched()
        assert first
        camera.rollouts.turn_down(first, "camera.source: nowhere.mp4:\nno such file", for_good=False)
        assert camera.rollouts.record.refused == {}
        assert camera.states[-1] == "refused: camera.source: nowhere.mp4: no such file"
        camera.order("first")
        assert camera.fetched() == first

    def test_what_was_refused_for_good_is_not_fetched_for_an_order_that_the_broker_keeps(self, camera: Camera) -> None:
        camera.order("first")
        first = camera.fetched()
        assert first
        camera.rollouts.turn_down(first, "no labels in it", for_good=True)
        assert camera.rollouts.record.refused == {first.sha256: "no labels in it"}
        assert not Path(first.file).exists()

    def test_a_verdict_on_a_model_that_has_gone_says_nothing_of_the_one_that_came(self, camera: Camera) -> None:
        camera.order("first")
        first = camera.fetched()
        assert first
        camera.take_over(first)
        before = camera.rollouts.record
        camera.rollouts.prove("f" * 64)
        assert not camera.rollouts.fail("f" * 64, "it is too slow")
        assert camera.rollouts.record == before
        assert camera.rollouts.fail(first.sha256, "it is too slow")

    def test_what_a_thread_was_given_stays_as_the_main_thread_goes_on(self, camera: Camera) -> None:
        camera.order("first")
        given, candidate = camera.rollouts.record, camera.fetched()
        assert candidate
        camera.take_over(candidate)
        assert given.applied(camera.settings).model.path == "/own.tflite"
        assert given.applied(camera.settings, candidate).model.path == candidate.file


class TestStarts:
    """Which of them speak against a model on trial."""

    @pytest.fixture
    def on_trial(self, camera: Camera) -> Camera:
        camera.order("first")
        candidate = camera.fetched()
        assert candidate
        camera.take_over(candidate)
        return camera

    @pytest.mark.parametrize("error", [SourceFileError("not there"), ModelError("none"), OSError(28, "No space left")])
    def test_a_start_that_fails_for_an_ordinary_reason_does_not(self, on_trial: Camera, error: Exception) -> None:
        for _ in range(CRASHES + 1):
            on_trial.start()
            with pytest.raises(type(error)), on_trial.rollouts.starting():
                raise error
        assert on_trial.rollouts.record.active
        assert on_trial.rollouts.record.starts == 0

    def test_a_crash_does(self, on_trial: Camera) -> None:
        for _ in range(CRASHES):
            on_trial.start()
            with on_trial.rollouts.starting():
                pass
        assert on_trial.states[-1] == f"refused: edgecam crashed {CRASHES} times while it was tried"

    def test_what_no_message_tells_of_does_too(self, on_trial: Camera) -> None:
        for _ in range(CRASHES):
            on_trial.start()
            with pytest.raises(RuntimeError), on_trial.rollouts.starting():
                raise RuntimeError
        assert on_trial.rollouts.record.active is None

    def test_a_camera_that_is_not_there_does_not_cost_a_model_its_trial(
        self, colour_model: Path, camera: Camera
    ) -> None:
        """The whole daemon, which ends with 2 at each start."""
        sha256 = hashlib.sha256(colour_model.read_bytes()).hexdigest()
        trial = Record(active=Installed(str(colour_model), sha256), is_trial=True, state="verifying")
        write_kept(rollout_file("porch"), trial)
        for _ in range(CRASHES + 1):
            options = ("camera.name=porch", f"rollout.public_key={camera.public_key}", "camera.source=nowhere.mp4")
            ended = edgecam("run", "--config", os.devnull, *(word for each in options for word in ("--set", each)))
            assert ended.returncode == 2
            assert "camera.source: nowhere.mp4: no such file" in ended.stderr
        assert read_kept(rollout_file("porch"), Record(), "") == trial


class TestRenames:
    """What is kept of a camera goes with its name."""

    def test_models_and_their_record_go_along(self, camera: Camera) -> None:
        for content in ("first", "second"):
            camera.order(content)
            candidate = camera.fetched()
            assert candidate
            camera.take_over(candidate)
        camera.order("third")
        camera.fetched()
        camera.rename("gate")
        record, candidate = camera.rollouts.record, camera.rollouts.candidate
        assert [Path(each.file).read_text() for each in (record.before, record.active, candidate) if each] == [
            "first",
            "second",
            "third",
        ]
        assert not [each for each in files() if "porch" in each]
        camera.start()
        assert camera.rollouts.record == record

    def test_a_model_that_is_being_fetched_goes_along(self, camera: Camera) -> None:
        camera.order("first")
        camera.rename("gate")
        camera.rename("käfig")
        candidate = camera.fetched()
        assert candidate
        assert Path(candidate.file).is_relative_to(model_folder("käfig"))
        assert Path(candidate.file).read_text() == "first"
        assert [each.name for each in state_directory().iterdir() if each.name.startswith("models")] == [
            "models-k%C3%A4fig"
        ]

    def test_a_model_that_was_tried_under_the_old_name_is_found_under_the_new_one(self, camera: Camera) -> None:
        camera.order("first")
        candidate = camera.fetched()
        assert candidate
        camera.rename("gate")
        camera.take_over(candidate)
        assert camera.rollouts.record.active
        assert Path(camera.rollouts.record.active.file).read_text() == "first"
        assert camera.rollouts.candidate is None

    def test_where_a_model_cannot_be_moved_it_stays(self, camera: Camera) -> None:
        camera.order("first")
        candidate = camera.fetched()
        assert candidate
        camera.take_over(candidate)
        model_folder("gate").write_text("in the way")
        camera.rename("gate")
        assert camera.rollouts.record.active == candidate
        assert Path(candidate.file).exists()

    def test_settings_that_name_another_model_leave_none_behind(self, camera: Camera) -> None:
        camera.order("first")
        candidate = camera.fetched()
        assert candidate
        camera.take_over(candidate)
        camera.rollouts.settle(msgspec.structs.replace(camera.settings, model=ModelSettings(path="/another.tflite")))
        assert files() == ["rollout-porch.json"]


@pytest.mark.parametrize("camera", ["porch", "käfig", "a%2Fb"])
def test_what_a_view_had_that_is_gone_waits_for_it_over_restarts_and_renames(camera: str) -> None:
    own = ModelSettings(path="/own.tflite")
    both = tuple(ViewSettings(name=name, model=own) for name in ("gate", "bin"))
    whole = Config(camera=CameraSettings(name=camera), model=own, rollout=RolloutSettings(public_key="key"), views=both)
    for view in ("gate", "bin"):
        file = model_folder(camera) / view / "m.tflite"
        file.parent.mkdir(parents=True)
        file.write_text(view)
        active = Installed(str(file), hashlib.sha256(view.encode()).hexdigest())
        is_trial = view == "gate"
        write_kept(rollout_file(camera, view), Record(active=active, instead_of="/own.tflite", is_trial=is_trial))

    def no_task(_name: str, _function: Callable[[], None]) -> Task:
        raise AssertionError

    without = msgspec.structs.replace(whole, views=both[:1])
    rollouts = RolloutsByView(without, no_task, lambda _: None, lambda _: "")
    gate = rollouts.records["gate"].active
    assert gate
    rollouts["gate"].prove(gate.sha256)  # what is needed no more is removed
    renamed = msgspec.structs.replace(without, camera=CameraSettings(name="yard"))
    rollouts.settle(renamed)
    again = msgspec.structs.replace(renamed, views=both)
    look = rollouts.applied(again).look("bin")
    assert look
    assert Path(look.model.path).read_text() == "bin"
    rollouts.settle(again)
    assert set(rollouts.states) == {"gate", "bin"}
    assert not [each for each in files() if "yard" not in each]


class AnyCourse(RuleBasedStateMachine):
    """Whatever happens in whatever order: what is in the record is on the disk, and no more than that."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.before = os.environ["STATE_DIRECTORY"]
        os.environ["STATE_DIRECTORY"] = str(self.folder / "state")
        self.camera = Camera(self.folder)

    def teardown(self) -> None:
        self.camera.rollouts.end()
        assert all(task.join(30) for task in self.camera.tasks)  # it would write into the folder that goes
        os.environ["STATE_DIRECTORY"] = self.before
        shutil.rmtree(self.folder)

    @rule(content=st.sampled_from("abc"), file=st.sampled_from(["m.tflite", "n.tflite"]))
    def order(self, content: str, file: str) -> None:
        self.camera.order(content, file)

    @rule()
    def fetch(self) -> None:
        self.camera.fetched()

    @rule(name=st.sampled_from(NAMES))
    def rename(self, name: str) -> None:
        self.camera.rename(name)

    @precondition(lambda self: self.camera.rollouts.candidate)
    @rule(name=st.sampled_from(NAMES))
    def take_over(self, name: str) -> None:
        candidate = self.camera.rollouts.candidate
        assert candidate
        self.camera.rename(name)  # as it was being tried
        self.camera.take_over(candidate)

    @precondition(lambda self: self.camera.rollouts.candidate)
    @rule(for_good=st.booleans())
    def turn_down(self, *, for_good: bool) -> None:
        candidate = self.camera.rollouts.candidate
        assert candidate
        self.camera.rollouts.turn_down(candidate, "it has no labels", for_good=for_good)

    @precondition(lambda self: self.camera.rollouts.record.active)
    @rule(works=st.booleans())
    def judge(self, *, works: bool) -> None:
        record = self.camera.rollouts.record
        assert record.active
        if works:
            self.camera.rollouts.prove(record.active.sha256)
        elif self.camera.rollouts.fail(record.active.sha256, "it is too slow"):
            self.camera.running = record.before.sha256 if record.before else OWN

    @rule()
    def restart(self) -> None:
        self.camera.fetched()
        self.camera.rollouts.end()
        self.camera.start()
        with self.camera.rollouts.starting():
            pass

    @invariant()
    def what_is_needed_is_there(self) -> None:
        rollouts = self.camera.rollouts
        for model in (rollouts.record.active, rollouts.record.before, rollouts.candidate):
            assert model is None or hashlib.sha256(Path(model.file).read_bytes()).hexdigest() == model.sha256

    @invariant()
    def nothing_is_left_under_another_name(self) -> None:
        if not self.camera.rollouts.fetching:
            names = {each.split("/")[0] for each in files()}
            assert names <= {rollout_file(self.camera.name).name, model_folder(self.camera.name).name}


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
