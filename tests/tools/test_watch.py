"""The live view of all cameras on a broker."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from edgecam.mqtt.payloads import LabelPayload, QuantilesPayload, ViewStatsPayload
from edgecam.tools.cameras import MOST, TOPICS, Cameras, CameraStatus
from edgecam.tools.watch_table import overview
from tests.broker import Mosquitto, Subscriber, free_port
from tests.command import edgecam
from tests.tools.payloads import MODEL, NONE, NOW, SEEN, STATS, event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.command import Daemon


def shown(cameras: Iterable[CameraStatus], rows: int = 20, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(overview(list(cameras), NOW, rows, "localhost:1883"))
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


class TestTable:
    """What people see."""

    def test_all_there_is_to_know_stands_in_a_row(self) -> None:
        camera = CameraStatus("porch", available=True, state=SEEN, stats=STATS, event=event("new"))
        assert shown([camera])[2].split() == ["porch", "online", "cat", "0.93", "30.0", "5.2", "51°C", "cat", "now"]

    def test_the_title_counts(self) -> None:
        cameras = [
            CameraStatus("a", available=True),
            CameraStatus("b"),
            CameraStatus("c", available=True, enabled=False),
        ]
        assert shown(cameras)[0].strip() == "edgecam on localhost:1883: 3 cameras, 1 online, 1 paused, 1 offline"

    def test_without_a_camera_it_says_so(self) -> None:
        assert [line.strip() for line in shown([])] == [
            "edgecam on localhost:1883: 0 cameras",
            "none has said anything yet: does one run, with the same mqtt.base?",
        ]

    def test_one_camera_is_one(self) -> None:
        assert shown([CameraStatus("a")])[0].strip() == "edgecam on localhost:1883: 1 camera, 1 offline"

    @pytest.mark.parametrize(("enabled", "camera", "word"), [(False, "online", "paused"), (True, "lost", "lost")])
    def test_without_frames_nothing_of_before_is_shown(self, *, enabled: bool, camera: str, word: str) -> None:
        state = msgspec.structs.replace(SEEN, camera=camera)
        stats = msgspec.structs.replace(STATS, leading=LabelPayload("fox", 0.4))
        status = CameraStatus("porch", available=True, enabled=enabled, state=state, stats=stats)
        assert shown([status])[2].split() == ["porch", word, "-", "-", "-", "-", "51°C", "-"]

    def test_while_nothing_is_told_what_is_nearest_is_shown(self) -> None:
        state = msgspec.structs.replace(SEEN, label=None, score=0.0, event_id=None)
        stats = msgspec.structs.replace(STATS, leading=LabelPayload("fox", 0.41))
        camera = CameraStatus("porch", available=True, state=state, stats=stats)
        assert shown([camera])[2].split()[:4] == ["porch", "online", "fox", "0.41"]

    def test_what_ails_comes_first(self) -> None:
        lost = CameraStatus("z", available=True, state=msgspec.structs.replace(SEEN, camera="lost"))
        rows = shown([CameraStatus("a", available=True), lost, CameraStatus("y")])
        assert [row.split()[:2] for row in rows[2:5]] == [["y", "offline"], ["z", "lost"], ["a", "online"]]

    def test_what_does_not_fit_is_counted(self) -> None:
        rows = shown([CameraStatus(f"camera-{number:03}", available=True) for number in range(50)], rows=10)
        assert rows[-1].strip() == "and 40 more"
        assert len(rows) == 13

    @pytest.mark.parametrize(
        ("ago", "words"), [(5, "cat 5 s"), (200, "cat 3 min"), (7300, "cat 2 h"), (200_000, "cat 2 d"), (-9, "cat 0 s")]
    )
    def test_the_last_event_is_told_in_round_numbers(self, ago: int, words: str) -> None:
        camera = CameraStatus("porch", available=True, event=event("end", ended=timedelta(seconds=ago)))
        assert shown([camera])[2].rstrip().endswith(words)

    @given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 10**7))
    def test_any_name_fits_into_80_columns_and_steers_no_terminal(self, name: str, label: str, ago: int) -> None:
        state = msgspec.structs.replace(SEEN, label=label or None)
        ended = event("end", label, timedelta(seconds=ago))
        camera = CameraStatus(name, available=True, state=state, stats=STATS, event=ended)
        rows = shown([camera])
        assert len(rows) == 3
        assert all(len(row) <= 80 for row in rows)
        assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", row) for row in rows)


class TestCameras:
    """What is made of messages."""

    def test_a_camera_is_what_its_messages_say(self) -> None:
        cameras = Cameras("home/edgecam")
        for name, payload in (
            ("availability", b"online"),
            ("state", msgspec.json.encode(SEEN)),
            ("stats", msgspec.json.encode(STATS)),
            ("enabled/state", b"OFF"),
        ):
            assert cameras.take(f"home/edgecam/porch/{name}", payload) is None
        assert cameras.take("home/edgecam/porch/events", msgspec.json.encode(event("new"))) == event("new")
        assert cameras.all() == {
            "porch": CameraStatus("porch", available=True, enabled=False, state=SEEN, stats=STATS, event=event("new"))
        }

    def test_an_older_daemon_tells_no_leading_label(self) -> None:
        cameras = Cameras("edgecam")
        told = {key: value for key, value in msgspec.to_builtins(STATS).items() if key != "leading"}
        cameras.take("edgecam/porch/stats", msgspec.json.encode(told))
        assert cameras.all()["porch"].stats == STATS

    @given(st.sampled_from([*TOPICS, "other", ""]), st.binary(max_size=100))
    def test_rubbish_is_passed_over(self, name: str, payload: bytes) -> None:
        cameras = Cameras("edgecam")
        assert cameras.take(f"edgecam/porch/{name}", payload) is None
        assert len(cameras.all()) <= 1

    def test_nobody_fills_the_memory_with_made_up_cameras(self) -> None:
        cameras = Cameras("edgecam")
        for number in range(MOST + 10):
            cameras.take(f"edgecam/{number}/availability", b"online")
        assert len(cameras.all()) == MOST


class TestViews:
    """Each has a row."""

    def told(self, *names: str) -> Cameras:
        """A camera whose views see a cat."""
        cameras = Cameras("edgecam")
        figures = ViewStatsPayload(12.0, 0, STATS.frames, NONE, QuantilesPayload(3.0, 4.0), None, MODEL)
        stats = msgspec.structs.replace(STATS, views=dict.fromkeys(names, figures))
        state = msgspec.structs.replace(SEEN, error=None)
        cameras.take("edgecam/porch/availability", b"online")
        cameras.take("edgecam/porch/state", msgspec.json.encode(state))
        cameras.take("edgecam/porch/stats", msgspec.json.encode(stats))
        for name in filter(None, names):
            cameras.take(f"edgecam/porch/{name}/state", msgspec.json.encode(state))
        return cameras

    def rows(self, cameras: Cameras) -> list[list[str]]:
        return [line.split() for line in shown(cameras.all().values())]

    def test_it_is_named_after_camera_and_view(self) -> None:
        cameras = self.told("gate", "bowl")
        seen = msgspec.structs.replace(event("new"), view="gate")
        assert cameras.take("edgecam/porch/events", msgspec.json.encode(seen)) == seen
        rows = self.rows(cameras)
        assert " ".join(rows[0]).endswith("1 camera with 2 views, 2 online")
        assert rows[2:] == [
            ["porch/bowl", "online", "cat", "0.93", "12.0", "3.0", "51°C", "-"],
            ["porch/gate", "online", "cat", "0.93", "12.0", "3.0", "51°C", "cat", "now"],
        ]

    def test_one_without_a_name_is_the_camera_s_own(self) -> None:
        assert [row[0] for row in self.rows(self.told("", "gate"))[2:]] == ["porch", "porch/gate"]

    def test_one_that_is_out_comes_first_and_one_that_is_off_is_paused(self) -> None:
        cameras = self.told("gate", "bowl")
        out = msgspec.structs.replace(SEEN, error="no model")
        cameras.take("edgecam/porch/gate/state", msgspec.json.encode(out))
        cameras.take("edgecam/porch/bowl/enabled/state", b"OFF")
        assert [row[:2] for row in self.rows(cameras)[2:]] == [["porch/bowl", "paused"], ["porch/gate", "out"]]

    def test_one_that_is_gone_has_none(self) -> None:
        cameras = self.told("gate", "bowl")
        cameras.take("edgecam/porch/gate/enabled/state", b"")
        cameras.take("edgecam/porch/gate/state", b"")
        assert [row[0] for row in self.rows(cameras)[2:]] == ["porch/bowl"]

    @given(st.sampled_from(["threshold/state", "model/state", "enabled/x/state", "a/b/state", "gate/threshold/state"]))
    def test_other_topics_are_no_views(self, topic: str) -> None:
        cameras = self.told("gate")
        cameras.take(f"edgecam/porch/{topic}", b"0.5")
        assert {*cameras.all()["porch"].views} == {"gate"}


@pytest.fixture
def watched(mosquitto: Mosquitto, porch: dict[str, object], start_daemon: Callable[..., Daemon]) -> Mosquitto:
    """A broker with a camera that sees red."""
    with Subscriber(mosquitto.port) as subscriber:
        start_daemon({**porch, "stats.interval": 1})
        subscriber.wait_for_event("new")
        subscriber.wait_for_topic("stats")
    return mosquitto


def first_line(watch: subprocess.Popen[bytes], watched: Mosquitto) -> bytes:
    """Let the camera begin and end events until the one who watches prints one; it may have come late."""
    assert watch.stdout
    with Subscriber(watched.port) as subscriber:
        while not select.select([watch.stdout], [], [], 0)[0]:
            subscriber.publish("edgecam/porch/enabled/set", b"OFF")
            subscriber.wait_for_topic("enabled/state", b"OFF")
            subscriber.publish("edgecam/porch/enabled/set", b"ON")
            subscriber.wait_for_event("new")
    return bytes(watch.stdout.readline())


class TestWatch:
    """The command."""

    def test_it_shows_a_camera(self, watched: Mosquitto) -> None:
        ended = edgecam("watch", "--broker", f"127.0.0.1:{watched.port}", "--seconds", 1)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.endswith("\n")
        assert re.search(r"^porch +online +red +[\d.]+ +[\d.]+ +[\d.]+ ", ended.stdout, re.MULTILINE)

    def test_in_a_terminal_of_80_columns_it_goes_on_until_ctrl_c(self, watched: Mosquitto) -> None:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "edgecam", "watch", "--broker", f"127.0.0.1:{watched.port}"]
        environment = {**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as watch:
            os.close(theirs)
            text = b""
            while text.count(b"porch") < 3:  # it is drawn again and again
                text += os.read(ours, 65_536)
            watch.send_signal(signal.SIGINT)
            assert watch.wait(20) == 0
        os.close(ours)
        assert b"\x1b[32monline" in text  # green

    def test_json_is_an_event_a_line(self, watched: Mosquitto) -> None:
        command = [sys.executable, "-m", "edgecam", "watch", "--broker", f"127.0.0.1:{watched.port}", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as watch:
            assert json.loads(first_line(watch, watched))["label"] == "red"
            watch.send_signal(signal.SIGINT)
            assert watch.wait(20) == 0

    def test_it_logs_in_as_the_settings_say(self, tmp_path: Path) -> None:
        settings = ("allow_anonymous false", f"password_file {tmp_path}/users")
        (tmp_path / "password").write_text("secret")
        (tmp_path / "users").touch(mode=0o600)
        subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "users"), "viewer", "secret"], check=True)
        with Mosquitto(tmp_path / "closed", settings) as broker:
            address = ("--broker", f"127.0.0.1:{broker.port}", "--seconds", 1)
            refused = edgecam("watch", *address)
            problem = "refuses us: not authorized; check mqtt.username and mqtt.password_file"
            assert (refused.returncode, refused.stderr) == (1, f"edgecam: broker 127.0.0.1:{broker.port} {problem}\n")
            login = ("--set", "mqtt.username=viewer", "--set", f"mqtt.password_file={tmp_path}/password")
            assert edgecam("watch", *address, *login).returncode == 0

    def test_a_broker_that_is_not_there_is_told_in_one_line(self) -> None:
        port = free_port()
        ended = edgecam("watch", "--broker", f"127.0.0.1:{port}")
        assert ended.returncode == 1
        assert ended.stderr == (
            f"edgecam: broker 127.0.0.1:{port} cannot be reached: connection refused; name another with "
            "--broker HOST:PORT\n"
        )

    def test_a_broker_that_comes_back_is_watched_again(self, watched: Mosquitto) -> None:
        command = [sys.executable, "-m", "edgecam", "watch", "--broker", f"127.0.0.1:{watched.port}", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as watch:
            first_line(watch, watched)
            watched.stop()
            watched.start()
            assert json.loads(first_line(watch, watched))["label"] == "red"
            watch.send_signal(signal.SIGINT)
            assert watch.wait(20) == 0
