"""Which file may have been meant by a path that is no model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.errors import ModelError
from edgecam.model.loading import plan_model
from edgecam.model.meant import HIDDEN, is_hidden_from_services, what_was_meant
from tests import tflite


@given(st.text(max_size=300))
def test_any_path_gives_at_most_a_line(name: str) -> None:
    assert "\n" not in what_was_meant(name).replace(name, "")


def test_where_nothing_is_near_nothing_is_said(tmp_path: Path) -> None:
    assert what_was_meant(str(tmp_path / "model.tflite")) == ""
    assert what_was_meant(str(tmp_path)) == ""
    assert what_was_meant(str(tmp_path / "no folder" / "model.tflite")) == ""


def test_the_remedy_is_told_whoever_loads_the_model(tmp_path: Path) -> None:
    tflite.saved(tmp_path, tflite.classifier())
    with pytest.raises(ModelError) as refused:
        plan_model(config.ModelSettings(path=str(tmp_path)), 30, measure=False)
    assert refused.value.remedy == f"set model.path to a file in it, such as {tmp_path}/model.tflite"


@pytest.mark.parametrize(
    ("path", "is_hidden"),
    [("/home/pi/model.tflite", True), ("/root/m.tflite", True), ("/etc/edgecam/m.tflite", False), ("/homes/m", False)],
)
def test_a_service_sees_no_home(monkeypatch: pytest.MonkeyPatch, path: str, *, is_hidden: bool) -> None:
    assert is_hidden_from_services(Path(path)) == is_hidden
    monkeypatch.setenv("INVOCATION_ID", "1")  # as systemd tells its services
    assert (what_was_meant(path) == HIDDEN) == is_hidden


def test_a_service_that_can_read_a_home_is_told_what_else_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.keras").touch()
    monkeypatch.setenv("INVOCATION_ID", "1")
    monkeypatch.setattr("edgecam.model.meant.HOMES", (str(tmp_path),))
    assert what_was_meant(str(tmp_path / "model.keras")).startswith("convert it")
    assert what_was_meant(str(tmp_path / "hidden.tflite")) == HIDDEN
