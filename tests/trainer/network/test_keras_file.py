"""Reading Keras models of anyone's: what cannot be read is told in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from keras import layers

from trainer.network.keras_file import read_keras

if TYPE_CHECKING:
    from pathlib import Path


def model(first: Any) -> keras.Model:
    image = keras.Input((4, 4, 3))
    return keras.Model(image, layers.Dense(2, activation="softmax")(layers.Flatten()(first(image))))


class Halved(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A layer of its maker's own."""

    def call(self, inputs: Any) -> Any:
        """Halve."""
        return inputs / 2


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_keras_wrote_is_read(suffix: str, tmp_path: Path) -> None:
    made = model(layers.Rescaling(1 / 255, offset=[-1, -2, -3]))
    made.save(tmp_path / f"model{suffix}")
    image = np.ones((1, 4, 4, 3), np.float32)
    assert np.allclose(read_keras(tmp_path / f"model{suffix}")(image), made(image))


def _cut(path: Path) -> None:
    model(layers.Identity()).save(path)
    path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.parametrize(
    ("name", "write", "problem"),
    [
        (
            "lambda.keras",
            lambda path: model(layers.Lambda(lambda x: x / 255)).save(path),
            "it has a Lambda layer",
        ),
        ("lambda.h5", lambda path: model(layers.Lambda(lambda x: x / 255)).save(path), "it has a Lambda layer"),
        ("own.keras", lambda path: model(Halved()).save(path), "it has a layer of its maker's own, whose code is not"),
        ("own.h5", lambda path: model(Halved()).save(path), "it has a layer of its maker's own, whose code is not"),
        ("only.weights.h5", lambda path: model(layers.Identity()).save_weights(path), "it holds weights without the"),
        ("cut.keras", _cut, ""),
        ("cut.h5", _cut, ""),
        ("empty.keras", lambda path: path.write_bytes(b""), ""),
        ("model.tflite", lambda path: path.write_bytes(b"x"), "its name ends in no suffix that Keras knows"),
        ("none.keras", lambda path: None, "no such file; expected a .keras or .h5 file"),  # noqa: ARG005
        ("folder", lambda path: path.mkdir(), "a folder; expected a .keras or .h5 file"),
        ("saved", lambda path: model(layers.Identity()).export(path), "a SavedModel folder, which Keras 3 does not"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(name: str, write: Any, problem: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    with pytest.raises(ValueError, match=f"^{problem}") as told:
        read_keras(tmp_path / name)
    assert str(told.value)
    assert "\n" not in str(told.value)
