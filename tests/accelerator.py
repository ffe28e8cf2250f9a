"""A real accelerator's library, compiled from accelerator.c."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("accelerator.c")


def compiled(folder: Path, source: Path = SOURCE, name: str = "libaccelerator.so.1", *words: str) -> Path:
    """Compile a library."""
    compiler = shutil.which("cc")
    assert compiler, "no C compiler: sudo apt install build-essential"
    library = folder / name
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library, source, *words], check=True
    )
    return library
