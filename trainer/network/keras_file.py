"""Reads a Keras model from a file of anyone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from trainer.quiet import quietly

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".keras", ".h5", ".hdf5")


def read_keras(path: Path) -> keras.Model:
    """Read a model in Keras' own formats, without running code that comes with it.

    Raises:
        ValueError: it cannot be read; one line says why, and what to do about it.
    """
    if (path / "saved_model.pb").is_file():
        message = "a SavedModel folder, which Keras 3 does not read; save the model with model.save('model.keras')"
        raise ValueError(message)
    if not path.is_file():
        message = f"{'a folder' if path.is_dir() else 'no such file'}; expected a .keras or .h5 file"
        raise ValueError(message)
    if path.suffix.lower() not in SUFFIXES:
        message = "its name ends in no suffix that Keras knows; expected a .keras or .h5 file"
        raise ValueError(message)
    try:
        with quietly():
            return keras.models.load_model(path, compile=False)
    except Exception as error:  # noqa: BLE001  Keras, h5py and the model's own layers raise anything
        raise ValueError(_reason(error)) from None


def _reason(error: Exception) -> str:
    """Why a model cannot be read."""
    text = str(error).strip()
    if "unsafe" in text or "Lambda" in text:
        return (
            "it has a Lambda layer, which is Python code that reading would run; put a layer of Keras in its place, "
            "such as Rescaling"
        )
    if "Could not locate class" in text or "Unknown layer" in text:
        return (
            "it has a layer of its maker's own, whose code is not here; build it of Keras' layers "
            f"({_first_line(text).rstrip('.')})"
        )
    if "No model config found" in text:
        return "it holds weights without the model; save the model with model.save('model.keras')"
    return _first_line(text) or type(error).__name__


def _first_line(text: str) -> str:
    return text.partition("\n")[0].strip()
