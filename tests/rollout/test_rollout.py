"""Models that come over MQTT: orders are refused or obeyed, and what fails goes back by itself."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.frame_queue import FrameQueue
from edgecam.camera.frames import CameraChange, Frame, Layout
from edgecam.config import Config, ModelSettings, RolloutSettings
from edgecam.daemon.inference import Inference, PipelinesChange
from edgecam.daemon.pipeline import make_pipelines
from edgecam.daemon.stats import Stats
from edgecam.model.classifier import shipped_model
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.commands import parse
from edgecam.rollout.probation import ENOUGH, WARM_UP, Probation, Verdict
from edgecam.rollout.record import Installed, Record, SignedModel, TakeModel, with_model
from edgecam.rollout.signature import is_signed
from edgecam.rollout.signature import order as signed_order
from tests import clips, tflite
from tests.broker import Message, Mosquitto, Subscriber, events
from tests.command import USUAL, Daemon, edgecam
from tests.feeds import feed_of_camera
from tests.settings import as_toml
from trainer.quantisation.metadata import with_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
SIGNATURE = "A" * 86 + "=="
TAKING = Config(rollout=RolloutSettings(public_key="A" * 43 + "="))


def order(sha256: str) -> SignedModel:
    return SignedModel("https://models.example/m.tflite", sha256, SIGNATURE)


def installed(sha256: str) -> Installed:
    return Installed(f"/models/{sha256}.tflite", sha256)


def test_what_the_settings_say_of_their_own_model_does_not_hold_for_an_ordered_one() -> None:
    device: dict[str, Any] = {"runtime": "litert", "threads": 2, "delegate": "lib.so", "delegate_options": {"mark": 1}}
    own: dict[str, Any] = {
        "labels": "own.txt",
        "scores": "logits",
        "pixels": "0..1",
        "channels": "bgr",
        "output": "age",
    }
    model = ModelSettings(path="own.tflite", size=(64, 64), **own, **device)
    expected = ModelSettings(path=installed(A).file, **device)
    assert with_model(Config(model=model), installed(A)).model == expected


class TestOrders:
    """What is taken for one."""

    def test_what_sign_prints_is_an_order(self) -> None:
        payload = msgspec.json.encode(order(A))
        assert parse("model/set", payload, is_kept=True) == TakeModel(order(A), for_all=False, is_kept=True)
        assert parse("all/model/set", payload) == TakeModel(order(A), for_all=True)

    def test_nothing_takes_an_order_back(self) -> None:
        assert parse("model/set", b"") == TakeModel(None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"url": "ftp://models.example/m.tflite"},
            {"url": "https://models.example/a b"},
            {"url": "https://" + "m" * 5000},
            {"sha256": "A" * 64},
            {"sha256": "a" * 63},
            {"signature": "A" * 88},
            {"size": 7},
            {"url": 7},
        ],
    )
    def test_a_wrong_field_is_refused_in_one_line(self, changes: dict[str, object]) -> None:
        payload = msgspec.json.encode({**msgspec.to_builtins(order(A)), **changes})
        with pytest.raises(ValueError, match="model/set: expected what edgecam sign prints, got") as refused:
            parse("model/set", payload)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 300

    @given(st.binary(min_size=1, max_size=5000))
    def test_rubbish_is_refused(self, payload: bytes) -> None:
        with pytest.raises(ValueError, match="model/set: expected"):
            parse("model/set", payload)


class TestSignatures:
    """Only the owner of the key signs; OpenSSL signs and verifies the same."""

    @pytest.fixture
    def key(self, tmp_path: Path) -> tuple[Path, str]:
        made = edgecam("keygen", tmp_path / "key.pem")
        assert made.returncode == 0
        return tmp_path / "key.pem", made.stdout.split('"')[1]

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        return tflite.saved(tmp_path, tflite.classifier())

    def test_a_signature_is_of_one_model_by_one_key(self, key: tuple[Path, str], model: Path, tmp_path: Path) -> None:
        made = msgspec.json.decode(signed_order(model, key[0], "file:///m.tflite"), type=SignedModel)
        assert made.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
        assert is_signed(key[1], made.sha256, made.signature)
        assert not is_signed(key[1], A, made.signature)
        other = edgecam("keygen", tmp_path / "other.pem").stdout.split('"')[1]
        assert not is_signed(other, made.sha256, made.signature)

    def test_openssl_signs_likewise(self, key: tuple[Path, str], model: Path, tmp_path: Path) -> None:
        made = msgspec.json.decode(signed_order(model, key[0], "file:///m.tflite"), type=SignedModel)
        script = (
            'printf \'edgecam model %s\' "$1" > text; openssl pkeyutl -sign -rawin -inkey "$2" -in text | base64 -w 0'
        )
        ended = subprocess.run(
            ["sh", "-c", script, "sh", made.sha256, str(key[0])],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ended.stdout == made.signature

    def test_the_private_key_is_for_its_owner_only_and_not_overwritten(self, key: tuple[Path, str]) -> None:
        content = key[0].read_bytes()
        assert key[0].stat().st_mode & 0o777 == 0o600
        again = edgecam("keygen", key[0])
        assert (again.returncode, again.stderr) == (
            2,
            f"edgecam: {key[0]}: is there already; a key that is replaced is lost: name another file\n",
        )
        assert key[0].read_bytes() == content

    def test_sign_prints_the_order(self, key: tuple[Path, str], model: Path) -> None:
        ended = edgecam("sign", model, "--key", key[0], "--url", "https://models.example/m.tflite")
        assert ended.returncode == 0
        assert parse("model/set", ended.stdout.strip().encode())

    def test_what_only_an_accelerator_runs_is_signed_untried(self, key: tuple[Path, str], tmp_path: Path) -> None:
        model = tflite.saved(tmp_path, tflite.custom_operator("edgetpu-custom-op"))
        words = ["sign", model, "--key", key[0], "--url", "https://models.example/m.tflite"]
        assert edgecam(*words).returncode == 3
        ended = edgecam(*words, "--untried")
        made = msgspec.json.decode(ended.stdout, type=SignedModel)
        assert made.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
        assert is_signed(key[1], made.sha256, made.signature)
        model.write_bytes(b"no model")
        assert edgecam(*words, "--untried").returncode == 3

    @pytest.mark.parametrize(
        ("arguments", "code", "problem"),
        [
            (["{model}", "--key", "{nothing}", "--url", "file:///m"], 2, "--key {nothing}: no such file or directory"),
            (["{model}", "--key", "{model}", "--url", "file:///m"], 2, "--key {model}: no Ed25519 private key in PEM"),
            (["{model}", "--key", "{key}", "--url", "ftp://m"], 2, "--url ftp://m: expected https://..., http://..."),
            (["{key}", "--key", "{key}", "--url", "file:///m"], 3, "{key}: not a .tflite file"),
        ],
    )
    def test_what_cannot_be_signed_is_told_in_one_line(
        self, key: tuple[Path, str], model: Path, arguments: list[str], code: int, problem: str
    ) -> None:
        names = {"key": key[0], "model": model, "nothing": model.with_name("nothing")}
        ended = edgecam("sign", *(each.format(**names) for each in arguments))
        assert (ended.returncode, ended.stdout) == (code, "")
        assert ended.stderr.startswith(f"edgecam: {problem.format(**names)}")
        assert ended.stderr.count("\n") == 1

    @pytest.mark.parametrize("public_key", ["short", "A" * 43, "B" * 44, "AAAA"])
    def test_a_public_key_that_is_none_is_refused(self, public_key: str) -> None:
        ended = edgecam("run", "--config", os.devnull, "--set", f"rollout.public_key={public_key}")
        assert ended.returncode == 2
        assert "rollout.public_key: expected the 32 bytes of an Ed25519 key in base64" in ended.stderr


class TestRecord:
    """What is decided, without a network."""

    ORDERS = st.builds(
        TakeModel, st.none() | st.sampled_from([A, B, C]).map(order), for_all=st.booleans(), is_kept=st.booleans()
    )

    def test_a_model_that_runs_is_not_fetched(self) -> None:
        record, is_wanted = Record(state="refused: why").answered(TakeModel(order(A)), running=A)
        assert (record.state, is_wanted) == ("active", False)

    def test_an_order_for_this_camera_counts_more_than_one_to_all(self) -> None:
        own, _ = Record().answered(TakeModel(order(A)), running=B)
        assert not own.answered(TakeModel(order(C), for_all=True), running=A)[1]
        free, _ = own.answered(TakeModel(None), running=A)
        assert free.answered(TakeModel(order(C), for_all=True), running=A)[1]

    def test_what_was_refused_is_tried_again_only_when_it_is_ordered_anew(self) -> None:
        record = Record().taken(installed(A), "", 5.0).failed("it is too slow")
        kept, is_wanted = record.answered(TakeModel(order(A), is_kept=True), running=B)
        assert (kept.state, is_wanted) == ("refused: it is too slow", False)
        anew, is_wanted = record.answered(TakeModel(order(A)), running=B)
        assert (anew.refused, is_wanted) == ({}, True)

    def test_what_fails_gives_way_to_what_ran_before(self) -> None:
        first = Record().taken(installed(A), "", 5.0).proven()
        second = first.taken(installed(B), "", 5.0)
        assert second.applied(TAKING) == with_model(TAKING, installed(B))
        assert second.failed("why").applied(TAKING) == with_model(TAKING, installed(A))
        assert second.failed("why").failed("why").applied(TAKING) == TAKING

    def test_one_crash_on_trial_may_be_a_power_cut_but_two_are_the_models_fault(self) -> None:
        record = Record().taken(installed(A), "", 5.0)
        once = record.started()
        assert once.active
        assert once.started().state == "refused: edgecam crashed 2 times while it was tried"
        assert once.ended().started().active

    def test_who_names_another_model_in_the_settings_later_wins(self) -> None:
        record = Record().taken(installed(A), "", 5.0)
        settings = msgspec.structs.replace(TAKING, model=ModelSettings(path="/mine.tflite"))
        assert (record.settled(settings), record.applied(settings)) == (Record(), settings)

    def test_without_a_key_the_settings_own_model_runs_as_long_as_there_is_none(self) -> None:
        record = Record().taken(installed(A), "", 5.0)
        assert (record.settled(Config()), record.applied(Config(), installed(B))) == (record, Config())
        assert record.applied(TAKING, installed(B)) == with_model(TAKING, installed(B))

    @given(st.lists(ORDERS), st.sampled_from([A, B, C]))
    def test_no_series_of_orders_changes_what_is_active(self, orders: list[TakeModel], running: str) -> None:
        record = Record().taken(installed(running), "", 5.0).proven()
        for each in orders:
            record, is_wanted = record.answered(each, running)
            assert record.active == installed(running)
            assert not is_wanted or (each.order and each.order.sha256 != running)


class TestProbation:
    """Live frames decide."""

    @pytest.fixture
    def verdicts(self) -> list[Verdict]:
        return []

    def take(self, probation: Probation, milliseconds: float, count: int, every_ms: int = 33) -> None:
        for each in range(count):
            probation.took(round(milliseconds * 1e6), each * every_ms * 1_000_000)

    def test_as_fast_as_before_is_good(self, verdicts: list[Verdict]) -> None:
        self.take(Probation(A, 5.0, 2.0, verdicts.append), 9.9, WARM_UP + ENOUGH + 10)
        assert verdicts == [Verdict(A, "")]

    def test_slower_than_allowed_is_not(self, verdicts: list[Verdict]) -> None:
        self.take(Probation(A, 5.0, 2.0, verdicts.append), 10.1, WARM_UP + ENOUGH)
        assert verdicts[0].problem.startswith("it is too slow: 10.1 ms an inference after 5.0 ms")

    def test_the_first_inferences_may_be_slow(self, verdicts: list[Verdict]) -> None:
        probation = Probation(A, 5.0, 2.0, verdicts.append)
        self.take(probation, 500, WARM_UP)
        self.take(probation, 5, ENOUGH)
        assert verdicts == [Verdict(A, "")]

    def test_a_slow_camera_need_not_give_as_many_frames(self, verdicts: list[Verdict]) -> None:
        self.take(Probation(A, 5.0, 2.0, verdicts.append), 5.0, WARM_UP + 12, every_ms=1000)
        assert verdicts == [Verdict(A, "")]

    def test_what_fails_is_told_once(self, verdicts: list[Verdict]) -> None:
        probation = Probation(A, 5.0, 2.0, verdicts.append)
        probation.failed(RuntimeError("a node\nfailed"))
        probation.failed(RuntimeError("again"))
        assert verdicts == [Verdict(A, "it fails: a node failed")]


class TestFailing:
    """A model that fails on a live frame does not end the daemon, as long as it is on probation."""

    def run(self, model: Path, probation: Probation | None) -> list[object]:
        """Classify a frame of a wrong size."""
        feed = feed_of_camera()
        frames = FrameQueue(2, feed)
        frames.tell(CameraChange(online=True, at_ns=0))
        frames.put(Frame(np.zeros((7, 7), np.uint8), 1, 1, Layout.I420), feed)
        frames.close()
        settings = Config(model=ModelSettings(path=str(model), runtime="litert", graph="original", threads=1))
        handed: list[object] = []
        first = PipelinesChange(make_pipelines(settings).by_view, {"": probation} if probation else {})
        Inference(frames, Clock(), first, Stats(frames), handed.append, lambda _: None, lambda: 60.0).run()
        return handed

    def test_on_probation_it_is_told(self, colour_model: Path) -> None:
        verdicts: list[Verdict] = []
        handed = self.run(colour_model, Probation(A, None, 2.0, verdicts.append))
        assert verdicts[0].sha256 == A
        assert verdicts[0].problem.startswith("it fails: ")
        assert handed == [CameraChange(online=True, at_ns=0)]

    def test_one_that_has_passed_ends_us(self, colour_model: Path) -> None:
        probation = Probation(A, None, 2.0, lambda _: None)
        for number in range(WARM_UP + ENOUGH):
            probation.took(1_000_000, number)
        with pytest.raises(ValueError, match="an image of"):
            self.run(colour_model, probation)

    def test_a_proven_one_ends_us(self, colour_model: Path) -> None:
        with pytest.raises(ValueError, match="an image of"):
            self.run(colour_model, None)


@dataclass
class Fleet:
    """A camera that sees red for ever, a file with more settings for it, a key, and a web server for models."""

    daemon: Daemon
    settings: Path
    subscriber: Subscriber
    restart: Callable[[], Daemon]
    key: Path
    folder: Path
    url: str

    def model(self, name: str, content: bytes, *, is_complete: bool = False) -> Path:
        file = self.folder / name
        told: dict[str, Any] = {"labels": tflite.COLOURS, "mean": 127.5, "std": 127.5}
        told |= {"name": "m", "description": "m", "licence": "none"}
        file.write_bytes(content if is_complete else with_metadata(content, **told))
        return file

    def roll_out(self, file: Path, topic: str = "porch", **changes: str) -> None:
        made = msgspec.json.decode(signed_order(file, self.key, f"{self.url}/{file.name}"))
        self.subscriber.publish(f"edgecam/{topic}/model/set", msgspec.json.encode({**made, **changes}))

    def state(self, beginning: str) -> str:
        return self.subscriber.wait_for(
            lambda each: each.topic == "edgecam/porch/model/state" and each.payload.startswith(beginning.encode())
        ).payload.decode()

    def wait_for_model(self, name: str) -> None:
        self.subscriber.wait_for(lambda each: each.topic.endswith("/stats") and each.json["model"]["name"] == name)

    def states(self) -> list[str]:
        return [each.payload.decode() for each in self.subscriber.seen if each.topic.endswith("model/state")]


class _Gated(http.server.SimpleHTTPRequestHandler):
    """Answers while its gate is open."""

    gate = threading.Event()

    def do_GET(self) -> None:
        self.gate.wait()
        with suppress(OSError):  # who asked has gone
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "served"
    folder.mkdir()
    _Gated.gate.set()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Gated, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        _Gated.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def fleet(
    request: pytest.FixtureRequest,
    mosquitto: Mosquitto,
    porch: dict[str, object],
    tmp_path: Path,
    served: tuple[Path, str],
    start_daemon: Callable[..., Daemon],
) -> Iterator[Fleet]:
    key, changes = tmp_path / "key.pem", getattr(request, "param", {})
    still = tmp_path / "still"
    still.mkdir()
    cv2.imwrite(str(still / "red.png"), np.full((48, 64, 3), clips.BGR["red"], np.uint8))
    file = tmp_path / "config.toml"
    file.touch()
    settings = {
        **USUAL,
        **porch,
        "camera.source": still if "camera.fps" in changes else porch["camera.source"],
        "rollout.public_key": edgecam("keygen", key).stdout.split('"')[1],
        "rollout.slower": 1000,
        "rollout.size": 1,
        "stats.interval": 1,
        **changes,
    }
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon(settings, "--config", str(file))
        subscriber.wait_for_event("new")
        yield Fleet(daemon, file, subscriber, lambda: start_daemon(settings, "--config", str(file)), key, *served)


SWAPPED = tflite.classifier("uint8", swapped=True)


class TestRollOut:
    """In the running daemon."""

    def test_a_signed_model_is_taken_over_on_live_frames(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("garden-2.tflite", SWAPPED))
        fleet.state("downloading")
        fleet.state("verifying")
        taken = fleet.subscriber.wait_for_event("new")
        assert (taken["label"], taken["model"]["name"]) == ("blue", "garden-2")
        fleet.state("active")
        assert fleet.states()[-3:] == ["downloading", "verifying", "active"]

    def test_it_outlives_a_restart(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("m.tflite", SWAPPED), topic="all")
        fleet.state("verifying")
        fleet.state("active")
        fleet.daemon.terminate()
        fleet.daemon.wait()
        fleet.subscriber.until_offline()
        fleet.restart()
        came: dict[str, Message] = {}

        def have_both(message: Message) -> bool:  # in whatever order: events wait for no state
            came.setdefault(message.topic.removeprefix("edgecam/porch/"), message)
            return {"model/state", "events"} <= set(came)

        fleet.subscriber.wait_for(have_both)
        assert came["model/state"].payload == b"active"
        assert (came["events"].json["type"], came["events"].json["label"]) == ("new", "blue")

    def test_a_model_that_nobody_signed_is_refused(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("m.tflite", SWAPPED), signature=SIGNATURE)
        assert fleet.state("refused") == "refused: its signature is not by the key to rollout.public_key"
        assert "downloading" not in fleet.states()

    def test_another_file_than_was_signed_is_refused(self, fleet: Fleet) -> None:
        file = fleet.model("m.tflite", SWAPPED)
        other = fleet.model("other.tflite", tflite.classifier())
        fleet.roll_out(file, url=f"{fleet.url}/{other.name}")
        assert "is another file: its SHA-256 is" in fleet.state("refused")

    def test_a_file_that_is_not_there_is_refused(self, fleet: Fleet) -> None:
        file = fleet.model("m.tflite", SWAPPED)
        fleet.roll_out(file, url=f"{fleet.url}/nothing.tflite")
        assert fleet.state("refused").endswith("cannot be downloaded: the server says 404 File not found")

    def test_a_file_that_is_too_large_is_not_downloaded_to_its_end(self, fleet: Fleet) -> None:
        file = fleet.model("m.tflite", SWAPPED)
        (fleet.folder / "large.tflite").write_bytes(bytes(1_100_000))
        fleet.roll_out(file, url=f"{fleet.url}/large.tflite")
        assert fleet.state("refused").endswith("large.tflite is larger than rollout.size allows (1 MB)")

    def test_a_server_that_is_away_is_waited_for(self, fleet: Fleet) -> None:
        url = "http://127.0.0.1:1/m.tflite"
        fleet.roll_out(fleet.model("m.tflite", SWAPPED), url=url)
        waiting = f"downloading: {url} cannot be downloaded: connection refused; trying again in 60 s"
        assert fleet.state("downloading:") == waiting
        before = fleet.subscriber.wait_for_topic("stats").json["frames"]["classified"]
        assert fleet.subscriber.wait_for_topic("stats").json["frames"]["classified"] > before
        fleet.roll_out(fleet.model("m.tflite", SWAPPED))  # what is ordered now takes its place
        fleet.state("verifying")
        fleet.state("active")

    def test_a_fault_of_the_settings_is_not_told_of_the_ordered_model(self, fleet: Fleet) -> None:
        """They are read anew while the model is fetched, and name labels that are too few."""
        labels = fleet.folder / "one.txt"
        labels.write_text("one\n", "utf-8")
        _Gated.gate.clear()
        fleet.roll_out(fleet.model("m.tflite", SWAPPED))
        fleet.state("downloading")
        fleet.settings.write_text(as_toml({"model": {"labels": str(labels)}}), "utf-8")
        fleet.daemon.reload()
        _Gated.gate.set()
        fleet.state("verifying")
        assert fleet.subscriber.wait_for_event("new")["label"] == "blue"
        fleet.state("active")
        fleet.daemon.wait_for_log("reload refused: ")
        assert not any(state.startswith("refused") for state in fleet.states())

    def test_an_order_to_all_does_not_disturb_one_to_this_camera(self, fleet: Fleet) -> None:
        own, other = fleet.model("own.tflite", SWAPPED), fleet.model("other.tflite", tflite.classifier())
        _Gated.gate.clear()
        fleet.roll_out(own)
        fleet.state("downloading")
        fleet.roll_out(other, topic="all")
        fleet.roll_out(own)  # nor does the same one
        fleet.subscriber.catch_up()
        _Gated.gate.set()
        fleet.state("verifying")
        fleet.state("active")
        fleet.wait_for_model("own")

    def test_another_order_takes_the_place_of_one_under_way(self, fleet: Fleet) -> None:
        first, second = fleet.model("first.tflite", SWAPPED), fleet.model("second.tflite", tflite.classifier())
        _Gated.gate.clear()
        fleet.roll_out(first)
        fleet.state("downloading")
        fleet.roll_out(second)
        fleet.subscriber.catch_up()
        _Gated.gate.set()
        fleet.state("verifying")
        fleet.state("active")
        fleet.wait_for_model("second")

    def test_a_model_that_is_refused_leaves_the_old_one_in_its_place(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("m.tflite", SWAPPED))
        fleet.state("verifying")
        fleet.state("active")
        file = fleet.model("nameless.tflite", tflite.classifier(), is_complete=True)
        (fleet.folder / "nameless.txt").write_text("red\ngreen\nblue\n")
        fleet.roll_out(file)
        assert "no labels in it" in fleet.state("refused")
        fleet.wait_for_model("m")

    @pytest.mark.parametrize("fleet", [{"rollout.slower": 1, "rollout.size": 10}], indirect=True)
    def test_a_model_that_is_too_slow_gives_way_to_the_old_one(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("efficientnet.tflite", shipped_model().read_bytes(), is_complete=True))
        fleet.state("verifying")
        assert fleet.state("refused").startswith("refused: it is too slow: ")
        fleet.wait_for_model("model")

    @pytest.mark.parametrize("fleet", [{"camera.fps": 10}], indirect=True)  # so that the trial lasts
    def test_other_settings_do_not_end_the_trial(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("m.tflite", SWAPPED))
        fleet.state("verifying")
        fleet.wait_for_model("m")
        fleet.settings.write_text("[events]\nhold = 0.1\n")
        fleet.daemon.reload()
        fleet.daemon.wait_for_log("reloaded: events")
        fleet.state("active")

    @pytest.mark.parametrize("fleet", [{"camera.fps": 1}], indirect=True)  # so that the trial lasts
    def test_a_model_with_which_the_daemon_crashes_gives_way_to_the_old_one(self, fleet: Fleet) -> None:
        fleet.roll_out(fleet.model("m.tflite", SWAPPED))
        fleet.wait_for_model("m")
        fleet.daemon.kill()
        again = fleet.restart()
        fleet.subscriber.wait_for_topic("availability", b"online")
        fleet.wait_for_model("m")
        again.kill()
        fleet.restart()
        assert fleet.state("refused") == "refused: edgecam crashed 2 times while it was tried"
        fleet.wait_for_model("model")


def test_without_a_key_no_order_is_heard(
    mosquitto: Mosquitto, colour_model: Path, red_clip: Path, start_daemon: Callable[..., Daemon]
) -> None:
    settings = {"mqtt.port": mosquitto.port, "mqtt.host": mosquitto.host, "camera.source": red_clip}
    daemon = start_daemon({**settings, "camera.name": "porch", "model.path": colour_model})
    with Subscriber(mosquitto.port) as subscriber:
        subscriber.publish("edgecam/porch/model/set", b"anything")
        daemon.wait()
        topics = {each.topic for each in subscriber.until_offline()}
    assert "edgecam/porch/model/state" not in topics
    assert not any("refused" in line for line in daemon.log)
    assert events(subscriber.seen)


class TestViews:
    """Each view takes orders of its own."""

    VIEWS = '[[views]]\nname = "gate"\n[[views]]\nname = "bin"\n[[views]]\nname = "own"\n[views.model]\npath = "{}"\n'

    @pytest.fixture
    def views(self, fleet: Fleet, colour_model: Path) -> Fleet:
        own = fleet.model("own.tflite", colour_model.read_bytes())
        fleet.settings.write_text(self.VIEWS.format(own))
        fleet.daemon.reload()
        self.labels(fleet, gate="red", bin="red", own="red")
        return fleet

    @staticmethod
    def labels(fleet: Fleet, **wanted: str) -> None:
        """Wait until each view sees what is wanted."""
        seen: dict[str, str | None] = {}

        def take(message: Message) -> bool:
            parts = message.topic.split("/")
            if parts[3:] == ["state"] and message.payload and parts[2] in wanted:
                seen[parts[2]] = message.json["label"]
            return wanted.items() <= seen.items()

        fleet.subscriber.wait_for(take)

    @staticmethod
    def states_of(fleet: Fleet, view: str) -> list[str]:
        topic = f"edgecam/porch/{view}/model/state"
        return [each.payload.decode() for each in fleet.subscriber.seen if each.topic == topic]

    def test_an_order_for_a_view_leaves_the_others(self, views: Fleet) -> None:
        views.roll_out(views.model("m.tflite", SWAPPED), topic="porch/gate")
        self.labels(views, gate="blue")
        views.subscriber.wait_for_topic("gate/model/state", b"active")
        assert self.states_of(views, "gate")[-3:] == ["downloading", "verifying", "active"]
        assert {*self.states_of(views, "bin")} <= {"active"}
        views.daemon.terminate()
        views.daemon.wait()
        views.subscriber.until_offline()
        views.restart()
        self.labels(views, gate="blue", bin="red", own="red")

    def test_an_order_for_all_is_for_those_without_a_model_of_their_own(self, views: Fleet) -> None:
        views.roll_out(views.model("m.tflite", SWAPPED), topic="all")
        self.labels(views, gate="blue", bin="blue")
        assert {*self.states_of(views, "own")} <= {"active"}
        stats = views.subscriber.wait_for(lambda each: each.topic.endswith("/stats") and "views" in each.json).json
        assert stats["views"]["own"]["model"] != stats["views"]["gate"]["model"]

    def test_one_that_is_refused_leaves_its_view_as_it_was(self, views: Fleet) -> None:
        file = views.model("nameless.tflite", tflite.classifier(), is_complete=True)
        file.with_suffix(".txt").write_text("red\ngreen\nblue\n")
        views.roll_out(file, topic="porch/bin")
        views.subscriber.wait_for(
            lambda each: each.topic == "edgecam/porch/bin/model/state" and each.payload.startswith(b"refused")
        )
        views.subscriber.publish("edgecam/porch/bin/enabled/set", b"OFF")
        ended = views.subscriber.wait_for_event("end")
        assert (ended["view"], ended["label"]) == ("bin", "red")  # it has gone on

    @pytest.mark.parametrize("fleet", [{"rollout.slower": 1, "rollout.size": 10}], indirect=True)
    def test_a_view_is_out_whose_model_fails_and_the_one_before_too(self, views: Fleet) -> None:
        shipped = views.model("efficientnet.tflite", shipped_model().read_bytes(), is_complete=True)
        views.roll_out(shipped, topic="porch/own")
        views.subscriber.wait_for_topic("own/model/state", b"verifying")
        views.subscriber.wait_for(
            lambda each: each.topic.endswith("/stats") and each.json["views"]["own"]["model"]["name"] == "efficientnet"
        )
        (views.folder / "own.tflite").unlink()
        told = views.subscriber.wait_for(
            lambda each: each.topic == "edgecam/porch/own/state" and b'"error":"' in each.payload
        ).json
        assert "own.tflite: no such file" in told["error"]

    @pytest.fixture
    def downloading(self, views: Fleet) -> Fleet:
        """A model for a view is being downloaded, from a server that answers when its gate is opened."""
        _Gated.gate.clear()
        views.roll_out(views.model("m.tflite", SWAPPED), topic="porch/bin")
        views.subscriber.wait_for_topic("bin/model/state", b"downloading")
        return views

    def test_a_download_that_fails_when_its_view_is_gone_is_no_matter(self, downloading: Fleet) -> None:
        (downloading.folder / "m.tflite").unlink()
        downloading.settings.write_text('[[views]]\nname = "gate"\n')
        downloading.daemon.reload()
        downloading.subscriber.wait_for_topic("bin/model/state", b"")
        _Gated.gate.set()
        downloading.roll_out(downloading.model("n.tflite", SWAPPED), topic="porch/gate")
        self.labels(downloading, gate="blue")

    def test_a_model_that_is_to_be_taken_over_when_its_view_goes_is_no_matter(self, downloading: Fleet) -> None:
        settings = downloading.settings
        settings.unlink()
        os.mkfifo(settings)  # so that it is read while the download ends
        downloading.daemon.reload()
        with settings.open("w") as file:
            _Gated.gate.set()
            downloading.subscriber.wait_for_topic("bin/model/state", b"verifying")
            file.write('[[views]]\nname = "gate"\n')
        downloading.subscriber.wait_for_topic("bin/model/state", b"")
        settings.unlink()
        settings.write_text('[[views]]\nname = "gate"\n[[views]]\nname = "bin"\n')
        downloading.daemon.reload()
        downloading.subscriber.wait_for_topic("bin/model/state", b"active")
        downloading.roll_out(downloading.folder / "m.tflite", topic="porch/bin")  # it is not under way any more
        self.labels(downloading, bin="blue")

    def test_the_proof_of_one_model_leaves_the_download_of_another(self, downloading: Fleet) -> None:
        other = downloading.model("n.tflite", tflite.classifier("int8", swapped=True))
        made = msgspec.json.decode(signed_order(other, downloading.key, other.as_uri()))
        downloading.subscriber.publish("edgecam/porch/gate/model/set", msgspec.json.encode(made))
        downloading.subscriber.wait_for_topic("gate/model/state", b"active")
        downloading.subscriber.publish("edgecam/porch/gate/enabled/set", b"OFF")
        downloading.subscriber.wait_for_topic("gate/enabled/state", b"OFF")  # what it proved is tidied up by now
        _Gated.gate.set()
        downloading.subscriber.wait_for_topic("bin/model/state", b"verifying")
        assert self.states_of(downloading, "bin")[-2:] == ["downloading", "verifying"]

    def test_a_view_that_comes_tells_how_its_models_go_and_one_that_comes_back_has_its_own(self, views: Fleet) -> None:
        views.roll_out(views.model("m.tflite", SWAPPED), topic="porch/bin")
        views.subscriber.wait_for_topic("bin/model/state", b"verifying")
        views.subscriber.wait_for_topic("bin/model/state", b"active")
        views.subscriber.publish("edgecam/porch/bin/model/set", b"")
        views.settings.write_text('[[views]]\nname = "gate"\n[[views]]\nname = "other"\n')
        views.daemon.reload()
        views.subscriber.wait_for_topic("other/model/state", b"active")
        views.roll_out(views.model("n.tflite", tflite.classifier("int8", swapped=True)), topic="porch/gate")
        views.subscriber.wait_for_topic("gate/model/state", b"verifying")
        views.subscriber.wait_for_topic("gate/model/state", b"active")
        views.settings.write_text('[[views]]\nname = "gate"\n[[views]]\nname = "bin"\n')
        views.daemon.reload()
        views.subscriber.wait_for_topic("bin/model/state", b"active")
        self.labels(views, bin="blue")
