"""Of what was trained before, a comparison takes what was trained in the same way, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import msgspec

from edgecam.model import classifier
from tests.trainer import pictures
from tests.trainer.command import trainer
from tests.trainer.report.sample import report
from trainer.data.content import content_digest
from trainer.data.listing import list_photographs
from trainer.recipe.settings import Settings
from trainer.report.report import Data

if TYPE_CHECKING:
    from tests.trainer.command import Ended

SHIPPED = Path(classifier.__file__).parent.parent / "assets" / "efficientnet_lite0.tflite"


class Compared:
    """A folder of a comparison, in which one network was trained, or so it says."""

    def __init__(self, folder: Path) -> None:
        self.data = pictures.data_set(folder / "data", 2)
        self.output = folder / "out"
        self.report = self.output / "efficientnet_lite0" / "report.json"
        self.report.parent.mkdir(parents=True)
        digest = content_digest(list_photographs(self.data))
        settings = Settings(data=self.data, output=self.output).told()
        told = report(pictures.CLASSES, 2, data=Data(str(self.data), 2, 2, 2, digest=digest), settings=settings)
        self.report.write_bytes(msgspec.json.encode(told))
        shutil.copy(SHIPPED, self.report.with_name("model.tflite"))

    def again(self, *options: object) -> Ended:
        return trainer("compare", self.data, "--output", self.output, "--backbone", "efficientnet_lite0", *options)

    def refusal(self, *options: object) -> str:
        ended = self.again(*options)
        assert ended.code == 2
        return ended.stderr


@pytest.fixture
def compared(tmp_path: Path) -> Compared:
    return Compared(tmp_path)


def test_what_is_the_same_is_taken(compared: Compared) -> None:
    ended = compared.again()
    assert ended.code == 0, ended.stderr
    assert ended.stderr == f"efficientnet_lite0: taken from {compared.report.parent}\n"


def test_photographs_that_changed_since_are_told(compared: Compared) -> None:
    pictures.save(compared.data / "red", "red", [1000])
    remedy = "choose another --output, or give --overwrite"
    assert compared.refusal() == f"trainer: {compared.report}: of other photographs; {remedy}\n"


@pytest.mark.parametrize("options", [["--no-mirror"], ["--mirror"], ["--fit", "crop"], ["--unknown", "none"]])
def test_other_settings_are_told(compared: Compared, options: list[str]) -> None:
    assert "report.json: of other settings; choose another --output" in compared.refusal(*options)


def test_another_version_is_told(compared: Compared) -> None:
    told = json.loads(compared.report.read_bytes())
    compared.report.write_text(json.dumps(told | {"version": "0.0.1"}))
    assert "report.json: of version 0.0.1 of the trainer; choose another --output" in compared.refusal()


def test_wrong_weights_of_any_are_told_before_anything_is_trained(compared: Compared) -> None:
    wrong = compared.data / "no.h5"
    others = ("--backbone", "mobilenet_v3_small_minimalistic", "--backbone", "mobilenet_v3_small")
    told = compared.refusal(*others, "--weights", "none", "--weights", f"mobilenet_v3_small={wrong}", "--overwrite")
    assert told.splitlines()[-1].startswith(f"trainer: --weights {wrong}: no such file")
    assert "training" not in told
