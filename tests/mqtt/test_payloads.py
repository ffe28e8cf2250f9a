"""Orders as they come over MQTT, and how they are told in the log."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.mqtt.commands import Announce, Enable, SetThreshold, Switch, parse

NAMES = st.sampled_from(["enabled/set", "threshold/set", "homeassistant/status", "model/set", "all/model/set"])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Enable(on=True), "classification on"),
        (Enable(on=False), "classification off"),
        (SetThreshold(0.92), "threshold 0.92"),
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
