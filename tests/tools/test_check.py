"""``edgecam check``: what works, what does not, and the remedy for its cause."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edgecam.config import ModelSettings, load
from edgecam.errors import ModelError
from edgecam.model.meant import HIDDEN
from edgecam.tools.check import findings
from edgecam.tools.demo import shipped_clip
from edgecam.tools.finding import Finding, Status
from edgecam.tools.remedies import remedy_for_model
from tests import tflite
from tests.broker import Mosquitto, free_port
from tests.clips import BGR
from tests.command import as_options, edgecam

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def good(mosquitto: Mosquitto) -> list[str]:
    settings = {"camera.source": shipped_clip(), "mqtt.host": mosquitto.host, "mqtt.port": mosquitto.port}
    return as_options(settings)


def failure(*options: object) -> tuple[str, str, str]:
    """The only row that tells of a failure: its name, what is wrong, and the remedy."""
    ended = edgecam("check", "--json", *options)
    assert ended.returncode == 1, ended.stderr
    (failed,) = (row for row in json.loads(ended.stdout) if row["status"] == "failure")
    return failed["name"], failed["detail"], failed["remedy"]


def model_of(*options: object) -> tuple[str, dict[str, Any], str]:
    """Tell of the model: its row's status, the facts, and the remedy."""
    (row,) = (row for row in json.loads(edgecam("check", "--json", *options).stdout) if row["name"] == "model")
    return row["status"], row["facts"], row["remedy"]


def test_a_line_for_each_part(good: list[str]) -> None:
    ended = edgecam("check", *good)
    assert ended.returncode == 0
    names = [line.split()[1] for line in ended.stdout.splitlines()]
    assert names == ["settings", "model", "camera", "broker", "service", "temperature"]


def test_json_for_programs(good: list[str]) -> None:
    rows = json.loads(edgecam("check", "--json", *good).stdout)
    assert {row["name"]: row["status"] for row in rows}["broker"] == "ok"
    assert all(set(row) - {"facts"} == {"name", "status", "detail", "remedy"} for row in rows)
    assert [row["name"] for row in rows if "facts" in row] == ["model"]


def test_it_says_which_settings_were_read(good: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[camera]\nname = "porch"\n')
    told = edgecam("check", "--config", tmp_path / "mine.toml", *good).stdout
    assert f"read from {tmp_path}/mine.toml: camera porch, topics edgecam/porch/" in told


def test_it_says_that_no_settings_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    first = next(findings(lambda: load(None, ["camera.name=porch"]), None))
    assert (first.status, first.detail) == (
        Status.OK,
        "defaults, as there is no settings file: camera porch, topics edgecam/porch/",
    )


def test_in_a_terminal_a_failure_is_red_and_no_line_is_broken_by_the_terminal(good: list[str]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "edgecam", "check", *good, "--set", "mqtt.port=1"]
    environment = {**os.environ, "COLUMNS": "80"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as check:
        os.close(theirs)
        text = b""
        while b"temperature" not in text:
            text += os.read(ours, 65_536)
        check.kill()
    os.close(ours)
    assert b"\x1b[31mfailure" in text
    broker = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text.decode()).splitlines() if line]
    assert all(len(line) <= 80 or "/" in line for line in broker)
    assert any(line.startswith(" " * 22) for line in broker)
    assert any(line.startswith(" " * 22 + "-> start it") for line in broker)  # not in the middle of what is wrong


class TestSettings:
    """Settings that are wrong."""

    def test_each_mistake_has_its_remedy(self, good: list[str]) -> None:
        ended = edgecam("check", "--json", *good, "--set", "queue.size=0", "--set", "camera.nmae=x")
        assert ended.returncode == 1
        assert [(row["detail"], row["remedy"]) for row in json.loads(ended.stdout)] == [
            ("--set: queue.size: expected int >= 1, got 0", "correct it; the other checks need the settings"),
            ("--set: camera.nmae: unknown key", "did you mean name?"),
        ]


