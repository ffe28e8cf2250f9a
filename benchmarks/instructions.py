"""Instructions of one inference on an emulated Cortex-A76, that of a Raspberry Pi 5.

``scripts/aarch64-root FOLDER`` makes the FOLDER with Python and LiteRT for aarch64 that it wants. qemu's user emulation
runs a program of 1 and one of 1 + INFERENCES inferences and counts both: the rest is equal, so the difference tells.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click

INFERENCES = 50
PROGRAM = """
import sys
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for _ in range(int(sys.argv[2])):
    interpreter.invoke()
"""


def counted(root: Path, plugin: Path, model: Path, inferences: int) -> int:
    """Instructions of a program that loads a model and runs it."""
    python = min((root / "usr" / "bin").glob("python3.*[0-9]"))
    emulator = [
        "qemu-aarch64",
        "-cpu",
        "cortex-a76",
        "-L",
        root,
        "-E",
        f"PYTHONPATH={root / 'packages'},PYTHONHASHSEED=0",
    ]
    command = [*emulator, "-plugin", plugin, python, "-c", PROGRAM, model, inferences]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"^instructions: (\d+)$", ended.stderr, re.MULTILINE)
    if ended.returncode or not found:
        sys.exit(f"{model}: cannot be run: {ended.stderr.strip().splitlines()[-1]}")
    return int(found[1])


@click.command()
@click.option("--root", type=click.Path(path_type=Path, exists=True), required=True, help="Of scripts/aarch64-root.")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(root: Path, models: tuple[Path, ...]) -> None:
    """Count one inference of each model on one thread, and compare it with that of the last one."""
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder) / "count.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", plugin, source], check=True)  # noqa: S603, S607
        counts = [
            (counted(root, plugin, model, 1 + INFERENCES) - counted(root, plugin, model, 1)) / INFERENCES / 1e6
            for model in models
        ]
    for model, count in zip(models, counts, strict=True):
        click.echo(f"{model}: {count:.1f} million instructions, {count / counts[-1]:.3f} of the last one's")


if __name__ == "__main__":
    main()
