"""Orders as they come over MQTT, and how they are told in the log."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import CameraSettings, Config, RolloutSettings, ViewSettings
from edgecam.mqtt.commands import Announce, Enable, Ordered, SetThreshold, Switch, parse, topics

NAMES = st.sampled_from(["enabled/set", "threshold/set", "homeassistant/status", "model/set", "all/model/set"])
GOOD = st.sampled_from([b"ON", b"OFF", b"0.5", b"null", b"online", b"offline", b""])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Enable(on=True), "classification on"),
        (Enable(on=False), "classification off"),
        (SetThreshold(0.92), "threshold 0.92"),
        (Enable(on=False, view="gate"), "gate: classification off"),
        (SetThreshold(0.5, "gate"), "gate: threshold 0.5"),
        (SetThreshold(None), "threshold as the settings say"),
        (Announce(), "discovery once more"),
    ],
)
def test_an_order_is_told_in_words(command: Switch | Announce, words: str) -> None:
    assert str(command) == words


def test_null_takes_the_order_of_a_threshold_back() -> None:
    assert parse("threshold/set", b"null") == SetThreshold(None)


@pytest.mark.parametrize(
    ("name", "payload", "came"),
    [
        ("threshold/set", b"1.5", "got '1.5'"),
        ("threshold/set", b"0,5", "got '0,5'"),
        ("threshold/set", b"", "got ''"),
        ("enabled/set", b"on\n", r"got 'on\n'"),
        ("enabled/set", "für immer".encode(), "got 'für immer'"),
        ("enabled/set", b"\xff\x00", r"got '\xff\x00'"),
        ("enabled/set", b"O" * 40, f"got '{'O' * 32}'..."),
    ],
)
def test_what_came_is_shown_as_text(name: str, payload: bytes, came: str) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        parse(name, payload)
    assert str(refused.value).endswith(came)


@given(NAMES, st.binary(max_size=100))
def test_whatever_came_is_shown_on_one_line(name: str, payload: bytes) -> None:
    try:
        parse(name, payload)
    except ValueError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 450


@given(NAMES, st.from_regex("[A-Za-z0-9_-]{0,64}", fullmatch=True), st.binary(max_size=100) | GOOD)
def test_an_order_is_for_its_view_and_a_refusal_names_it(name: str, view: str, payload: bytes) -> None:
    try:
        command = parse(name, payload, view=view)
    except ValueError as error:
        where = f"{view}/{name}" if view and name != "homeassistant/status" else name
        assert str(error).startswith(f"{where}: expected")
    else:
        assert command is None or isinstance(command, Announce) or command.view == view


def test_each_view_and_the_camera_are_listened_to() -> None:
    rollout = RolloutSettings(public_key="A" * 43 + "=")
    gate, nameless = ViewSettings(name="gate"), ViewSettings()
    camera = CameraSettings(name="porch")
    named = topics(Config(camera=camera, rollout=rollout, views=(gate,)))
    both = topics(Config(camera=camera, rollout=rollout, views=(gate, nameless)))
    assert both.items() - named.items() == {("edgecam/porch/model/set", Ordered("model/set"))}
    for name in ("enabled/set", "threshold/set", "model/set"):
        assert named[f"edgecam/porch/gate/{name}"] == Ordered(name, "gate")
    assert named["edgecam/porch/enabled/set"] == Ordered("enabled/set")
    assert named["edgecam/all/model/set"] == Ordered("all/model/set")


@given(NAMES, st.sampled_from(["", "model at ", '{"url":"']), st.sampled_from(["//", r"\/\/"]))
def test_the_password_of_a_server_is_not_shown(name: str, before: str, slashes: str) -> None:
    payload = f"{before}https:{slashes}me:S3CRET@x/m.tflite".encode()
    with pytest.raises(ValueError, match="expected") as refused:
        parse(name, payload)
    assert "S3" not in str(refused.value)


def test_an_order_with_a_newline_behind_it_is_none() -> None:
    fields = {"url": "https://x/m.tflite", "sha256": "a" * 64, "signature": "A" * 86 + "=="}
    assert parse("model/set", msgspec.json.encode(fields))
    for field, value in fields.items():
        with pytest.raises(ValueError, match="expected what edgecam sign prints"):
            parse("model/set", msgspec.json.encode({**fields, field: f"{value}\n"}))