class TestInstances:
    """The settings of one of several services."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Two services' settings, and a systemctl that knows of them."""
        (tmp_path / "systemctl").write_text(
            "#!/bin/sh\n[ $2 = edgecam@yard.service ] && state=active || state=failed\n"
            "echo ActiveState=$state; echo LoadState=loaded; echo StatusText=sees cat\n"
        )
        (tmp_path / "systemctl").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.setattr("edgecam.config.instances.FOLDER", tmp_path)
        for name in ("config", "yard"):
            (tmp_path / f"{name}.toml").write_text('[camera]\nsource = "/dev/video987"\n[mqtt]\nport = 1\n')
        return tmp_path

    def found(self, file: Path, instance: str) -> dict[str, Finding]:
        return {each.name: each for each in findings(lambda: load(file), file, instance=instance)}

    def test_its_own_service_is_looked_at(self, folder: Path) -> None:
        found = self.found(folder / "yard.toml", "yard")
        assert found["camera"].detail == "/dev/video987: the service says: sees cat"
        assert (found["service"].status, found["service"].detail) == (Status.OK, "edgecam@yard.service is active")

    def test_the_first_one_is_another(self, folder: Path) -> None:
        found = self.found(folder / "config.toml", "")
        assert (found["camera"].detail, found["service"].detail) == (
            "/dev/video987: no such device",
            "edgecam.service is failed",
        )

    def test_two_cameras_of_one_name_are_told(self, folder: Path) -> None:
        file = folder / "yard.toml"
        file.write_text(file.read_text().replace("[camera]", f'[camera]\nname = "{socket.gethostname()}"'))
        found = self.found(file, "yard")["settings"]
        assert found.status == Status.FAILURE
        assert found.detail.endswith(f"so is that of {folder}/config.toml")
        assert found.remedy == "set camera.name in one of them to another name"

    def test_a_file_that_is_wrong_is_no_namesake(self, folder: Path) -> None:
        (folder / "config.toml").write_text("[camera]\nnmae = 1\n")
        assert self.found(folder / "yard.toml", "yard")["settings"].status == Status.OK


class TestFacts:
    """What is said of a model that runs."""

    def test_the_shipped_one(self, good: list[str]) -> None:
        assert model_of(*good) == (
            "ok",
            {
                "input": [224, 224, 3],
                "type": "uint8",
                "layout": "nhwc",
                "pixels": "-1..1",
                "pixels_from": "metadata",
                "outputs": "probabilities",
                "fit": "crop",
                "labels": 1000,
                "labels_from": "its metadata",
            },
            "",
        )

    def test_one_whose_pixels_are_assumed_says_what_it_sees_under_each_range(
        self, good: list[str], tmp_path: Path
    ) -> None:
        model = tflite.saved(tmp_path, tflite.classifier("float32"))
        cv2.imwrite(str(tmp_path / "red.png"), np.full((48, 64, 3), BGR["red"], np.uint8))
        options = [*good, "--set", f"model.path={model}", "--picture", tmp_path / "red.png"]
        status, facts, remedy = model_of(*options)
        assert (status, facts["pixels"], facts["pixels_from"]) == ("warning", "0..1", "assumed")
        assert "model.pixels" in remedy
        assert set(facts["ranges"]) == {"0..255", "0..1", "-1..1", "imagenet"}
        assert facts["ranges"]["-1..1"][0]["label"] == "red"
        (first,) = (
            line for line in edgecam("check", *options).stdout.splitlines() if line.strip().startswith("0..255")
        )
        assert "red 1.00, green 0.00, blue 0.00" in first
        assert [
            line.split()[0] for line in edgecam("check", *options).stdout.splitlines() if "as it is now" in line
        ] == ["0..1"]

    def test_a_frame_of_the_camera_is_shown_where_no_picture_is_named(self, good: list[str], tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.classifier("float32"))
        assert set(model_of(*good, "--set", f"model.path={model}")[1]["ranges"]) > {"0..1"}

    def test_one_of_teachable_machine_is_shown_under_each_range_too(self, good: list[str], tmp_path: Path) -> None:
        """Others may write their labels like that."""
        model = tflite.saved(tmp_path, tflite.classifier("float32"), ("0 red", "1 green", "2 blue"))
        status, facts, remedy = model_of(*good, "--set", f"model.path={model}")
        assert (status, facts["pixels"], facts["pixels_from"], facts["fit"]) == ("ok", "-1..1", "labels", "crop")
        assert set(facts["ranges"]) == {"0..255", "0..1", "-1..1", "imagenet"}
        assert "model.pixels" in remedy

    def test_the_order_of_colours_is_doubted_where_the_model_shows_another(
        self, good: list[str], tmp_path: Path
    ) -> None:
        model = tflite.saved(tmp_path, tflite.means((1, 12, 16, 3), [("SUB", [103.9, 116.8, 123.7])]), ("a", "b", "c"))
        status, _, remedy = model_of(*good, "--set", f"model.path={model}")
        assert status == "warning"
        assert remedy.startswith('set model.channels = "bgr"')

    def test_one_that_is_set_is_no_guess(self, good: list[str], tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.classifier("float32"))
        status, facts, _ = model_of(*good, "--set", f"model.path={model}", "--set", 'model.pixels="-1..1"')
        assert (status, facts["pixels"], facts["pixels_from"]) == ("ok", "-1..1", "settings")

    def test_one_that_says_the_same_of_everything_is_doubted(self, good: list[str], tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.means((1, 12, 16, 3), [("MUL", 0.0)]), ("a", "b", "c"))
        ended = edgecam("check", *good, "--set", f"model.path={model}", "--set", 'model.pixels="0..1"')
        assert "it says nearly the same of noise, patches of colour, black, white and the picture" in ended.stdout

    def test_labels_that_are_there_twice_are_told(self, good: list[str], tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.classifier("uint8"), ("crane", "crane", "cat"))
        ended = edgecam("check", *good, "--set", f"model.path={model}")
        assert "'crane'" in ended.stdout
        assert ended.returncode == 0

    def test_a_picture_that_is_not_there(self, good: list[str], tmp_path: Path) -> None:
        ended = edgecam("check", *good, "--picture", tmp_path / "nowhere.png")
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == f"edgecam: --picture {tmp_path}/nowhere.png: no such file or directory\n"


