"""What users type: version, help and demo."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.broker import Mosquitto, Subscriber, free_port
from tests.command import edgecam


def test_version_is_that_of_the_package() -> None:
    assert edgecam("--version").stdout == f"edgecam, version {version('edgecam')}\n"


@pytest.mark.parametrize("command", ["run", "demo", "check", "classify", "bench", "watch", "forget", "keygen", "sign"])
def test_help_tells_what_a_command_does(command: str) -> None:
    ended = edgecam(command, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: edgecam {command} [OPTIONS]")


def test_help_lists_the_commands() -> None:
    listed = re.findall(r"^  (\w+)  ", edgecam("--help").stdout, re.MULTILINE)
    assert listed == ["bench", "check", "classify", "demo", "forget", "keygen", "run", "sign", "watch"]


def test_help_says_in_a_line_of_80_columns_what_each_command_is_for() -> None:
    lines = edgecam("--help", environment={"COLUMNS": "80"}).stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    commands = lines[lines.index("Commands:") + 1 :]
    assert all(re.fullmatch(r"  \w+ +\S.*[^.]\.", line) for line in commands), commands


def test_a_bare_command_prints_the_help() -> None:
    ended = edgecam()
    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", edgecam("--help").stdout)


@pytest.mark.parametrize(
    ("arguments", "line"), [(["rnu"], "no such command 'rnu'"), (["--sed"], "no such option '--sed'")]
)
def test_a_mistyped_command_gets_one_line(arguments: list[str], line: str) -> None:
    ended = edgecam(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"edgecam: {line}")
    assert ended.stderr.count("\n") == 1


def test_a_number_that_is_none_is_told_in_plain_words() -> None:
    line = "edgecam classify: invalid value for '--top': 'x' is not a whole number (see edgecam classify --help)\n"
    assert edgecam("classify", "a.jpg", "--top", "x").stderr == line


def test_closed_outputs_are_no_error(tmp_path: Path) -> None:
    """A shell's ``>&-`` leaves Python without them."""
    command = f"exec {sys.executable} -m edgecam check --set camera.source={tmp_path} --set mqtt.port=1"
    both = subprocess.run(["sh", "-c", f"{command} >&- 2>&-"], check=False)
    out = subprocess.run(["sh", "-c", f"{command} >&-"], check=False, capture_output=True, text=True)
    assert (both.returncode, out.returncode, out.stderr) == (1, 1, "")


def test_the_installed_command_is_there() -> None:
    assert subprocess.run([Path(sys.executable).with_name("edgecam"), "--version"], check=True, capture_output=True)


class TestDemo:
    """The whole pipeline in one command."""

    def test_it_prints_the_events_that_arrive_and_a_summary(self) -> None:
        ended = edgecam("demo", "--seconds", 8)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert re.search(r"^\d\d:\d\d:\d\d\.\d\d  new     cat +0\.\d\d #+$", ended.stdout, re.MULTILINE)
        assert re.search(
            r"^\d\d:\d\d:\d\d\.\d\d  end     cat .* seen for \d\.\d s, best 0\.\d\d$", ended.stdout, re.MULTILINE
        )
        for line in (
            r"frames +\d+ classified, \d+ dropped",
            r"latency +p50 [\d.]+ ms, p99 [\d.]+ ms",
            r"events +[1-9]\d* began, [1-9]\d* ended",
        ):
            assert re.search(f"^{line}", ended.stdout, re.MULTILINE)

    def test_its_seconds_begin_when_the_daemon_is_online(self, tmp_path: Path) -> None:
        """On a busy machine its start took longer than the few seconds that were asked for."""
        slow = "import sys, time\nif 'run' in sys.orig_argv:\n    time.sleep(4)\n"
        (tmp_path / "sitecustomize.py").write_text(slow)
        ended = edgecam("demo", "--seconds", 4, environment={"PYTHONPATH": str(tmp_path)})
        assert re.search(r"^frames +\d+ classified", ended.stdout, re.MULTILINE)

    def test_it_ends_with_what_to_type_next(self) -> None:
        steps = edgecam("demo", "--seconds", 8).stdout.partition("\ndelivery ")[2]
        assert re.findall("^    (.*)$", steps, re.MULTILINE) == ["edgecam run", "edgecam check", "make trainer"]

    def test_it_stops_when_nobody_reads_on(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-m", "edgecam", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stdout
            assert demo.stderr
            assert any("new" in line for line in demo.stdout)
            demo.stdout.close()
            assert re.fullmatch(r"stopped after \d+ s\n", demo.stderr.read())
        assert demo.returncode == 1

    def test_it_uses_the_broker_that_is_named(self, mosquitto: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            ended = edgecam("demo", "--seconds", 8, "--broker", f"{mosquitto.host}:{mosquitto.port}")
            assert subscriber.wait_for_topic("events").json["label"] == "cat"
        assert ended.returncode == 0

    def test_without_an_event_it_fails(self) -> None:
        assert edgecam("demo", "--seconds", 1).returncode == 1

    def test_a_broker_that_is_not_there_is_told_in_one_line(self) -> None:
        port = free_port()
        ended = edgecam("demo", "--broker", f"127.0.0.1:{port}")
        assert ended.returncode == 1
        assert ended.stderr == f"edgecam: --broker 127.0.0.1:{port}: cannot be reached: connection refused\n"

    @pytest.mark.parametrize("broker", ["localhost", "localhost:http", ":1883", "localhost:99999"])
    def test_a_broker_without_host_and_port_is_refused(self, broker: str) -> None:
        ended = edgecam("demo", "--broker", broker)
        assert ended.returncode == 2
        assert ended.stderr == f"edgecam: --broker {broker}: expected HOST:PORT, such as localhost:1883\n"

    @pytest.mark.parametrize("seconds", ["0", "x"])
    def test_a_duration_that_is_none_is_refused(self, seconds: str) -> None:
        ended = edgecam("demo", "--seconds", seconds)
        assert ended.returncode == 2
        assert ended.stderr.startswith("edgecam demo: invalid value for '--seconds'")
