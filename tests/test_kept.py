"""What is kept for the next start."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgecam import kept
from edgecam.config import Config
from edgecam.daemon.switches import Switches
from edgecam.kept import forget_kept, read_kept, switches_file, write_kept, write_whole
from edgecam.mqtt.announced import Announced, Shown
from edgecam.mqtt.outbox_file import OutboxFile
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
    assert Announced(tmp_path / "announced.json").topics == ("homeassistant/device/porch/config",)


def test_what_an_older_daemon_noted_is_read_and_what_was_shown_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "announced.json"
    file.write_bytes(b'{"topics":["homeassistant/device/porch/config"]}')
    label = Shown("sensor", "edgecam_porch:gate:label")
    Announced(file).show({"gate__label": label})
    Announced(file).note("edgecam/porch/gate/state")
    after = Announced(file)
    assert after.topics == ("homeassistant/device/porch/config", "edgecam/porch/gate/state")
    assert after.entities == {"gate__label": label}
    after.forget_entities(["gate__label"])
    after.forget("edgecam/porch/gate/state")
    assert (Announced(file).topics, Announced(file).entities) == (("homeassistant/device/porch/config",), {})


def is_allowed(camera: str) -> bool:
    try:
        msgspec.convert({"camera": {"name": camera}}, Config)
    except msgspec.ValidationError:
        return False
    return bool(camera)


CAMERAS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200).filter(is_allowed)
LONG = st.integers(40, 200).flatmap(lambda size: st.text("aü%中", min_size=size, max_size=size))
# Each with what lies beside it at times, and whether it is of a length that it always had.
FILES = {
    kept.outbox_file: ("outbox-{}.sqlite3", "-journal"),
    kept.switches_file: ("switches-{}.json", ".new"),
    kept.announced_file: ("announced-{}.json", ".new"),
    kept.rollout_file: ("rollout-{}.json", ".new"),
    kept.taken_file: ("taken-{}.json", ".new"),
    kept.model_folder: ("models-{}", ""),
}


@given(CAMERAS | LONG)
@example("ü" * 45)
@example("a" * 200)
def test_any_camera_has_files_that_a_disk_can_hold(camera: str) -> None:
    for file, (form, beside) in FILES.items():
        before = form.format(quote(camera, safe=""))
        name = file(camera).name
        assert len(f"{name}{beside}".encode()) <= 255
        assert name == before or len(f"{before}{beside}") > 255  # nobody loses what is kept


@given(CAMERAS | LONG, CAMERAS | LONG)
@example("ü" * 100, "ü" * 99 + "u")
@example("ü" * 100, "ü" * 101)
def test_no_two_cameras_share_a_file(one: str, other: str) -> None:
    assert all((file(one) == file(other)) == (one == other) for file in FILES)


def test_a_long_name_is_kept_by_real_files() -> None:
    camera = "ü" * 200
    write_kept(switches_file(camera), Switches(enabled=False))
    assert read_kept(switches_file(camera), Switches(), "") == Switches(enabled=False)
    OutboxFile(kept.outbox_file(camera)).close()


def nameless(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as containers do: by a user whom no file names, without a home."""
    as_somebody = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
    command = [*as_somebody, sys.executable, "-m", "edgecam", *map(str, words)]
    path = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=path)


def test_without_a_home_one_line_says_what_to_set(colour_model: Path) -> None:
    ended = nameless("run", "--set", f"model.path={colour_model}", "--set", "camera.source=/dev/video987")
    told = "edgecam: STATE_DIRECTORY: not set, and user 12345 has no home: set it to a folder that may be written\n"
    assert (ended.returncode, ended.stderr) == (2, told)


def test_without_a_home_a_tilde_is_told_in_one_line(tmp_path: Path) -> None:
    ended = nameless("run", "--set", "model.path=~/m.tflite", STATE_DIRECTORY=str(tmp_path))
    told = "edgecam: --set: model.path: ~/m.tflite: there is no home here: write the whole path\n"
    assert (ended.returncode, ended.stderr) == (2, told)


def test_a_name_that_ends_in_a_newline_is_none() -> None:
    assert not is_allowed("porch\n")


def write_often(file: Path, letter: str) -> None:
    for length in range(200):
        write_whole(file, letter.encode() * (1 + 997 * length % 5000))


def test_who_writes_the_same_file_at_once_does_not_disturb(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    processes = multiprocessing.get_context("spawn")
    writers = [processes.Process(target=write_often, args=(file, letter)) for letter in "abc"]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        if file.exists():
            assert len(set(file.read_bytes())) == 1
    for each in writers:
        each.join()
    assert [each.exitcode for each in writers] == [0, 0, 0]
    assert [each.name for each in tmp_path.iterdir()] == ["kept.json"]


def test_what_a_killed_run_left_is_used_up(tmp_path: Path) -> None:
    (tmp_path / "kept.json.new").write_bytes(b"half a fi" * 100)
    write_whole(tmp_path / "kept.json", b"all of it")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("kept.json", b"all of it")]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "kept.json").mkdir()  # nothing can take its place
    (tmp_path / "kept.json" / "file").touch()
    with pytest.raises(OSError, match=r"kept\.json"):
        write_whole(tmp_path / "kept.json", b"all of it")
    assert [each.name for each in tmp_path.iterdir()] == ["kept.json"]


def test_what_is_written_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's content is on the disk before its name is, and then its name too."""
    real = os.fsync
    written: list[Path] = []

    def noted(number: int) -> None:
        written.append(Path(f"/proc/self/fd/{number}").readlink())
        real(number)

    monkeypatch.setattr("os.fsync", noted)
    write_whole(tmp_path / "kept.json", b"all of it")
    assert written == [tmp_path / "kept.json.new", tmp_path]


def test_what_nobody_needs_is_removed_and_need_not_be_there(tmp_path: Path) -> None:
    write_kept(tmp_path / "kept.json", Switches())
    forget_kept(tmp_path / "kept.json")
    forget_kept(tmp_path / "kept.json")
    assert not any(tmp_path.iterdir())
