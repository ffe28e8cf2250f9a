"""Several services on one machine: their settings, their units and the camera's default name."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from edgecam.config import instance_of, load, settings_of, unit_of
from edgecam.errors import ConfigError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of /etc/edgecam."""
    monkeypatch.setattr("edgecam.config.instances.FOLDER", tmp_path / "edgecam")
    (tmp_path / "edgecam").mkdir()
    return tmp_path / "edgecam"


def written(file: Path, text: str = "") -> Path:
    file.write_text(text)
    return file


class TestName:
    """What a camera is called that has no name in its settings."""

    def test_an_instances_is_called_after_its_host_and_its_file(self, folder: Path) -> None:
        assert load(written(folder / "yard.toml")).camera.name == f"{socket.gethostname()}-yard"

    def test_an_empty_name_is_none(self, folder: Path) -> None:
        file = written(folder / "yard.toml", '[camera]\nname = ""\n')
        assert load(file).camera.name == f"{socket.gethostname()}-yard"

    def test_one_that_is_written_counts(self, folder: Path) -> None:
        assert load(written(folder / "yard.toml", '[camera]\nname = "porch"\n')).camera.name == "porch"
        assert load(written(folder / "yard.toml"), ["camera.name=porch"]).camera.name == "porch"

    @pytest.mark.parametrize("name", ["config.toml", "yard.conf"])
    def test_the_first_ones_is_called_after_its_host(self, folder: Path, name: str) -> None:
        assert load(written(folder / name)).camera.name == socket.gethostname()

    def test_a_file_elsewhere_names_no_camera(self, folder: Path) -> None:
        assert load(written(folder.parent / "yard.toml")).camera.name == socket.gethostname()

    def test_a_file_is_known_by_any_path_to_it(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        written(folder / "yard.toml")
        monkeypatch.chdir(folder)
        (folder.parent / "link").symlink_to(folder)
        paths = [Path("yard.toml"), folder.parent / "link" / "yard.toml", folder / ".." / "edgecam" / "yard.toml"]
        assert {instance_of(path) for path in paths} == {"yard"}

    @pytest.mark.parametrize("name", ["a\\x2db", "front door", "a+b", "ü"])
    def test_a_files_name_that_is_none_for_a_camera_is_told_in_a_line(self, folder: Path, name: str) -> None:
        file = written(folder / f"{name}.toml")
        with pytest.raises(ConfigError, match=r"set camera\.name, or rename the file") as told:
            load(file)
        assert str(told.value).startswith(f"{file}: ")
        assert len(told.value.mistakes) == 1
        assert load(file, ["camera.name=porch"]).camera.name == "porch"


def test_each_instance_has_a_file_and_a_unit() -> None:
    assert [settings_of(each) for each in ("", "yard")] == [
        Path("/etc/edgecam/config.toml"),
        Path("/etc/edgecam/yard.toml"),
    ]
    assert [unit_of(each) for each in ("", "yard")] == ["edgecam.service", "edgecam@yard.service"]


def test_the_units_differ_in_nothing_but_the_settings_and_what_they_are_called() -> None:
    (command,) = re.findall(
        r"^(sed .*) systemd/edgecam\.service", (ROOT / "scripts" / "install").read_text(), re.MULTILINE
    )
    unit = (ROOT / "systemd" / "edgecam.service").read_text()
    made = subprocess.run(["sh", "-c", command], input=unit, capture_output=True, text=True, check=True).stdout
    pairs = zip(unit.splitlines(), made.splitlines(), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == [
        ("Description=edgecam, real-time image classifier", "Description=edgecam %i, real-time image classifier"),
        (
            "Documentation=man:systemd.exec(5) file:///etc/edgecam/config.toml",
            "Documentation=man:systemd.exec(5) file:///etc/edgecam/%i.toml",
        ),
        (
            "ExecStart=/opt/edgecam/current/bin/edgecam run --config /etc/edgecam/config.toml",
            "ExecStart=/opt/edgecam/current/bin/edgecam run --config /etc/edgecam/%i.toml",
        ),
    ]
