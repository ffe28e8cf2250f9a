"""Instructions on an emulated Cortex-A76, that of a Raspberry Pi 5: of one inference, and of one frame.

``scripts/aarch64-root FOLDER`` makes the FOLDER with what edgecam needs, for aarch64. qemu's user emulation runs a
program of 1 and one of 1 + MORE inferences (or frames, by `pi_frames.py`) and counts both: the rest is equal, so the
difference tells.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

MORE = 50
FRAMES = Path(__file__).with_name("pi_frames.py")
GIGAHERTZ = 2.4  # of a Pi 5
# Instructions a cycle. At worst that of a Cortex-A75: XNNPACK's authors measured 14 ms for MobileNetV3-Small in float32
# on one at 2 GHz, and we count 27.1 million; https://github.com/google/XNNPACK, "Performance", Pixel 3a. At best what a
# Cortex-A76, which can start four operations a cycle and two of them on vectors, may sustain.
SLOW, FAST = 1.0, 2.5
PROGRAM = """
import sys
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for _ in range(int(sys.argv[2])):
    interpreter.invoke()
"""


def counted(root: Path, plugin: Path, program: list[str]) -> int:
    """Instructions of a Python program."""
    python = min((root / "usr" / "bin").glob("python3.*[0-9]"))
    settings = f"PYTHONPATH={root / 'packages'},PYTHONHASHSEED=0,PYTHONDONTWRITEBYTECODE=1"
    emulator = ["qemu-aarch64", "-cpu", "cortex-a76", "-L", str(root), "-E", settings, "-plugin", str(plugin)]
    # Threads of one processor take turns: the plugin's counter is not made for two at a time.
    one = f"{min(os.sched_getaffinity(0))}"
    command = ["taskset", "--cpu-list", one, *emulator, str(python), *program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"^instructions: (\d+)$", ended.stderr, re.MULTILINE)
    if ended.returncode or not found:
        sys.exit(f"{' '.join(program[-2:])}: cannot be run: {ended.stderr.strip().splitlines()[-1]}")
    return int(found[1])


def millions(root: Path, plugin: Path, program: list[str]) -> float:
    """Million instructions of one inference or frame of a program that takes their number as its last argument."""
    one, many = (counted(root, plugin, [*program, str(count)]) for count in (1, 1 + MORE))
    return (many - one) / MORE / 1e6


@click.command()
@click.option("--root", type=click.Path(path_type=Path, exists=True), required=True, help="Of scripts/aarch64-root.")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(root: Path, models: tuple[Path, ...]) -> None:
    """Count one inference, and one frame through the whole pipeline, of each model on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder) / "count.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", plugin, source], check=True)  # noqa: S603, S607
        click.echo("| | one inference | one frame | ratio | calculated for a Pi 5, one core |")
        click.echo("|---|---|---|---|---|")
        for model in models:
            bare = millions(root, plugin, ["-c", PROGRAM, str(model)])
            frame = statistics.median(millions(root, plugin, [str(FRAMES), str(model)]) for _ in range(3))
            best, worst = (frame / each / GIGAHERTZ for each in (FAST, SLOW))
            click.echo(
                f"| {model.stem} | {bare:.1f} M | {frame:.1f} M | {frame / bare:.2f} | {best:.1f} to {worst:.1f} ms |"
            )


if __name__ == "__main__":
    main()