class TestModelsOfViews:
    """What is to be set is named where it is to be set."""

    def test_a_view_with_a_model_of_its_own(self, good: list[str], tmp_path: Path) -> None:
        folders = [tmp_path / "gate", tmp_path / "bin"]
        for folder in folders:
            folder.mkdir()
        models = [tflite.saved(folder, tflite.classifier()) for folder in folders]
        file = tmp_path / "several.toml"
        file.write_text(
            f"[model]\npath = '{models[0]}'\n[[views]]\nname = 'gate'\n"
            f"[[views]]\nname = 'bin'\n[views.model]\npath = '{models[1]}'\n"
            "[[views]]\nname = 'door'\n[views.model]\npath = 'nowhere.tflite'\n"
        )
        rows = {row["name"]: row for row in json.loads(edgecam("check", "--json", "--config", file, *good).stdout)}
        assert rows["model gate"]["remedy"].startswith("set model.pixels (and model.channels =")
        assert rows["model bin"]["remedy"].startswith("set views.bin.model.pixels (and views.bin.model.channels =")
        assert str(models[1]) in rows["model bin"]["detail"]
        assert rows["model door"]["detail"] == "views.door.model.path: nowhere.tflite: no such file or directory"
        assert "name a classifier in views.door.model.path" in rows["model door"]["remedy"]


