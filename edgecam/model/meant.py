"""Which file may have been meant by a path that is no model."""

from __future__ import annotations

import os
from pathlib import Path

MODEL = ".tflite"
UNCONVERTED = {".keras", ".h5", ".hdf5"}
SAVED_MODEL = "saved_model.pb"
HOMES = ("/home", "/root", "/run/user")
HIDDEN = "the service sees nobody's home: sudo install -m 644 it into /etc/edgecam, and name it there"

HIDDEN_LIBRARY = "the service sees nobody's home: install the library into /usr/local/lib, and name it there"


def what_was_meant(name: str) -> str:
    """Say what to do about a path at which there is no .tflite file; empty: there is nothing to say.

    Args:
        name: the path.
    """
    path = Path(name)
    if "INVOCATION_ID" in os.environ and is_hidden_from_services(path) and not os.access(path, os.R_OK):
        return HIDDEN
    try:
        if path.is_dir():
            return _in_folder(path)
        beside = [each for each in _models(path.parent) if each != path]
    except OSError:
        return ""
    if namesake := [each for each in beside if each.stem == path.stem]:
        return f"set model.path = {namesake[0]}, which lies beside it"
    if path.suffix.lower() in UNCONVERTED and path.exists():
        return f"convert it: python -m trainer convert {path} PHOTOGRAPHS"
    import difflib  # where nothing is wrong it is not needed

    near = difflib.get_close_matches(path.name, [each.name for each in beside], 1)
    return f"did you mean {path.with_name(near[0])}?" if near and not path.exists() else ""


def is_hidden_from_services(path: Path) -> bool:
    """Whether a file lies where a service of systemd with ``ProtectHome=yes``, such as ours, sees nothing."""
    return any(Path(os.path.abspath(path)).is_relative_to(home) for home in HOMES)  # noqa: PTH100  follows no link


def _in_folder(folder: Path) -> str:
    if inside := _models(folder):
        return f"set model.path to a file in it, such as {inside[0]}"
    is_model = (folder / SAVED_MODEL).is_file()
    return "it is a SavedModel: convert it with tf.lite.TFLiteConverter.from_saved_model" if is_model else ""


def _models(folder: Path) -> list[Path]:
    """The models in a folder, by name.

    Raises:
        OSError: it cannot be read.
    """
    return sorted(each for each in folder.iterdir() if each.suffix == MODEL)
