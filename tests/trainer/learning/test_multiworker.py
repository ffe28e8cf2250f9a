"""Two workers on one machine train one model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.broker import free_port
from tests.trainer.command import SMALL, WAIT_S, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.conftest import Trained


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("trained")
def test_two_workers_give_the_same_kind_of_result_as_one(data: Path, tmp_path: Path, trained: Trained) -> None:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    processes = [
        start(
            *("train", data, *SMALL, "--strategy", "multiworker", "--output", tmp_path / f"out{index}"),
            environment={
                "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
            },
        )
        for index in range(2)
    ]
    try:
        said = [process.communicate(timeout=WAIT_S)[1] for process in processes]
    finally:
        for process in processes:  # one whose companion is dead waits for it
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], said
    assert not (tmp_path / "out1").exists()
    together, alone = (
        json.loads((folder / "report.json").read_bytes()) for folder in (tmp_path / "out0", trained.output)
    )
    assert together.keys() == alone.keys()
    assert {path.name for path in (tmp_path / "out0").iterdir()} == {path.name for path in trained.output.iterdir()}
    assert together["data"] == alone["data"]
    assert together["accuracy"]["int8"] >= 0.9
