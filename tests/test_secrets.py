"""No password is told by a command, however it was typed and whatever goes wrong with it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from edgecam.errors import ModelError
from edgecam.rollout.download import fetch
from edgecam.rollout.record import SignedModel
from tests.command import Daemon, edgecam

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARK = "S3CRET"
ADDRESSES = [
    "rtsp://me:S3CRET@127.0.0.1:1/live",
    "rtsp://me:a#S3CRET@127.0.0.1:1/live",
    "rtsp://me:a/S3CRET@127.0.0.1:1/live",
    "rtsp://me:a[S3CRET@127.0.0.1:1/live",
    "rtsp://127.0.0.1:1/live?user=me&password=S3CRET",
    "rtsp://127.0.0.1:1/user=me_password=S3CRET_channel=1.sdp",
    "rtmp://me:S3CRET@127.0.0.1:1/live",
    "http://me:S3CRET@127.0.0.1:1/live",
    "ftp://me:S3CRET@127.0.0.1/live",
    "ftp://me:S3CRET@127.0.0.1/" + "l" * 300,
    "rtsp:/me:S3CRET@127.0.0.1/live",
    "me:S3CRET@127.0.0.1/live",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_check_does_not_tell_the_cameras_password(address: str, colour_model: Path) -> None:
    ended = edgecam(
        *("check", "--config", os.devnull, "--set", f"camera.source={address}"),
        *("--set", f"model.path={colour_model}", "--set", "mqtt.host=127.0.0.1", "--set", "mqtt.port=1"),
    )
    assert ended.returncode == 1
    assert "failure  camera" in ended.stdout
    assert MARK not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("address", [each for each in ADDRESSES if "ftp" in each or "//" not in each])
def test_a_source_that_nobody_knows_is_told_without_its_password(address: str, colour_model: Path) -> None:
    options = ("--set", f"camera.source={address}", "--set", f"model.path={colour_model}")
    ended = edgecam("run", "-v", "--config", os.devnull, *options)
    assert ended.returncode == 2
    assert "camera.source" in ended.stderr
    assert MARK not in ended.stderr


@pytest.mark.parametrize("address", [each for each in ADDRESSES if ":1/" in each or "rtsp://" in each])
def test_the_daemon_does_not_tell_it_either_when_it_tells_most(
    address: str, colour_model: Path, start_daemon: Callable[..., Daemon]
) -> None:
    settings = {"camera.source": address, "model.path": colour_model, "mqtt.host": "127.0.0.1", "mqtt.port": 1}
    daemon = start_daemon(settings, "-v")
    daemon.wait_for_log("trying again in 1.0 s")
    daemon.terminate()
    daemon.wait()
    assert any("lost" in line for line in daemon.log)
    assert not [line for line in daemon.log if MARK in line]


def test_a_password_where_its_file_is_wanted_is_not_told() -> None:
    options = ("--set", "mqtt.username=me", "--set", f"mqtt.password_file={MARK}")
    ended = edgecam("run", "--config", os.devnull, *options)
    assert ended.returncode == 2
    assert ended.stderr.startswith("edgecam: mqtt.password_file: no such file or directory; name a file that holds")
    assert MARK not in ended.stderr


@pytest.mark.parametrize("command", ["watch", "demo"])
def test_a_brokers_password_is_not_told(command: str) -> None:
    ended = edgecam(command, "--broker", f"mqtt://me:{MARK}@127.0.0.1:1883")
    assert ended.returncode == 2
    assert ended.stderr.startswith("edgecam: --broker mqtt://127.0.0.1:1883: expected HOST:PORT")


@pytest.mark.parametrize(
    "arguments",
    [
        ("classify", "ADDRESS"),
        ("classify", "picture.jpg", "--model", "ADDRESS"),
        ("classify", "picture.jpg", "--view", "ADDRESS"),
        ("bench", "--model", "ADDRESS"),
        ("check", "--picture", "ADDRESS"),
        ("run", "--config", "ADDRESS"),
        ("run", "--set", "views.gate.model.path=ADDRESS"),
        ("forget", "ADDRESS"),
    ],
    ids=" ".join,
)
def test_an_address_where_something_else_is_wanted_is_told_without_its_password(arguments: tuple[str, ...]) -> None:
    address = f"http://me:{MARK}@127.0.0.1:1/m.tflite"
    ended = edgecam(*(argument.replace("ADDRESS", address) for argument in arguments))
    assert ended.returncode == 2
    assert "http://127.0.0.1:1/m.tflite" in ended.stderr
    assert MARK not in ended.stderr


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/m.tflite?token=S3CRET", "http://me:S3CRET@127.0.0.1:1/m.tflite", "file:///no/m?S3CRET"]
)
def test_the_password_of_a_models_server_is_not_told(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    told: list[str] = []

    def tell(why: str) -> None:
        told.append(why)
        stop.set()

    try:
        fetch(SignedModel(url, "a" * 64, "A" * 86 + "=="), tmp_path, 1000, stop, tell)
    except ModelError as error:
        told.append(str(error))
    assert "m" in told[0]
    assert MARK not in told[0] + caplog.text
