"""The folder in which a model ends: nothing of the user's is removed, and no model is half of another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from trainer.errors import InputError
from trainer.output import WORK, Output

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path, text: str) -> Output:
    """An output folder with results that are not in their places yet."""
    output = Output(folder)
    output.prepare(overwrite=True)
    for name in ("model.tflite", "report.json"):
        (output.results / name).write_text(text)
    return output


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_results_come_into_their_places_and_the_work_goes(tmp_path: Path) -> None:
    made(tmp_path / "out", "new").finish()
    assert contents(tmp_path / "out") == {"model.tflite": "new", "report.json": "new"}
    assert not (tmp_path / "out" / WORK).exists()


def test_what_is_the_users_stays(tmp_path: Path) -> None:
    for name in ("work", "results", "photographs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    made(tmp_path, "new").finish()
    assert (tmp_path / "work" / "mine.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("work", "results", "photographs", "notes.txt"),
        *("model.tflite", "report.json"),
    }


def test_a_folder_of_that_name_that_is_not_ours_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / WORK).mkdir()
    (tmp_path / WORK / "mine.txt").write_text("mine")
    Output(tmp_path).discard()
    assert (tmp_path / WORK / "mine.txt").read_text() == "mine"


def test_nothing_is_done_in_a_folder_of_that_name_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / WORK / "results").mkdir(parents=True)
    for mine in (tmp_path / WORK / "README", tmp_path / WORK / "results" / "mine.txt"):
        mine.write_text("mine")
    with pytest.raises(InputError, match="is not of the trainer, which works in a folder of that name; move it away"):
        Output(tmp_path).prepare(overwrite=True)
    Output(tmp_path).discard()
    assert (tmp_path / WORK / "README").read_text() == "mine"
    assert (tmp_path / WORK / "results" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["labels.txt", "split.json", "report.html", "report.json"])
def test_what_has_the_name_of_a_result_is_not_written_over_unless_that_is_asked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"holds {name} already; choose another --output, or give --overwrite"):
        Output(tmp_path).prepare(overwrite=False)
    assert contents(tmp_path) == {name: "mine"}


def test_a_folder_in_the_place_of_a_result_is_told_before_all_work(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"report.html: a folder, where a file is to be written"):
        Output(tmp_path).prepare(overwrite=True)


def test_of_a_run_that_failed_nothing_stays(tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    output.prepare(overwrite=False)
    output.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_though_a_run_failed(tmp_path: Path) -> None:
    output = Output(tmp_path)
    output.prepare(overwrite=False)
    output.discard()
    assert tmp_path.is_dir()


def test_who_stops_it_among_the_renames_finds_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "old").finish()
    output = made(tmp_path, "new")
    rename, ended = type(tmp_path).replace, threading.Event()

    def replace(path: Path, to: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return rename(path, to)

    monkeypatch.setattr(type(tmp_path), "replace", replace)
    other = threading.Thread(target=ended.wait)  # TensorFlow has many, and signals come to any
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            output.finish()
    finally:
        ended.set()
        other.join()
    assert contents(tmp_path) == {"model.tflite": "new", "report.json": "new"}
    assert not (tmp_path / WORK).exists()


def test_a_model_is_not_written_over_unless_that_is_asked(tmp_path: Path) -> None:
    made(tmp_path, "old").finish()
    with pytest.raises(InputError, match="holds a model already; choose another --output, or give --overwrite"):
        Output(tmp_path).prepare(overwrite=False)


def test_what_was_stopped_before_its_results_were_whole_leaves_the_model_before(tmp_path: Path) -> None:
    made(tmp_path, "old").finish()
    made(tmp_path, "half")
    Output(tmp_path).prepare(overwrite=True)
    assert contents(tmp_path) == {"model.tflite": "old", "report.json": "old"}


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_kill_among_the_renames_is_made_good_by_the_next_run(tmp_path: Path, moved: int) -> None:
    made(tmp_path, "old").finish()
    made(tmp_path, "new")
    program = f"""
import os, pathlib, signal
from trainer.output import Output
rename = pathlib.Path.replace
count = 0
def replace(path, to):
    global count
    if count == {moved}:
        os.kill(os.getpid(), signal.SIGKILL)
    count += 1
    return rename(path, to)
pathlib.Path.replace = replace
Output(pathlib.Path({str(tmp_path)!r})).finish()
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    if moved < 2:
        assert ended.returncode == -9
    with pytest.raises(InputError, match="holds a model already"):
        Output(tmp_path).prepare(overwrite=False)
    assert contents(tmp_path) == {"model.tflite": "new", "report.json": "new"}


@pytest.mark.parametrize("kept", ["", "checkpoint.npz"])
def test_what_fails_leaves_no_work_behind_but_what_can_be_gone_on_with(tmp_path: Path, kept: str) -> None:
    for name in ("new", "users"):
        output = Output(tmp_path / name)
        if name == "users":
            output.folder.mkdir()
        output.prepare(overwrite=False)
        (output.work / "pixels.npy").write_bytes(b"large")
        if kept:
            (output.work / kept).write_bytes(b"learnt")
        with pytest.raises(KeyboardInterrupt), output.clearing(kept="checkpoint.npz"):
            raise KeyboardInterrupt
        assert output.work.exists() == bool(kept)
    assert (tmp_path / "new").exists() == bool(kept)
    assert (tmp_path / "users").exists()


def test_an_output_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=f"--output {tmp_path}/file/out: not a directory"):
        Output(tmp_path / "file" / "out").prepare(overwrite=False)
