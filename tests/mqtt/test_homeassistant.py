"""How a camera is announced; tests/homeassistant tells what Home Assistant makes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edgecam.config import CameraSettings, Config, HomeAssistantSettings, MqttSettings, ViewSettings
from edgecam.mqtt.announced import Shown
from edgecam.mqtt.entities import is_label_of
from edgecam.mqtt.homeassistant import announcement, announcement_topic, entities
from edgecam.mqtt.notices import ViewFacts
from tests.broker import Mosquitto, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.command import Daemon

    StartDaemon = Callable[..., Daemon]

DEVICE = "homeassistant/device/edgecam_porch/config"
NAMES = st.text(st.characters(blacklist_characters="/+#", blacklist_categories=("Cc", "Cs")), min_size=1, max_size=30)


def named(name: str, base: str = "edgecam") -> Config:
    return Config(camera=CameraSettings(name=name), mqtt=MqttSettings(base=base))


def test_a_key_is_that_of_a_label_of_one_view_alone() -> None:
    config = replace(
        named("porch"),
        homeassistant=HomeAssistantSettings(labels=("cat",)),
        views=tuple(ViewSettings(name=name) for name in ("", "is", "a", "a_", "a__is")),
    )
    for view in config.looks:
        shown = entities(config, [ViewFacts(each.name, labels=("cat",)) for each in config.looks])
        mine = [key for key in shown if is_label_of(view.name, key)]
        assert [shown[key]["unique_id"] for key in mine] == [f"edgecam_porch:{view.name}:is:cat"]


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


LABELS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), max_size=30, unique=True)
VIEWS = st.lists(st.from_regex(r"[A-Za-z0-9_-]{0,6}", fullmatch=True), min_size=1, max_size=4).filter(
    lambda names: len({name.casefold().replace("-", "_") for name in names}) == len(names)
)


def described(
    views: Sequence[ViewFacts], labels: Literal["all"] | tuple[str, ...] = "all", **more: Any
) -> dict[str, Any]:
    """The components of a camera called porch with several views."""
    settings = Config(
        camera=CameraSettings(name="porch"),
        views=tuple(ViewSettings(name=view.name) for view in views),
        homeassistant=HomeAssistantSettings(labels=labels, device_class={"open": "garage_door"}),
    )
    return dict(msgspec.json.decode(announcement(settings, views=views, **more))["components"])


class TestSeveralViews:
    """Their entities."""

    @given(VIEWS, LABELS, st.sampled_from(["visit", "state"]))
    def test_all_have_ids_of_their_own_and_keys_that_are_safe(
        self, names: list[str], labels: list[str], kind: Literal["visit", "state"]
    ) -> None:
        components = described([ViewFacts(name, kind, tuple(labels)) for name in names])
        shown = {key: each for key, each in components.items() if len(each) > 1}
        assert all(re.fullmatch("[A-Za-z0-9_-]+", key) for key in components)
        ids = [each["unique_id"] for each in shown.values()]
        assert len({*ids}) == len(ids)
        wanted = {f"edgecam_porch:{name}:is:{quote(label, safe='')}" for name in names for label in labels[:20]}
        assert {each for each in ids if ":is:" in each} == wanted

    def test_one_without_a_name_has_the_ids_of_before(self) -> None:
        lone = {key: each["unique_id"] for key, each in described([ViewFacts()]).items() if len(each) > 1}
        both = {
            key: each["unique_id"]
            for key, each in described([ViewFacts("gate", "state"), ViewFacts()]).items()
            if len(each) > 1
        }
        assert lone.items() < both.items()

    def test_without_one_its_entities_are_removed(self) -> None:
        components = described([ViewFacts("gate")])
        assert components["label"] == {"platform": "sensor"}
        assert components["event"] == {"platform": "event"}
        assert components["gate__label"]["unique_id"] == "edgecam_porch:gate:label"

    def test_a_name_is_one_that_people_read(self) -> None:
        components = described([ViewFacts("back-door", "state", ("open",))])
        assert components["back-door__label"]["name"] == "Back door label"
        [door] = [each for each in components.values() if each.get("device_class") == "garage_door"]
        assert (door["name"], door["state_topic"]) == ("Back door open", "edgecam/porch/back-door/state")

    def test_only_labels_that_are_wanted_and_known_are_shown(self) -> None:
        components = described([ViewFacts("gate", "state", ("open", "closed"))], ("open", "cat"))
        assert [each["name"] for key, each in components.items() if "__is_" in key] == ["Gate open"]

    def test_what_is_gone_is_announced_by_its_platform_alone(self) -> None:
        gone = {"bowl__label": Shown("sensor", "edgecam_porch:bowl:label")}
        assert described([ViewFacts("gate")], gone=gone)["bowl__label"] == {"platform": "sensor"}


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
