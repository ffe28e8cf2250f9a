"""What the terminal says of a training."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer.report import sample
from trainer.report import commands, terminal

CLASSES = ("cat", "dog")


def said(each: int, capsys: pytest.CaptureFixture[str], output: str = "mine") -> str:
    terminal.print_result(sample.report(CLASSES, each), Path(output))
    return capsys.readouterr().out


def test_an_accuracy_has_its_interval_and_what_is_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(100, capsys)
    first, *others = text.splitlines()
    assert first.startswith("accuracy: float 9")
    assert "with 95 % confidence" in first
    assert "too few" not in text
    for words in ("balanced ", "macro F1", "(ECE)", "reach their threshold", "120 unrelated pictures", "on bad days"):
        assert any(words in line for line in others)


def test_few_photographs_are_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(6, capsys)
    assert "too few to tell: " in text.splitlines()[0]
    assert "beware:   12 test photographs are too few to tell" in text


def test_what_is_to_be_tried_can_be_typed_though_there_are_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    line = said(20, capsys, "my models/the 'first'").splitlines()[-1].removeprefix("try it:").strip()
    *program, run, setting, value = shlex.split(line)
    assert (run, setting, value) == ("run", "--set", "model.path=my models/the 'first'/model.tflite")
    ended = subprocess.run([*program, "--version"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "edgecam" in ended.stdout


def script(folder: Path) -> Path:
    folder.mkdir(parents=True)
    made = folder / "edgecam"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_edgecam_is_the_one_beside_the_python_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = script(tmp_path / "my venv" / "bin")
    python = str(beside.parent / "python")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert commands.edgecam(python) == "'my venv/bin/edgecam'"
    monkeypatch.chdir("/")
    assert commands.edgecam(python) == shlex.quote(str(beside)) or commands.edgecam(python).endswith("bin/edgecam'")
    monkeypatch.setenv("PATH", str(beside.parent))
    assert commands.edgecam(python) == "edgecam"


def test_edgecam_elsewhere_on_the_path_serves_where_there_is_none_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(script(tmp_path / "bin").parent))
    assert commands.edgecam(str(tmp_path / "venv" / "bin" / "python")) == "edgecam"


def test_without_a_script_python_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert commands.edgecam(str(tmp_path / "venv" / "bin" / "python")) == "venv/bin/python -m edgecam"


def test_a_terminal_is_told_that_tensorflow_is_loaded() -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen([sys.executable, "-m", "trainer", "train", "/nowhere"], stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        assert "loading TensorFlow" in os.read(ours, 200).decode()
    finally:
        running.kill()
        running.wait()
        os.close(ours)
