"""What may be ordered over MQTT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgecam.config import Config, EventsSettings
from edgecam.daemon.switches import Switches
from edgecam.mqtt.commands import Announce, Enable, SetThreshold, parse
from tests.broker import Mosquitto, Subscriber, events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]

NUMBER = re.compile(rb"\s*-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\s*")


class TestPayloads:
    """Nothing but the documented ones."""

    @pytest.mark.parametrize(
        ("name", "payload", "command"),
        [
            ("enabled/set", b"ON", Enable(on=True)),
            ("enabled/set", b"OFF", Enable(on=False)),
            ("threshold/set", b"0.5", SetThreshold(0.5)),
            ("threshold/set", b"1", SetThreshold(1.0)),
            ("threshold/set", b"0", SetThreshold(0.0)),
            ("threshold/set", b"null", SetThreshold(None)),
            ("homeassistant/status", b"online", Announce()),
            ("homeassistant/status", b"offline", None),
        ],
    )
    def test_a_documented_payload_is_a_command(self, name: str, payload: bytes, command: object) -> None:
        assert parse(name, payload) == command

    @given(st.sampled_from(["enabled/set", "threshold/set", "", "events"]), st.binary(max_size=200))
    @example("threshold/set", b"null")
    @example("threshold/set", b"NaN")
    @example("threshold/set", b"Infinity")
    @example("threshold/set", b"1e999")
    @example("threshold/set", b"-0.1")
    @example("threshold/set", b"[0.5]")
    @example("threshold/set", b"true")
    @example("threshold/set", b"0." + b"5" * 10_000)
    @example("enabled/set", b"on")
    @example("enabled/set", b"ON\n")
    def test_anything_else_is_refused_in_one_short_line(self, name: str, payload: bytes) -> None:
        try:
            command = parse(name, payload)
        except ValueError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 250
        else:
            if isinstance(command, Enable):
                assert payload in (b"ON", b"OFF")
            else:
                assert isinstance(command, SetThreshold)
                assert payload.strip() == b"null" if command.score is None else NUMBER.fullmatch(payload)
                assert command.score is None or 0 <= command.score <= 1


class TestSwitches:
    """What is kept for the next start."""

    SETTINGS = Config(events=EventsSettings(threshold=0.6))

    def test_an_ordered_threshold_stands_for_the_settings(self) -> None:
        switches = Switches().after_all(SetThreshold(0.3), self.SETTINGS).under_all(self.SETTINGS)
        assert switches.threshold == 0.3

    def test_who_changes_the_settings_later_wins(self) -> None:
        changed = Config(events=EventsSettings(threshold=0.7))
        switches = Switches().after_all(SetThreshold(0.3), self.SETTINGS).under_all(changed)
        assert switches == Switches()

    def test_a_second_order_still_stands_for_the_settings(self) -> None:
        first = Switches().after_all(SetThreshold(0.3), self.SETTINGS).under_all(self.SETTINGS)
        second = first.after_all(SetThreshold(0.4), self.SETTINGS).under_all(self.SETTINGS)
        assert second.threshold == 0.4


def order(subscriber: Subscriber, name: str, payload: bytes) -> None:
    subscriber.publish(f"edgecam/porch/{name}/set", payload)


class TestOrders:
    """In the running daemon."""

    def test_off_ends_the_open_event_and_on_begins_another(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            start_daemon(porch)
            first = subscriber.wait_for_topic("events").json
            order(subscriber, "enabled", b"OFF")
            ended = subscriber.wait_for_event("end")
            subscriber.wait_for(lambda each: each.topic.endswith("/state") and b'"label":null' in each.payload)
            order(subscriber, "enabled", b"ON")
            second = subscriber.wait_for_event("new")
        assert ended["id"] == first["id"] != second["id"]

    def test_off_closes_the_camera_and_outlives_a_restart(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(porch)
            subscriber.wait_for_event("new")
            order(subscriber, "enabled", b"OFF")
            subscriber.wait_for_topic("enabled/state", b"OFF")
            subscriber.wait_for_event("end")
            assert str(porch["camera.source"]) not in daemon.open_files()
            daemon.process.terminate()
            daemon.wait()
            subscriber.until_offline()
            start_daemon({**porch, "stats.interval": 1})
            subscriber.wait_for_topic("enabled/state", b"OFF")
            assert subscriber.wait_for_topic("stats").json["frames"]["captured"] == 0

    def test_on_while_it_is_on_leaves_the_file_where_it_is(
        self, mosquitto: Mosquitto, porch: dict[str, object], colour_clip: Path, start_daemon: StartDaemon
    ) -> None:
        settings = {**porch, "camera.source": colour_clip, "camera.loop": "false"}
        with Subscriber(mosquitto.port) as subscriber:
            start_daemon(settings)
            subscriber.wait_for_event("new")
            order(subscriber, "enabled", b"ON")
            subscriber.until_offline()
        labels = [event["label"] for event in events(subscriber.seen) if event["type"] == "new"]
        assert labels == ["red", "green"]

    def test_a_camera_that_is_paused_at_the_start_is_not_lost(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(porch)
            subscriber.wait_for_camera("online")
            order(subscriber, "enabled", b"OFF")
            subscriber.wait_for_topic("enabled/state", b"OFF")
            daemon.process.terminate()
            daemon.wait()
            subscriber.until_offline()
            subscriber.seen.clear()
            start_daemon({**porch, "stats.interval": 1})
            subscriber.wait_for_topic("stats")
        told = [each.json["camera"] for each in subscriber.seen if each.topic == "edgecam/porch/state"]
        assert set(told) == {"online"}

    def test_a_threshold_ends_what_no_longer_counts_and_outlives_a_restart(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon({**porch, "events.hysteresis": 0})
            subscriber.wait_for_event("new")
            order(subscriber, "threshold", b"1")
            subscriber.wait_for_topic("threshold/state", b"1.0")
            subscriber.wait_for_event("end")
            daemon.process.terminate()
            daemon.wait()
            subscriber.until_offline()
            start_daemon({**porch, "stats.interval": 1})
            subscriber.wait_for_topic("threshold/state", b"1.0")
            subscriber.seen.clear()
            assert subscriber.wait_for_topic("stats").json["frames"]["classified"] > 0
        assert not any(each.topic.endswith("/events") for each in subscriber.seen)

    def test_garbage_is_refused_and_changes_nothing(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(porch)
            subscriber.wait_for_event("new")
            order(subscriber, "enabled", b"off")
            daemon.wait_for_log("command refused: enabled/set: expected ON or OFF, got 'off'")
            order(subscriber, "threshold", b"x" * 10_000)
            daemon.wait_for_log("command refused: threshold/set: expected a number 0..1 or null, got 'xxx")
            order(subscriber, "threshold", b"0.5")
            subscriber.wait_for_topic("threshold/state", b"0.5")
        told = [each.payload for each in subscriber.seen if each.topic.endswith("/enabled/state")]
        assert set(told) == {b"ON"}

    def test_a_packet_of_many_megabytes_does_not_reach_us(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(porch)
            subscriber.wait_for_topic("availability", b"online")
            order(subscriber, "threshold", b"0" * 20_000_000)
            order(subscriber, "threshold", b"0.5")
            subscriber.wait_for_topic("threshold/state", b"0.5")
            subscriber.seen.clear()
            order(subscriber, "enabled", b"OFF")
            subscriber.wait_for_topic("enabled/state", b"OFF")
        assert not any(each.topic.endswith("/availability") for each in subscriber.seen)
        assert not any("WARNING" in line for line in daemon.log)
