"""One small training, which many tests look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.trainer import pictures
from tests.trainer.command import SMALL, process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.command import Ended


class Trained(NamedTuple):
    """A training that has ended: its data, its output folder and what it said."""

    data: Path
    output: Path
    ended: Ended


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three colours, 30 pictures each."""
    return pictures.data_set(tmp_path_factory.mktemp("data") / "colours", 30)


@pytest.fixture(scope="session")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A classifier of the colours, trained by the command."""
    output = tmp_path_factory.mktemp("trained") / "colours"
    return Trained(data, output, process("train", data, *SMALL, "--output", output))
