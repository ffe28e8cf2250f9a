"""The commands that make the shipped model and clip make what is shipped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")
pytest.importorskip("av")

from edgecam import config
from edgecam.camera.sources import open_source
from edgecam.model.classifier import Classifier
from edgecam.tools.demo import shipped_clip
from trainer.shipped import model as shipped_model
from trainer.shipped.clip import main as shipped_clip_command
from trainer.shipped.photographs import random_views

if TYPE_CHECKING:
    from pathlib import Path

    import click
    from numpy.typing import NDArray


def make(command: click.Command, output: Path) -> None:
    command.main(["--output", str(output)], standalone_mode=False)


def images(clip: Path) -> NDArray[np.uint8]:
    camera = config.CameraSettings(source=str(clip))
    return np.array([frame.image for frame in open_source(camera).frames(threading.Event())])


@pytest.mark.timeout(300)
def test_the_model_made_anew_answers_as_the_shipped_one(tmp_path: Path) -> None:
    make(shipped_model.main, tmp_path / "anew.tflite")
    anew, shipped = (
        Classifier(config.ModelSettings(path=str(tmp_path / "anew.tflite"))),
        Classifier(config.ModelSettings()),
    )
    assert (anew.classes, anew.groups, anew.fit) == (shipped.classes, shipped.groups, "crop")
    views = random_views(60, 224, seed=1)
    assert np.mean([np.abs(anew.scores(view) - shipped.scores(view)).max() for view in views]) < 0.01


@pytest.mark.timeout(300)
def test_the_clip_made_anew_shows_what_the_shipped_one_shows(tmp_path: Path) -> None:
    make(shipped_clip_command, tmp_path / "anew.mp4")
    anew, shipped = images(tmp_path / "anew.mp4"), images(shipped_clip())
    assert anew.shape == shipped.shape
    assert np.abs(anew[::30].astype(int) - shipped[::30]).mean() < 2
