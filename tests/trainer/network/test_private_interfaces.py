"""What we use of Keras that it does not promise: a new version that lacks it is told by name."""

from __future__ import annotations

import inspect

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras

IMAGE = keras.Input((4, 4, 3))


def test_a_functional_model_has_run_through_graph() -> None:
    model = keras.Model(IMAGE, keras.layers.Flatten()(IMAGE))
    assert hasattr(model, "_run_through_graph"), f"Keras {keras.__version__} lacks Functional._run_through_graph"
    named = [*inspect.signature(model._run_through_graph).parameters]  # noqa: SLF001  that is what is asked
    assert named[:3] == ["inputs", "operation_fn", "call_fn"], f"Keras {keras.__version__}: _run_through_graph{named}"


def test_a_sequential_has_a_functional() -> None:
    model = keras.Sequential([IMAGE, keras.layers.Flatten()])
    assert hasattr(model, "_functional"), f"Keras {keras.__version__} lacks Sequential._functional"
