"""The daemon as a process, with a real broker."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
from datetime import datetime
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from edgecam.tools.demo import shipped_clip
from tests import tflite
from tests.broker import Message, Mosquitto, Subscriber, events
from tests.command import Daemon, as_options, edgecam

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    StartDaemon = Callable[..., Daemon]

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
EVENT_FIELDS = [
    *("schema", "id", "type", "camera", "label", "index", "score", "top_score"),
    *("frame_time", "start_time", "end_time", "top", "model"),
]
STATS_FIELDS = [
    *("schema", "uptime_s", "fps", "frames", "inference_ms", "latency_ms", "queue", "outbox"),
    *("outbox_dropped", "cpu_percent", "rss_mb", "temperature_c", "throttled", "model", "leading"),
]
LIVES = [("new", "red"), ("end", "red"), ("new", "green"), ("end", "green")]


@pytest.fixture
def play(colour_clip: Path, colour_model: Path) -> dict[str, object]:
    """Settings that play the colour clip."""
    return {"camera.name": "porch", "camera.source": colour_clip, "model.path": colour_model}


def at(broker: Mosquitto, settings: dict[str, object], **more: object) -> dict[str, object]:
    extra = {key.replace("__", "."): value for key, value in more.items()}
    return {"mqtt.host": broker.host, "mqtt.port": broker.port, **settings, **extra}


def locked_broker(folder: Path) -> Mosquitto:
    """A broker that lets in nobody but ``camera``, with the password ``right``."""
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", passwords, "camera", "right"], check=True)
    passwords.chmod(0o644)
    return Mosquitto(folder / "broker", [f"password_file {passwords}"])


def told(messages: list[Message]) -> list[tuple[str, str]]:
    return [(event["type"], event["label"]) for event in events(messages) if event["type"] != "update"]


@pytest.fixture
def played(mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]) -> list[Message]:
    """Everything that is published while the colour clip plays once."""
    with Subscriber(mosquitto.port) as subscriber:
        assert start_daemon(at(mosquitto, play)).wait() == 0
        return subscriber.until_offline()


def payloads(messages: list[Message], name: str) -> list[Any]:
    return [message.json for message in messages if message.topic == f"edgecam/porch/{name}"]


class TestAFile:
    """What a clip gives, from its first frame to the end of the daemon."""

    def test_every_event_is_delivered_before_the_daemon_ends_by_itself(self, played: list[Message]) -> None:
        assert told(played) == LIVES

    def test_an_event_has_the_fields_of_the_contract(self, played: list[Message], colour_model: Path) -> None:
        event = payloads(played, "events")[0]
        assert list(event) == EVENT_FIELDS
        assert (event["schema"], event["camera"], event["label"], event["index"]) == (1, "porch", "red", 0)
        assert UUID7.fullmatch(event["id"])
        assert TIME.fullmatch(event["frame_time"])
        assert event["top"][0]["label"] == "red"
        digest = subprocess.run(["sha256sum", colour_model], capture_output=True, text=True, check=True).stdout[:64]
        assert event["model"] == {"name": "model", "sha256": digest}

    def test_events_follow_the_clips_own_clock(self, played: list[Message]) -> None:
        """Red is on for 1.5 s, and 1 s of grey is between the colours."""
        spans = [
            (datetime.fromisoformat(event["start_time"]), datetime.fromisoformat(event["end_time"]))
            for event in payloads(played, "events")
            if event["type"] == "end"
        ]
        assert (spans[0][1] - spans[0][0]).total_seconds() == pytest.approx(1.5, abs=0.35)
        assert (spans[1][0] - spans[0][0]).total_seconds() == pytest.approx(2.5, abs=0.1)

    def test_the_last_stats_account_for_every_frame(self, played: list[Message]) -> None:
        stats = payloads(played, "stats")[-1]
        assert stats["frames"] == {"captured": 165, "dropped": 0, "classified": 165}
        assert (stats["queue"], stats["outbox"]) == (0, 0)

    def test_stats_have_the_fields_of_the_contract(self, played: list[Message]) -> None:
        stats = payloads(played, "stats")[-1]
        assert list(stats) == STATS_FIELDS
        assert stats["latency_ms"]["p99"] >= stats["latency_ms"]["p50"] > 0

    def test_availability_begins_online_and_ends_offline(self, played: list[Message]) -> None:
        assert [m.payload for m in played if m.topic.endswith("availability")] == [b"online", b"offline"]

    def test_the_same_clip_gives_the_same_events_again(
        self, mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object], played: list[Message]
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            subscriber.wait_for_topic("availability", b"offline")  # the retained one of the first run
            start_daemon(at(mosquitto, play)).wait()
            again = events(subscriber.until_offline())
        assert [(e["type"], e["label"], e["score"]) for e in again] == [
            (e["type"], e["label"], e["score"]) for e in events(played)
        ]


def test_the_state_follows_the_events(mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        start_daemon(at(mosquitto, play, camera__realtime="true"))
        new = subscriber.wait_for_topic("events").json
        during = subscriber.wait_for(
            lambda message: b'"label":"red"' in message.payload and b"camera" in message.payload
        )
        after = subscriber.wait_for(
            lambda message: message.topic.endswith("/state") and b'"label":null' in message.payload
        )
    assert list(during.json) == ["label", "score", "since", "event_id", "camera"]
    assert during.json == {**during.json, "event_id": new["id"], "since": new["start_time"], "camera": "online"}
    assert (after.json["event_id"], after.json["score"]) == (None, 0.0)


def test_retained_topics_are_there_for_who_comes_later(
    mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]
) -> None:
    start_daemon(at(mosquitto, play)).wait()
    with Subscriber(mosquitto.port) as subscriber:
        late = [subscriber.wait_for(lambda message: message.retain) for _ in range(5)]
    names = {message.topic.removeprefix("edgecam/porch/") for message in late}
    assert names == {"availability", "state", "stats", "enabled/state", "threshold/state"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_and_its_open_event(
    mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object], number: signal.Signals
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon(at(mosquitto, play, camera__loop="true", camera__realtime="true"))
        subscriber.wait_for(lambda message: b'"new"' in message.payload)
        daemon.process.send_signal(number)
        assert daemon.wait() == 0
        assert told(subscriber.until_offline())[-1] == ("end", "red")


def test_the_daemon_stops_while_its_source_blocks(
    mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object], tmp_path: Path
) -> None:
    """A pipe that nobody writes to blocks the capture thread for ever."""
    os.mkfifo(tmp_path / "pipe.mp4")
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon(at(mosquitto, play, camera__source=tmp_path / "pipe.mp4"))
        subscriber.wait_for_topic("availability", b"online")
        daemon.process.terminate()
        assert daemon.wait() == 0
        subscriber.until_offline()


def test_a_killed_daemon_leaves_offline_as_its_last_will(
    mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]
) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon(at(mosquitto, play, camera__loop="true", camera__realtime="true"))
        subscriber.wait_for_topic("availability", b"online")
        daemon.kill()
        subscriber.until_offline()


class TestTheBroker:
    """A broker that comes, goes and refuses."""

    def test_events_wait_for_a_broker_that_comes_later(
        self, mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        with Subscriber(mosquitto.port, session="subscriber") as subscriber:
            mosquitto.stop()
            daemon = start_daemon(at(mosquitto, play), "-v")
            daemon.wait_for_logs("cannot be reached: connection refused; trying again", "event end")
            mosquitto.start()
            assert told(subscriber.until_offline()) == LIVES
        assert daemon.wait() == 0

    def test_no_event_is_lost_or_out_of_order_when_the_broker_restarts(
        self, mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        with Subscriber(mosquitto.port, session="subscriber") as subscriber:
            daemon = start_daemon(at(mosquitto, play, camera__loop="true", camera__realtime="true"), "-v")
            subscriber.wait_for(lambda message: b'"new"' in message.payload)
            mosquitto.stop()
            daemon.wait_for_log("event end")
            mosquitto.start()
            subscriber.wait_for_topic("availability", b"online")
            daemon.process.terminate()
            assert daemon.wait() == 0
            seen = told(subscriber.until_offline())
        once = [step for step, before in zip(seen, [None, *seen], strict=False) if step != before]
        assert once == list(islice(cycle(LIVES), len(once)))

    def test_events_that_could_not_be_delivered_go_out_at_the_next_start(
        self, mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        mosquitto.stop()
        daemon = start_daemon(at(mosquitto, play, camera__loop="true"), "-v")
        daemon.wait_for_log("event end")
        daemon.process.terminate()
        assert daemon.wait() == 0
        assert any("could not be delivered; they are kept for the next start" in line for line in daemon.log)
        mosquitto.start()
        with Subscriber(mosquitto.port) as subscriber:
            start_daemon(at(mosquitto, play)).wait()
            seen = events(subscriber.until_offline())
        assert [(event["type"], event["label"]) for event in seen][:1] == [("new", "red")]
        assert len({event["id"] for event in seen if event["type"] == "new"}) > 2

    def test_a_wrong_password_is_told_and_tried_again(
        self, tmp_path: Path, start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        (tmp_path / "password").write_text("wrong\n")
        login = {"mqtt.username": "camera", "mqtt.password_file": tmp_path / "password"}
        with locked_broker(tmp_path) as broker:
            daemon = start_daemon(at(broker, {**play, **login}, camera__loop="true"))
            line = daemon.wait_for_log("refuses us")
            daemon.process.terminate()
            daemon.wait()
        assert "check mqtt.username and mqtt.password_file" in line
        assert "wrong" not in "\n".join(daemon.log).replace("wrong user", "")

    def test_the_password_may_be_a_credential_of_systemd(
        self, tmp_path: Path, start_daemon: StartDaemon, play: dict[str, object], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "credentials").mkdir()
        (tmp_path / "credentials" / "mqtt-password").write_text("right\n")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
        with locked_broker(tmp_path) as broker:
            daemon = start_daemon(at(broker, play, mqtt__username="camera"))
            daemon.wait_for_log("connected")
            assert daemon.wait() == 0

    def test_garbage_on_every_topic_does_no_harm(
        self, mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        names = ["events", "stats", "enabled/set", "threshold/set", "enabled/state", "model/set", ""]
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(at(mosquitto, play, camera__loop="true", camera__realtime="true"))
            subscriber.wait_for_topic("availability", b"online")
            for name in names:
                for payload in (b"", b"\xff\x00", b"{" * 1000, b"x" * 100_000):
                    subscriber.publish(f"edgecam/porch/{name}", payload)
            subscriber.wait_for(
                lambda message: message.payload.startswith(b'{"schema":1') and b'"new"' in message.payload
            )
            daemon.process.terminate()
            assert daemon.wait() == 0


class TestTls:
    """Encryption is verified."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> trustme.CA:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        server = authority.issue_cert("127.0.0.1")
        server.private_key_pem.write_to_path(str(tmp_path / "server.key"))
        server.cert_chain_pems[0].write_to_path(str(tmp_path / "server.pem"))
        return authority

    @pytest.fixture
    def settings(self, tmp_path: Path, authority: trustme.CA) -> list[str]:
        del authority  # its files are what we need
        files = [f"cafile {tmp_path}/ca.pem", f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.key"]
        return ["allow_anonymous true", *files]

    def test_events_come_over_tls(
        self, tmp_path: Path, settings: list[str], start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        tls = {"mqtt.tls": "true", "mqtt.ca_file": tmp_path / "ca.pem"}
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with Mosquitto(tmp_path / "broker", settings) as broker, Subscriber(broker.port, context) as subscriber:
            assert start_daemon(at(broker, {**play, **tls})).wait() == 0
            assert told(subscriber.until_offline()) == LIVES

    def test_a_certificate_that_is_not_trusted_is_refused(
        self, tmp_path: Path, settings: list[str], start_daemon: StartDaemon, play: dict[str, object]
    ) -> None:
        with Mosquitto(tmp_path / "broker", settings) as broker:
            daemon = start_daemon(at(broker, play, mqtt__tls="true", camera__loop="true"))
            daemon.wait_for_log("its certificate is not trusted")

    def test_a_client_certificate_lets_us_in(
        self,
        tmp_path: Path,
        authority: trustme.CA,
        settings: list[str],
        start_daemon: StartDaemon,
        play: dict[str, object],
    ) -> None:
        ours = authority.issue_cert("camera@example.org")
        ours.private_key_pem.write_to_path(str(tmp_path / "our.key"))
        ours.cert_chain_pems[0].write_to_path(str(tmp_path / "our.pem"))
        tls = {
            "mqtt.tls": "true",
            "mqtt.ca_file": tmp_path / "ca.pem",
            "mqtt.cert_file": tmp_path / "our.pem",
            "mqtt.key_file": tmp_path / "our.key",
        }
        with Mosquitto(tmp_path / "broker", [*settings, "require_certificate true"]) as broker:
            daemon = start_daemon(at(broker, {**play, **tls}))
            daemon.wait_for_log("connected")
            assert daemon.wait() == 0


class TestRefusals:
    """Bad input gets one line a mistake and an exit code."""

    @pytest.mark.parametrize(
        ("options", "code", "line"),
        [
            (["--config", "nowhere.toml"], 2, "edgecam: nowhere.toml: cannot be read: no such file or directory"),
            (["--set", "mqtt.port=x"], 2, "edgecam: --set: mqtt.port: expected int, got str"),
            (["--set", "camera.source=no.mp4"], 2, "edgecam: camera.source: no.mp4: no such file; expected auto, pic"),
            (["--set", "model.path=no.tflite"], 3, "edgecam: model.path: no.tflite: no such file or directory"),
            (["--confg", "x"], 2, "edgecam run: no such option '--confg'"),
            (["extra"], 2, "edgecam run: got unexpected extra argument (extra)"),
        ],
    )
    def test_a_mistake_is_told_in_one_line(self, options: list[str], code: int, line: str) -> None:
        ended = edgecam("run", *options)
        assert (ended.returncode, ended.stdout) == (code, "")
        assert ended.stderr.startswith(line)
        assert ended.stderr.count("\n") == 1

    def test_every_mistake_in_a_file_has_a_line_of_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_text("[queue]\nsize = 0\nlenght = 1\n")
        ended = edgecam("run", "--config", tmp_path / "config.toml")
        assert ended.returncode == 2
        assert ended.stderr.splitlines() == [
            f"edgecam: {tmp_path}/config.toml: queue.size: expected int >= 1, got 0",
            f"edgecam: {tmp_path}/config.toml: queue.lenght: unknown key; known: size",
        ]

    @pytest.mark.parametrize("kind", ["pose", "truncated", "labels"])
    def test_what_is_no_classifier_is_refused_with_exit_code_3(self, tmp_path: Path, kind: str) -> None:
        content = {"pose": tflite.reshaper((1, 1, 8, 24)), "truncated": tflite.classifier()[:500]}
        path = tflite.saved(tmp_path, content.get(kind, tflite.classifier()), ["only one"])
        ended = edgecam("run", "--set", f"model.path={path}", "--set", f"camera.source={shipped_clip()}")
        assert ended.returncode == 3
        assert ended.stderr.startswith(f"edgecam: {path}: ")
        assert ended.stderr.count("\n") == 1

    @pytest.mark.parametrize("source", ["text.mp4", "empty", "text.mp4/"])
    def test_a_source_that_cannot_be_read_is_told_in_one_line(
        self, mosquitto: Mosquitto, tmp_path: Path, source: str, colour_model: Path
    ) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "text.mp4").write_text("no video")
        settings = {"camera.source": f"{tmp_path}/{source}", "model.path": colour_model}
        ended = edgecam("run", "-q", *as_options(at(mosquitto, settings)))
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"edgecam: camera.source: {tmp_path}/")
        assert ended.stderr.count("\n") == 1

    @pytest.mark.parametrize("key", ["password_file", "ca_file", "cert_file"])
    def test_a_missing_secret_or_certificate_is_named(self, key: str, play: dict[str, object]) -> None:
        more = {"username": "me", "tls": "true", "key_file": "no.pem"} | {"cert_file": "no.pem"}
        if key == "password_file":
            more = {"username": "me"}
        if key == "ca_file":
            more = {"tls": "true"}
        settings = {**play, **{f"mqtt.{name}": value for name, value in {**more, key: "no.pem"}.items()}}
        ended = edgecam("run", *as_options(settings))
        assert ended.returncode == 2
        assert f"edgecam: mqtt.{key}: no.pem" in ended.stderr

    def test_a_camera_that_is_not_there_is_tried_again(
        self, mosquitto: Mosquitto, start_daemon: StartDaemon, colour_model: Path
    ) -> None:
        settings = {"camera.name": "porch", "camera.source": "/dev/video987", "model.path": colour_model}
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(at(mosquitto, settings))
            daemon.wait_for_log("camera /dev/video987: lost: no such device")
            assert subscriber.wait_for_topic("state").json["camera"] == "lost"
            daemon.process.terminate()
            assert daemon.wait() == 0


