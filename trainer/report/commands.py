"""How to run a model: lines to type and to paste."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def edgecam(python: str = sys.executable) -> str:
    """The words that start edgecam where this was started.

    It is the one beside the Python that runs, as it is the one with which the model was tested.

    Args:
        python: the interpreter of the environment that runs.
    """
    beside, on_path = Path(python).parent / "edgecam", shutil.which("edgecam")
    if beside.is_file():
        is_the_same = on_path is not None and Path(on_path).samefile(beside)
        return "edgecam" if is_the_same else shlex.quote(_near(beside))
    if on_path:
        return "edgecam"
    return f"{shlex.quote(_near(Path(python)))} -m edgecam"


def run(model: Path) -> str:
    """The line that runs a model."""
    return f"{edgecam()} run --set {shlex.quote(f'model.path={model}')}"


def classify(model: Path) -> str:
    """The line that shows a model a picture."""
    return f"{edgecam()} classify --model {shlex.quote(str(model))} PICTURE.jpg"


def evaluate(model: Path, data: str) -> str:
    """The line that tests a model again."""
    return (
        f"{shlex.quote(_near(Path(sys.executable)))} -m trainer evaluate {shlex.quote(str(model))} {shlex.quote(data)}"
    )


def settings(thresholds: Mapping[str, float], neutral: Sequence[str]) -> str:
    """What the model carries, as a part of ``config.toml``, to paste and to change."""
    listed = ", ".join(_text(each) for each in neutral)
    lines = ["[events]", f"neutral = [{listed}]", "", "[events.thresholds]"]
    lines += [f"{_key(label)} = {limit:.2f}" for label, limit in thresholds.items()]
    return "\n".join(lines)


def _near(path: Path) -> str:
    """A path as short as it can be typed here: links are left as they are."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would leave the virtual environment
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _key(label: str) -> str:
    return label if BARE_KEY.fullmatch(label) else _text(label)


def _text(text: str) -> str:
    """A string of TOML, whose escapes are JSON's, save for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
