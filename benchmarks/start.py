"""How long until the first frame is classified: ``python benchmarks/start.py``.

From the start of the process to the line that the daemon logs after its first classification, beside what the libraries
alone take to be imported. The first start on a machine, which times the model meanwhile, is shown too.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from edgecam.tools.demo import shipped_clip
from tests.command import as_options

BAR = 2.0
# Installed packages are compiled; where this is set, a checkout's never are.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
FLOOR = "import numpy, cv2, ai_edge_litert.interpreter"
SETTINGS = {"camera.source": shipped_clip(), "camera.loop": "true", "camera.realtime": "true", "mqtt.port": 1}


def imports_s() -> float:
    """Seconds that the libraries take."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", FLOOR], check=True)  # noqa: S603
    return time.perf_counter() - started


def first_frame_s(state: str, log_until: str) -> float:
    """Seconds to the first classified frame of a daemon; it goes on until it has logged what is awaited."""
    command = [sys.executable, "-m", "edgecam", "run", "--config", os.devnull, *as_options(SETTINGS)]
    started, first = time.perf_counter(), 0.0
    with subprocess.Popen(  # noqa: S603
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "STATE_DIRECTORY": state}
    ) as daemon:
        assert daemon.stderr  # noqa: S101
        for line in daemon.stderr:
            if "first frame" in line:
                first = time.perf_counter() - started
            if log_until in line:
                daemon.terminate()
    if not first:
        sys.exit("no frame was classified")
    return first


@click.command()
@click.option("--rounds", default=9, show_default=True)
def main(rounds: int) -> None:
    """Measure and compare with the bar; exit 1 if it is missed."""
    with tempfile.TemporaryDirectory() as state:
        click.echo(f"the first start on a machine: {first_frame_s(state, 'when it was measured'):.2f} s")
        pairs = [(imports_s(), first_frame_s(state, "first frame")) for _ in range(rounds)]
    imports, firsts = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(first / floor for floor, first in pairs)
    click.echo(f"imports alone {imports:.2f} s, to the first classification {firsts:.2f} s")
    click.echo(f"ratio {ratio:.2f}, bar <= {BAR:.0f}: {'met' if ratio <= BAR else 'MISSED'}")
    sys.exit(ratio > BAR)


if __name__ == "__main__":
    main()
