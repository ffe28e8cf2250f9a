"""What users do wrong gets one line that says what, where and what to do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from edgecam import __version__
from tests.trainer import pictures
from tests.trainer.command import UNTAUGHT, process, trainer
from trainer.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(120)


def refusal(*arguments: object, environment: dict[str, str] | None = None) -> str:
    """The one line with which a command is refused."""
    ended = trainer(*arguments, environment=environment)
    assert (ended.code, ended.stdout) == (2, ""), ended.stderr
    lines = [line for line in ended.stderr.splitlines() if not line.startswith(("photographs: ", "warning: "))]
    assert len(lines) == 1, ended.stderr
    return lines[0]


def test_version_and_help() -> None:
    assert trainer("--version").stdout == f"trainer, version {__version__}\n"
    listed = re.findall(r"^  (\w+)  ", trainer("--help").stdout, re.MULTILINE)
    assert listed == ["compare", "convert", "cost", "evaluate", "train"]


def test_help_is_pointed_to_as_it_is_typed() -> None:
    assert trainer("train").stderr.endswith(" (see python -m trainer train --help)\n")
    assert trainer("train", "--help").stdout.startswith("Usage: python -m trainer train [OPTIONS] DATA\n")


@pytest.mark.parametrize("command", cli.commands.values(), ids=[*cli.commands])
def test_every_option_is_described(command: click.Command) -> None:
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help or len(each.help.split()) < 3] == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["trian"], "trainer: no such command 'trian'"),
        (["train"], "trainer train: missing argument 'DATA'"),
        (["train", "x", "--backbone", "resnet"], "trainer train: invalid value for '--backbone': 'resnet' is not one"),
        (["train", "x", "--epochs", "-1"], "trainer train: invalid value for '--epochs': -1 is not in the range x>=0"),
        (["train", "x", "--seed", "4294967296"], "trainer train: invalid value for '--seed': 4294967296 is not in the"),
        (["train", "no-such-folder"], "trainer: no-such-folder: no such file or directory; expected a folder"),
        (["evaluate", "no.tflite", "."], "trainer: model.path: no.tflite: no such file"),
        (["compare", ".", "--weights", "resnet=none"], "trainer: --weights resnet=...: no such backbone; expected"),
    ],
)
def test_a_mistyped_word(arguments: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = trainer(*arguments)
    assert ended.code in (2, 3)
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1


def test_one_class_only(tmp_path: Path) -> None:
    root = pictures.data_set(tmp_path / "data", 3, ["red"])
    assert "there is only one (red)" in refusal("train", root, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_empty_class(tmp_path: Path) -> None:
    root = pictures.data_set(tmp_path / "data", 3)
    (root / "black").mkdir()
    assert "class black has no photographs that can be read" in refusal("train", root, "--output", tmp_path / "out")


def test_what_is_refused_after_all_was_read_leaves_nothing_behind(tmp_path: Path) -> None:
    root = pictures.data_set(tmp_path / "data", 2)
    (tmp_path / "mine").mkdir()
    for output in ("new", "mine"):
        assert "class red has too few photographs" in refusal("train", root, "--output", tmp_path / output)
    assert not (tmp_path / "new").exists()
    assert [*(tmp_path / "mine").iterdir()] == []


def test_an_output_that_cannot_be_written(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refusal("train", data, "--output", tmp_path / "file" / "out")
    assert line == f"trainer: --output {tmp_path}/file/out: not a directory"


class TestWeights:
    """Weights that cannot be had, or do not fit."""

    def test_without_a_network_the_line_says_what_to_do(self, data: Path, tmp_path: Path) -> None:
        offline = {"HTTPS_PROXY": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path / "keras")}
        options = ("--backbone", "mobilenet_v3_large", "--output", tmp_path / "out")
        ended = process("train", data, *options, environment=offline)
        assert ended.code == 2
        line = ended.stderr.splitlines()[-1]
        assert line.startswith("trainer: cannot download the ImageNet weights of mobilenet_v3_large (")
        assert "fetch https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/" in line
        assert line.endswith("on another one and give the file with --weights FILE")

    @pytest.mark.parametrize(
        ("name", "content", "problem"),
        [
            ("no.keras", None, "--weights {path}: no such file; expected imagenet, none or a .keras, .h5 or .pth file"),
            ("bad.keras", b"x", "{path}: cannot be taken as weights of mobilenet_v3_small: "),
            ("bad.h5", b"x", "{path}: cannot be taken as weights of mobilenet_v3_small: "),
            ("bad.txt", b"x", "{path}: cannot be taken as weights of mobilenet_v3_small: "),
        ],
    )
    def test_a_bad_file(self, data: Path, tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        line = refusal("train", data, *UNTAUGHT, "--weights", path, "--output", tmp_path / "out")
        assert line.startswith(f"trainer: {problem.format(path=path)}")


class TestTheNetworkOfWorkers:
    """TF_CONFIG."""

    @pytest.mark.parametrize(
        ("settings", "problem"),
        [
            (None, "TF_CONFIG lacks 'TF_CONFIG'"),
            ("{", "TF_CONFIG is wrong"),
            (json.dumps({"cluster": {"worker": ["a:1"]}}), "TF_CONFIG lacks 'task'"),
            (
                json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 4}}),
                "TF_CONFIG is wrong",
            ),
        ],
    )
    def test_a_wrong_one(self, data: Path, tmp_path: Path, settings: str | None, problem: str) -> None:
        environment = {} if settings is None else {"TF_CONFIG": settings}
        line = refusal(
            "train", data, "--strategy", "multiworker", "--output", tmp_path / "out", environment=environment
        )
        assert line.startswith(f"trainer: --strategy multiworker: {problem}")
        assert "expected" in line
        assert '"task": {"type": "worker", "index": 0}}' in line
