"""The commands of the docs that need TensorFlow, as they stand there."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.documents import checkout, commands_of, environment
from tests.trainer.pictures import data_set

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

EACH = 24  # photographs of a class; so few are learnt in a minute


@pytest.mark.timeout(900)
def test_each_does_what_it_is_shown_for_in_the_order_of_the_docs(tmp_path: Path) -> None:
    folder = checkout(tmp_path, ".venv-trainer", ready=("trainer",))
    data_set(folder / "PHOTOGRAPHS", EACH)
    typed = list(dict.fromkeys(command.text for command in commands_of("tests/trainer/test_documents.py")))
    assert typed
    for text in typed:
        ended = subprocess.run(
            ["sh", "-c", text], capture_output=True, text=True, check=False, cwd=folder, env=environment()
        )
        assert ended.returncode == 0, (text, ended.stderr[-2000:])
    assert (folder / "mine" / "report.html").exists()
