"""A TOML file with the options of a training."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer.command import trainer
from trainer.cli import cli

FILE = Path("settings.toml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(text: str, command: str = "train") -> str:
    FILE.write_text(text)
    ended = trainer(command, "data", "--settings", FILE)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    return ended.stderr.strip()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sise = 64", "sise: no such option; see --help"),
        ("data = 'x'", "data: no such option; see --help"),
        ("settings = 'x'", "settings: no such option; see --help"),
        ("size = 64.5", "size: expected a whole number"),
        ("size = '64'", "size: expected a whole number"),
        ("batch = true", "batch: expected a whole number"),
        ("learning-rate = true", "learning-rate: expected a number"),
        ("overwrite = 1", "overwrite: expected true or false"),
        ("mirror = 'no'", "mirror: expected true or false"),
        ("output = 5", "output: expected a text in quotes"),
        ("logs = 1979-05-27", "logs: expected a text in quotes"),
        ("format = ['int8']", "format: expected a text in quotes"),
        ("[train]\nsize = 64", "train: no such option; see --help"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(text: str, problem: str) -> None:
    assert refusal(text) == f"trainer: --settings {FILE}: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("size = 8", "trainer train: invalid value for '--size': 8 is not in the range 32<=x<=1024"),
        ("format = 'int4'", "trainer train: invalid value for '--format': 'int4' is not one of"),
        ("size = ", "trainer: --settings settings.toml: no TOML with a line an option: "),
        ("\xff", "trainer: --settings settings.toml: no TOML with a line an option: "),
    ],
)
def test_what_is_out_of_bounds_or_no_toml_is_told_in_a_line(text: str, problem: str) -> None:
    assert refusal(text).startswith(problem)


def test_what_is_typed_wins() -> None:
    FILE.write_text("size = 8\n")
    ended = trainer("train", "data", "--settings", FILE, "--size", 64)
    assert ended.stderr.startswith("trainer: data: no such file or directory; expected a folder")


def test_a_file_that_is_not_there_is_told() -> None:
    assert trainer("train", "data", "--settings", "no.toml").stderr == (
        "trainer: --settings no.toml: no such file or directory\n"
    )


@pytest.mark.parametrize("name", ["train", "compare"])
def test_every_option_can_be_given(name: str) -> None:
    command = cli.commands[name]
    lines = []
    for option in command.params:
        if not isinstance(option, click.Option) or option.name in {"settings", "help", "as_json"}:
            continue
        key = option.opts[0].removeprefix("--")
        if isinstance(option.type, click.Choice):
            value = repr(str(option.type.choices[0]))
        elif option.is_flag:
            value = "true"
        elif isinstance(option.type, click.types.IntParamType):
            value = "64"
        elif isinstance(option.type, click.types.FloatParamType):
            value = "0.5"
        else:
            value = "'text'"
        lines.append(f"{key} = {value}")
    FILE.write_text("\n".join(lines))
    with command.make_context(name, ["data", "--settings", str(FILE)]) as context:
        given = {key: value for key, value in context.params.items() if value in (None, ()) and key != "data"}
    assert given == {}
    assert len(lines) > 20


def test_options_that_may_be_repeated_are_a_text_or_a_list() -> None:
    command = cli.commands["compare"]
    for text, names in (
        ("backbone = 'efficientnet_lite0'", ("efficientnet_lite0",)),
        ("backbone = ['efficientnet_lite0', 'mobilenet_v3_small']", ("efficientnet_lite0", "mobilenet_v3_small")),
    ):
        FILE.write_text(text)
        with command.make_context("compare", ["data", "--settings", str(FILE)]) as context:
            assert context.params["names"] == names