def test_the_daemon_never_imports_tensorflow(colour_clip: Path, colour_model: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from edgecam.config import load; from edgecam.daemon.service import Service; "
        f"Service(lambda: load(None, ['camera.source={colour_clip}', 'model.path={colour_model}'])); "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('tensorflow', 'keras', 'trainer', 'amqtt', 'mediapipe', 'matplotlib', 'click')])"
    )
    environment = {**os.environ, "STATE_DIRECTORY": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.strip() == "[]"


def test_unknown_labels_in_the_settings_are_warned_of(
    start_daemon: StartDaemon, mosquitto: Mosquitto, play: dict[str, object]
) -> None:
    daemon = start_daemon(at(mosquitto, play, events__ignore='["gren"]'))
    assert daemon.wait_for_log("events.ignore").endswith("the model has no label 'gren'; did you mean 'green'?")


def test_two_cameras_share_a_broker(mosquitto: Mosquitto, start_daemon: StartDaemon, play: dict[str, object]) -> None:
    with Subscriber(mosquitto.port) as subscriber:
        daemons = [start_daemon(at(mosquitto, play, camera__name=name)) for name in ("porch", "yard")]
        assert [daemon.wait() for daemon in daemons] == [0, 0]
        subscriber.until_offline()
        subscriber.until_offline()
    for name in ("porch", "yard"):
        own = [message for message in subscriber.seen if message.topic.startswith(f"edgecam/{name}/")]
        assert told(own) == LIVES
