"""What is kept for the next start."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.daemon.switches import Switches
from edgecam.kept import read_kept, write_kept
from edgecam.mqtt.homeassistant import Announced
from edgecam.rollout.record import Installed, Record

KEPT = (
    Switches(enabled=False, threshold=0.25, instead_of=0.6),
    Record(active=Installed("/m.tflite", "0" * 64), is_trial=True, refused={"1" * 64: "too slow"}),
)
NAMES = "enabled|threshold|instead_of|active|starts|is_own|refused|state"


@pytest.mark.parametrize("kept", KEPT)
def test_what_was_written_is_read(tmp_path: Path, kept: Switches | Record) -> None:
    write_kept(tmp_path / "state" / "kept.json", kept)
    assert read_kept(tmp_path / "state" / "kept.json", type(kept)(), "") == kept


@given(
    st.sampled_from([Switches(), Record()]),
    st.binary() | st.from_regex(rf'\{{"({NAMES})": ?[^}}]{{0,9}}\}}').map(str.encode),
)
def test_a_file_is_taken_as_it_was_written_or_there_was_nothing(nothing: Switches | Record, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kept.json"
        file.write_bytes(content)
        read = read_kept(file, nothing, "")
        write_kept(file, read)
        assert read_kept(file, nothing, "") == read


def test_a_folder_that_cannot_be_written_does_not_stop_us(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write_kept(tmp_path / "file" / "kept.json", Switches())


def test_where_a_camera_was_announced_outlives_a_restart(tmp_path: Path) -> None:
    Announced(tmp_path / "announced.json").note("homeassistant/device/porch/config")
    assert Announced(tmp_path / "announced.json").topic == "homeassistant/device/porch/config"
