"""The child process in which a model is tried."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

OURS = "from pathlib import Path; Path('it-ran').touch(); raise SystemExit(7)\n"


@pytest.mark.parametrize("module", ["random", "struct", "msgspec", "numpy", "edgecam"])
def test_no_module_in_the_working_directory_is_run(tmp_path: Path, colour_model: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(OURS)
    try_it = (
        "from edgecam.config import ModelSettings; from edgecam.model.trial import tried; "
        f"print(tried(ModelSettings(path={str(colour_model)!r})).sha256)"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", try_it], cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ
    )
    assert (ended.returncode, len(ended.stdout.strip()), ended.stderr) == (0, 64, "")
    assert [each.name for each in tmp_path.iterdir()] == [f"{module}.py"]
