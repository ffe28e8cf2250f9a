"""Which way a model is run, and how that is remembered."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.device import processor
from edgecam.model import plan_file, timing
from edgecam.model.loading import plan_model
from edgecam.model.plan import MARGIN, Graph, Plan, Timing, candidates, choose, is_tried
from edgecam.model.plan_file import Measured, PlanFile
from tests import tflite
from tests.clips import BGR
from trainer.quantisation.metadata import with_own

if TYPE_CHECKING:
    from pathlib import Path

USUAL = Plan("litert")
GRAPHS = st.sampled_from(["original", "rewritten"])
OTHERS = st.builds(Plan, st.sampled_from(["litert", "tflite-runtime"]), GRAPHS, st.sampled_from([1, 2, 4]))
MS = st.floats(0.1, 1000)
TIMINGS = st.builds(
    lambda usual, others: [Timing(USUAL, usual), *(Timing(plan, ms) for plan, ms in others.items() if plan != USUAL)],
    MS,
    st.dictionaries(OTHERS, MS),
)


@given(TIMINGS, MS)
def test_what_is_chosen_is_never_slower_than_the_usual_way(timings: list[Timing], interval_ms: float) -> None:
    assert choose(timings, interval_ms).ms <= timings[0].ms


@given(TIMINGS, MS)
def test_on_one_thread_no_other_way_is_faster_by_more_than_the_noise(timings: list[Timing], interval_ms: float) -> None:
    chosen = choose(timings, interval_ms)
    if chosen.plan.threads == 1:
        assert all(other.ms >= (1 - MARGIN) * chosen.ms for other in timings if other.plan.threads == 1)


@given(TIMINGS)
def test_one_thread_is_enough_where_it_keeps_up_with_the_camera(timings: list[Timing]) -> None:
    assert choose(timings, 1e6).plan.threads == 1


def spread(*milliseconds: float) -> list[Timing]:
    return [Timing(Plan("litert", "original", 1 << power), ms) for power, ms in enumerate(milliseconds)]


@pytest.mark.parametrize(("interval_ms", "threads"), [(70, 1), (45, 2), (25, 4), (5, 4)])
def test_as_few_threads_are_taken_as_keep_up_with_the_camera(interval_ms: float, threads: int) -> None:
    assert choose(spread(30, 20, 12), interval_ms).plan.threads == threads


def test_threads_that_make_it_slower_are_not_taken() -> None:
    assert choose(spread(30, 40, 50), 10).plan.threads == 1


@pytest.mark.parametrize(("cores", "threads"), [(1, (1,)), (2, (1, 2)), (4, (1, 2, 4)), (6, (1, 2, 4, 6))])
def test_threads_up_to_the_number_of_cores_are_tried(cores: int, threads: tuple[int, ...]) -> None:
    assert candidates(config.ModelSettings(), ["litert"], cores).threads == threads


def test_a_setting_leaves_nothing_open() -> None:
    settings = config.ModelSettings(runtime="tflite-runtime", graph="rewritten", threads=3)
    found = candidates(settings, ["litert", "tflite-runtime"], 8)
    assert found.singles() == [Plan("tflite-runtime", "rewritten", 3)]
    assert not found.spread(found.singles()[0])


@pytest.mark.parametrize(
    ("setting", "named", "tried"),
    [
        ("auto", None, {"original", "rewritten"}),
        ("auto", ("original", "rewritten"), {"original", "rewritten"}),
        ("auto", ("rewritten",), {"original", "rewritten"}),
        ("auto", ("original",), {"original"}),
        ("auto", (), {"original"}),
        ("original", ("original", "rewritten"), {"original"}),
        ("rewritten", ("original",), {"rewritten"}),
        ("rewritten", None, {"rewritten"}),
    ],
)
def test_a_graph_is_tried_where_the_model_names_it_or_it_is_set(
    setting: str, named: tuple[Graph, ...] | None, tried: set[Graph]
) -> None:
    assert {graph for graph in get_args(Graph) if is_tried(graph, setting, named)} == tried


MEASURED = Measured((Timing(USUAL, 4.0), Timing(Plan("litert", "rewritten"), 1.5)), b"a graph")


class TestFile:
    """What is remembered of a model."""

    def test_it_is_read_as_it_was_written(self) -> None:
        PlanFile("1234", config.ModelSettings()).write(MEASURED)
        assert PlanFile("1234", config.ModelSettings()).read() == MEASURED

    @pytest.mark.parametrize("settings", [config.ModelSettings(graph="rewritten"), config.ModelSettings(threads=2)])
    def test_other_settings_are_measured_anew(self, settings: config.ModelSettings) -> None:
        PlanFile("1234", config.ModelSettings()).write(MEASURED)
        assert PlanFile("1234", settings).read() is None

    def test_another_processor_is_measured_anew(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        PlanFile("1234", config.ModelSettings()).write(MEASURED)
        other = tmp_path / "cpuinfo"
        other.write_text("model name\t: another one\n")
        monkeypatch.setattr(processor, "CPUINFO", other)
        assert PlanFile("1234", config.ModelSettings()).read() is None

    @pytest.mark.parametrize("suffix", ["json", "tflite"])
    def test_a_damaged_file_counts_for_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
    ) -> None:
        PlanFile("1234", config.ModelSettings()).write(MEASURED)
        (damaged,) = (tmp_path / "state" / "plans").glob(f"*.{suffix}")
        damaged.write_bytes(damaged.read_bytes()[:-1])
        assert PlanFile("1234", config.ModelSettings()).read() is None
        assert "the model is timed again" in caplog.text

    def test_a_disk_that_cannot_be_written_is_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "state").write_text("no folder")
        PlanFile("1234", config.ModelSettings()).write(MEASURED)
        assert "cannot be written" in caplog.text

    def test_old_models_are_forgotten(self, tmp_path: Path) -> None:
        for number in range(plan_file.KEPT + 3):
            PlanFile(str(number), config.ModelSettings()).write(MEASURED)
        assert len(list((tmp_path / "state" / "plans").iterdir())) == 2 * plan_file.KEPT


class TestFinding:
    """The way that is found for a real model."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        return tflite.saved(tmp_path, tflite.hard_classifier())

    def test_both_graphs_are_measured(self, model: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        planned = plan_model(config.ModelSettings(path=str(model), threads=1), 30, measure=True)
        assert planned.is_final
        told = [record for record in caplog.records if record.message.startswith("measured: ")]
        assert [record.levelname for record in told] == ["DEBUG"]
        assert all(f"{graph} graph" in told[0].message for graph in ("original", "rewritten"))

    def test_people_are_told_in_a_few_words_why_it_runs_so(self, model: Path) -> None:
        planned = plan_model(config.ModelSettings(path=str(model), threads=1), 30, measure=True)
        assert re.fullmatch(r"\d+\.\d\d ms an inference when it was measured", planned.measured)

    def test_what_was_measured_is_not_measured_again(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = config.ModelSettings(path=str(model))
        planned = plan_model(settings, 30, measure=True)
        monkeypatch.setattr("edgecam.model.trial.tried", pytest.fail)
        again = plan_model(settings, 30, measure=False)
        assert (again.plan, again.graph) == (planned.plan, planned.graph)

    def test_the_usual_way_is_taken_until_it_is_measured(self, model: Path) -> None:
        planned = plan_model(config.ModelSettings(path=str(model)), 30, measure=False)
        assert planned.plan == USUAL
        assert not planned.is_final

    def test_a_rewritten_graph_that_is_set_is_taken(self, model: Path) -> None:
        planned = plan_model(config.ModelSettings(path=str(model), graph="rewritten"), 30, measure=False)
        assert planned.plan.graph == "rewritten"
        red = np.full((16, 16, 3), BGR["red"], np.uint8)
        assert planned.load().scores(red).argmax() == tflite.COLOURS.index("red")

    def test_a_graph_that_the_model_does_not_name_is_measured_only_where_it_is_set(
        self, model: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        model.write_bytes(with_own(model.read_bytes(), {"graphs": ["original"]}))
        by_itself = plan_model(config.ModelSettings(path=str(model), threads=1), 30, measure=True)
        assert by_itself.plan.graph == "original"
        assert "rewritten graph" not in caplog.text
        forced = config.ModelSettings(path=str(model), graph="rewritten", threads=1)
        assert plan_model(forced, 30, measure=True).plan.graph == "rewritten"

    def test_a_graph_that_the_model_names_is_measured(self, model: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        model.write_bytes(with_own(model.read_bytes(), {"graphs": ["original", "rewritten"]}))
        plan_model(config.ModelSettings(path=str(model), threads=1), 30, measure=True)
        assert "rewritten graph" in caplog.text

    def test_a_graph_that_cannot_be_rewritten_runs_as_it_is(self, colour_model: Path) -> None:
        assert (
            plan_model(config.ModelSettings(path=str(colour_model), graph="rewritten"), 30, measure=False).plan == USUAL
        )

    def test_what_leaves_nothing_open_is_not_timed(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timing, "timed", pytest.fail)
        planned = plan_model(
            config.ModelSettings(path=str(model), runtime="litert", graph="original", threads=2), 30, measure=True
        )
        assert planned.plan == Plan("litert", "original", 2)

    def test_a_runtime_that_dies_in_timing_does_not_cost_the_model(
        self, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        dying = tmp_path / "python"
        dying.write_text(
            f"#!{sys.executable}\nimport os, signal\nfrom edgecam.model import timing, trial\n"
            "timing.timed = lambda *_: os.kill(os.getpid(), signal.SIGSEGV)\ntrial._main()\n"
        )
        dying.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(dying))
        planned = plan_model(config.ModelSettings(path=str(model)), 30, measure=True)
        assert planned.plan == USUAL
        assert "timing it failed" in caplog.text
