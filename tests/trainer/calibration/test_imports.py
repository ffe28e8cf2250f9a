"""What figures need."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")


@pytest.mark.timeout(180)
def test_they_need_no_tensorflow() -> None:
    rooms = "confusable, reliability, robustness, statistics, temperature, thresholds, wrong_labels"
    script = f"import sys; from trainer.calibration import {rooms}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
