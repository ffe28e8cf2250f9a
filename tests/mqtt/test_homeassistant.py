"""How a camera is announced; tests/homeassistant tells what Home Assistant makes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edgecam.config import CameraSettings, Config, HomeAssistantSettings, MqttSettings
from edgecam.mqtt.homeassistant import announcement, announcement_topic
from tests.broker import Mosquitto, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]

DEVICE = "homeassistant/device/edgecam_porch/config"
NAMES = st.text(st.characters(blacklist_characters="/+#", blacklist_categories=("Cc", "Cs")), min_size=1, max_size=30)


def named(name: str, base: str = "edgecam") -> Config:
    return Config(camera=CameraSettings(name=name), mqtt=MqttSettings(base=base))


class TestAnnouncement:
    """Its topic and payload."""

    def test_it_lies_where_home_assistant_looks(self) -> None:
        assert announcement_topic(named("porch")) == DEVICE

    @given(NAMES, NAMES)
    def test_no_two_cameras_share_a_topic_and_each_is_one_that_home_assistant_takes(self, one: str, two: str) -> None:
        topics = [announcement_topic(named(name)) for name in (one, two)]
        assert all(re.fullmatch("homeassistant/device/[a-zA-Z0-9_-]+/config", topic) for topic in topics)
        assert (one == two) == (topics[0] == topics[1])

    def test_no_two_brokers_bases_share_a_topic(self) -> None:
        assert announcement_topic(named("b_c", "a")) != announcement_topic(named("c", "a/b"))

    def test_every_topic_in_it_is_ours(self) -> None:
        told = msgspec.json.decode(announcement(named("porch")))
        topics = {
            value
            for component in told["components"].values()
            for key, value in component.items()
            if key.endswith("_topic")
        }
        assert all(topic.startswith("edgecam/porch/") for topic in topics)

    def test_where_the_broker_takes_little_it_has_no_figures(self) -> None:
        whole = announcement(named("porch"))
        less = announcement(named("porch"), len(whole) - 1)
        assert announcement(named("porch"), len(whole)) == whole
        shown, all_that_is_shown = (set(msgspec.json.decode(each)["components"]) for each in (less, whole))
        assert {"label", "event", "enabled"} <= shown < all_that_is_shown

    def test_without_discovery_there_is_none(self) -> None:
        assert announcement(Config(homeassistant=HomeAssistantSettings(discovery=False))) == b""


class TestAnnouncing:
    """In the running daemon."""

    def test_it_is_kept_by_the_broker(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            start_daemon(porch)
            subscriber.wait_for_topic("state")
        with Subscriber(mosquitto.port, topic="homeassistant/#") as late:
            assert late.wait_for(lambda each: each.topic == DEVICE).retain

    def test_it_comes_again_when_home_assistant_starts(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port, topic="homeassistant/#") as subscriber:
            start_daemon(porch)
            first = subscriber.wait_for(lambda each: each.topic == DEVICE)
            subscriber.publish("homeassistant/status", b"online")
            assert subscriber.wait_for(lambda each: each.topic == DEVICE).payload == first.payload

    def test_another_name_takes_the_old_one_away(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon, tmp_path: Path
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text('[camera]\nname = "porch"\n')
        with Subscriber(mosquitto.port, topic="homeassistant/#") as subscriber:
            unnamed = {key: value for key, value in porch.items() if key != "camera.name"}
            daemon = start_daemon(unnamed, "--config", str(file))
            subscriber.wait_for(lambda each: each.topic == DEVICE and each.payload != b"")
            file.write_text('[camera]\nname = "garden"\n')
            daemon.reload()
            subscriber.wait_for(lambda each: each.topic == DEVICE and each.payload == b"")
            subscriber.wait_for(lambda each: each.topic == DEVICE.replace("porch", "garden"))

    def test_a_broker_that_never_heard_of_it_is_told_nothing_without_discovery(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port, topic="#") as subscriber:
            start_daemon({**porch, "homeassistant.discovery": "false"})
            subscriber.wait_for_event("new")
            assert not any(each.topic.startswith("homeassistant/") for each in subscriber.seen)

    def test_what_home_assistant_never_says_is_refused(
        self, mosquitto: Mosquitto, porch: dict[str, object], start_daemon: StartDaemon
    ) -> None:
        with Subscriber(mosquitto.port) as subscriber:
            daemon = start_daemon(porch)
            subscriber.wait_for_event("new")
            subscriber.publish("homeassistant/status", b"rubbish")
            daemon.wait_for_log("command refused: homeassistant/status: expected online or offline, got 'rubbish'")
