"""``edgecam bench``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from edgecam.model.plan import Plan
from edgecam.mqtt.payloads import QuantilesPayload
from edgecam.tools.bench import Report, Result, recommend
from edgecam.tools.bench_table import print_report
from tests import tflite
from tests.accelerator import SOURCE, compiled
from tests.command import edgecam

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tflite.saved(tmp_path_factory.mktemp("model"), tflite.hard_classifier())


@pytest.mark.timeout(180)
def test_it_measures_bare_and_whole(model: Path) -> None:
    ended = edgecam("bench", "--model", model, "--frames", 10, "--threads", 1, "--json", wait_s=150)
    assert ended.returncode == 0, ended.stderr
    report = msgspec.json.decode(ended.stdout, type=Report)
    (result,) = report.results
    assert result.model == str(model)
    assert result.plan.threads == 1
    assert 0 < (result.bare_ms.p50 or 0) <= (result.bare_ms.p99 or 0)
    assert result.fps > 0
    assert result.memory_mb > 10
    assert report.recommended == result
    assert "measuring" in ended.stderr


@pytest.mark.timeout(180)
def test_an_accelerator_that_one_process_alone_can_have_is_measured(model: Path, tmp_path: Path) -> None:
    library = compiled(tmp_path, SOURCE, "libaccelerator.so.1", f'-DDEVICE="{model}"')
    ended = edgecam("bench", "--model", model, "--delegate", library, "--frames", 10, wait_s=150)
    assert ended.returncode == 0, ended.stderr
    assert f"{model} on litert, with libaccelerator.so.1" in ended.stdout
    assert f'    threads = 1\n    delegate = "{library}"\n' in ended.stdout


def test_people_get_a_table_and_what_to_take(capsys: pytest.CaptureFixture[str]) -> None:
    best = result("models/small.tflite", 2, 4)
    print_report(Report("a Pi", 4, {"litert": "2.3.0"}, (41.0, None), (best,), ("it was noisy",), best))
    out = capsys.readouterr().out
    said = " ".join(out.split())
    assert "models/small.tflite on litert" in said
    for part in ("2 original 1 4.00 / 4.00 250 100%", "41 °C before, unknown after", "note: it was noisy"):
        assert part in said
    assert "recommended: 250 frames a second; a camera of 30 takes 12 % of one core:" in said
    assert out.endswith('    [model]\n    path = "models/small.tflite"\n    threads = 2\n')


def test_the_table_fits_into_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    slow = msgspec.structs.replace(
        result("shipped", 16, 1234.5),
        plan=Plan("tflite-runtime", "rewritten", 16),
        pieces=120,
        latency_ms=QuantilesPayload(12345.6, 23456.7),
        bare_ms=QuantilesPayload(12.34, 1234.56),
        cpu_ms=9.994,
        memory_mb=1234,
        fps=1234.0,
    )
    print_report(Report("a Pi", 4, {"litert": "2.3.0", "tflite-runtime": "2.14.0"}, (41.0, None), (slow,), (), slow))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    row = next(line for line in lines if "rewritten" in line)
    told = "16 rewritten 120 12.3 / 1235 1234 100% 12346 / 23457 9.99 1234"
    assert row.split() == told.split()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "nowhere.tflite"], "File 'nowhere.tflite' does not exist"),
        (["--threads", "0"], "0 is not in the range 1<=x<=64"),
        (["--frames", "many"], "'many' is not a whole number"),
        (["--model", "pyproject.toml"], "pyproject.toml: not a .tflite file"),
    ],
)
def test_a_mistake_is_told_in_one_line(options: list[str], said: str) -> None:
    ended = edgecam("bench", *options)
    assert ended.returncode in (2, 3)
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("edgecam")
    assert said in last


def result(model: str, threads: int, ms: float) -> Result:
    return Result(
        model=model,
        plan=Plan("litert", "original", threads),
        pieces=1,
        bare_ms=QuantilesPayload(ms, ms),
        bare_fps=1e3 / ms,
        bare_cpu_ms=ms,
        fps=1e3 / ms,
        ratio=1.0,
        cpu_ms=ms,
        latency_ms=QuantilesPayload(ms, ms),
        memory_mb=90,
        spread=0.0,
    )


def test_of_models_that_keep_up_the_slowest_is_recommended() -> None:
    results = [result("small", 1, 4), result("large", 1, 12), result("huge", 1, 40), result("huge", 2, 15)]
    assert recommend(results) == results[1]


def test_where_no_model_keeps_up_the_fastest_is_recommended() -> None:
    results = [result("huge", 1, 90), result("huge", 2, 60), result("huger", 2, 100)]
    assert recommend(results) == results[1]