class TestModel:
    """Models that are refused."""

    def test_one_that_is_not_there(self, good: list[str]) -> None:
        assert failure(*good, "--set", "model.path=nowhere.tflite") == (
            "model",
            "model.path: nowhere.tflite: no such file or directory",
            "name a classifier in model.path, or none for the shipped one",
        )

    @pytest.mark.parametrize(
        ("name", "remedy"),
        [
            ("model.keras", "set model.path = {folder}/model.tflite, which lies beside it"),
            ("", "set model.path to a file in it, such as {folder}/model.tflite"),
            ("modle.tflite", "did you mean {folder}/model.tflite?"),
            ("other.keras", "convert it: python -m trainer convert {folder}/other.keras PHOTOGRAPHS"),
        ],
    )
    def test_the_one_that_may_have_been_meant(self, good: list[str], tmp_path: Path, name: str, remedy: str) -> None:
        folder = tmp_path / "mine"
        folder.mkdir()
        for each in ("model.keras", "other.keras"):
            (folder / each).write_bytes(b"PK\x03\x04 as Keras writes it")
        tflite.saved(folder, tflite.classifier())
        part, _, told = failure(*good, "--set", f"model.path={folder / name}")
        assert (part, told) == ("model", remedy.format(folder=folder))

    @pytest.mark.parametrize("labels", ["few.txt", "nowhere.txt"])
    def test_labels_that_do_not_match(self, good: list[str], tmp_path: Path, labels: str) -> None:
        (tmp_path / "few.txt").write_text("red\n")
        part, _, remedy = failure(*good, "--set", f"model.labels={tmp_path / labels}")
        assert part == "model"
        assert "model.labels" in remedy

    @pytest.mark.parametrize(
        ("said", "remedy"),
        [
            ("model.graph: no graph can be rewritten without LiteRT", "correct model.graph, or leave it out"),
            ("m.tflite: fails (with model.delegate = lib.so)", "correct model.delegate, or leave it out"),
            ("model.path: m.tflite: permission denied", "name a classifier in model.path, or none for the shipped one"),
            ("m.tflite: 3 scores, but 2 labels; name them in model.labels", "name them in model.labels"),
        ],
    )
    def test_the_remedy_belongs_to_the_fault(self, said: str, remedy: str) -> None:
        assert remedy_for_model(ModelError(said), ModelSettings(path="m.tflite")) == remedy

    def test_one_in_a_home_is_not_there_for_the_service(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tflite.saved(tmp_path, tflite.classifier("uint8"))
        systemctl = tmp_path / "systemctl"
        systemctl.write_text("#!/bin/sh\necho ActiveState=failed; echo LoadState=loaded; echo StatusText=\n")
        systemctl.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.setattr("edgecam.model.meant.HOMES", (str(tmp_path),))
        found = {
            instance: next(
                islice(findings(lambda: load(None, [f"model.path={path}"]), None, instance=instance), 1, None)
            )
            for instance in ("", None)
        }
        assert (found[""].status, found[""].remedy) == (Status.FAILURE, HIDDEN)
        assert found[None].status == Status.OK


class TestCamera:
    """Cameras that give no frame."""

    def test_a_folder_that_has_its_images_in_folders(self, good: list[str], tmp_path: Path) -> None:
        (tmp_path / "photographs" / "cats").mkdir(parents=True)
        (tmp_path / "photographs" / ".thumbnails").mkdir()
        (tmp_path / "photographs" / "bills").mkdir()
        cv2.imwrite(str(tmp_path / "photographs" / "cats" / "1.png"), np.zeros((8, 8, 3), np.uint8))
        assert failure(*good, "--set", f"camera.source={tmp_path}/photographs") == (
            "camera",
            f"camera.source: {tmp_path}/photographs: no image in it that can be read",
            f"name a folder in it, such as {tmp_path}/photographs/cats",
        )

    @pytest.mark.parametrize(
        ("source", "remedy"),
        [
            ("nowhere.mp4", "expected auto, picamera2"),
            ("/dev/video987", "is the camera plugged in?"),
            ("/dev/null", "see that it is a camera"),
            ("pyproject.toml", "correct camera.source"),
        ],
    )
    def test_each_cause_has_its_remedy(self, good: list[str], source: str, remedy: str) -> None:
        part, _, told = failure(*good, "--set", f"camera.source={source}")
        assert part == "camera"
        assert told.startswith(remedy)

    def test_nothing_is_said_twice(self, good: list[str]) -> None:
        ended = edgecam("check", "--json", *good, "--set", "camera.source=auto")
        (camera,) = (row for row in json.loads(ended.stdout) if row["name"] == "camera")
        said = f"{camera['detail']} {camera['remedy']}"
        assert said.count("set camera.source") <= 1

    def test_the_password_of_a_stream_is_not_shown(self, good: list[str]) -> None:
        source = f"rtsp://user:secret@127.0.0.1:{free_port()}/stream"
        part, detail, remedy = failure(*good, "--set", f"camera.source={source}")
        assert part == "camera"
        assert "address, user name and password" in remedy
        assert "secret" not in detail + remedy


class TestBroker:
    """Brokers that do not let us in."""

    def test_one_that_is_not_there(self, good: list[str]) -> None:
        port = free_port()
        assert failure(*good, "--set", f"mqtt.port={port}") == (
            "broker",
            f"127.0.0.1:{port} cannot be reached: connection refused",
            "start it: sudo systemctl start mosquitto; or correct mqtt.host and mqtt.port",
        )

    def test_a_name_that_is_none(self, good: list[str]) -> None:
        part, _, remedy = failure(*good, "--set", "mqtt.host=no.host.invalid")
        assert (part, remedy) == ("broker", "correct mqtt.host")

    def test_one_that_wants_a_password(self, good: list[str], tmp_path: Path) -> None:
        (tmp_path / "users").touch(mode=0o600)
        with Mosquitto(tmp_path / "closed", ("allow_anonymous false", f"password_file {tmp_path}/users")) as broker:
            assert failure(*good, "--set", f"mqtt.port={broker.port}") == (
                "broker",
                f"127.0.0.1:{broker.port} refuses us: not authorized",
                "check mqtt.username and mqtt.password_file",
            )

    def test_a_password_file_that_is_not_there(self, good: list[str]) -> None:
        login = ("--set", "mqtt.username=porch", "--set", "mqtt.password_file=/nowhere")
        part, detail, remedy = failure(*good, *login)
        assert (part, detail) == ("broker", "mqtt.password_file: /nowhere: no such file or directory")
        assert remedy == "name a file that holds nothing but the password"

    def test_one_without_tls_where_tls_is_wanted(self, good: list[str]) -> None:
        part, _, remedy = failure(*good, "--set", "mqtt.tls=true")
        assert part == "broker"
        assert "tls" in remedy

    def test_one_that_is_no_broker(self, good: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            part, detail, remedy = failure(*good, "--set", f"mqtt.port={silent.getsockname()[1]}")
        assert part == "broker"
        assert "does not answer as an MQTT broker within 7 s" in detail
        assert "port" in remedy
