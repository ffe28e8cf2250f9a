"""What a broker is told, and in which order, as the publisher comes, goes elsewhere and ends."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from edgecam.config import RolloutSettings
from edgecam.kept import outbox_file
from edgecam.mqtt.outbox_file import OutboxFile
from tests.broker import Mosquitto, Subscriber, free_port
from tests.mqtt.running import Running, running, settings_of
from tests.mqtt.test_publisher import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "other") as broker:
        yield broker


def test_what_is_seen_is_told_after_the_event_that_began_it(mosquitto: Mosquitto) -> None:
    made = Running(settings_of(mosquitto.port))
    made.inbox.put(event(made.clock))
    with Subscriber(mosquitto.port) as subscriber:
        made.start()
        try:
            subscriber.wait_for_event("new")
            subscriber.wait_for_topic("state")
        finally:
            made.end()
    told = [each.topic for each in subscriber.seen if each.topic in ("edgecam/porch/state", "edgecam/porch/events")]
    assert told == ["edgecam/porch/events", "edgecam/porch/state"]


class TestAnotherBrokerAndName:
    """What is told under the name of before stays at the broker of before."""

    def told_to(self, broker: Mosquitto, made: Running) -> set[str]:
        with Subscriber(broker.port, topic="#") as subscriber:
            made.change(settings_of(broker.port, "yard"))
            subscriber.wait_for(lambda each: each.topic == "edgecam/yard/state")
            subscriber.catch_up()
        return {each.topic for each in subscriber.seen}

    def test_from_a_broker_that_is_there(self, mosquitto: Mosquitto, other: Mosquitto) -> None:
        with Subscriber(mosquitto.port) as subscriber, running(settings_of(mosquitto.port)) as made:
            subscriber.wait_for_topic("state")
            assert not {topic for topic in self.told_to(other, made) if "porch" in topic}

    def test_from_a_broker_that_is_away(self, other: Mosquitto) -> None:
        with running(settings_of(free_port())) as made:
            made.happens()
            made.happens("end")
            told = self.told_to(other, made)
        assert {topic for topic in told if "porch" in topic} == {"edgecam/porch/events"}


def test_events_go_with_the_name_though_all_ends_while_the_broker_of_before_is_left(
    mosquitto: Mosquitto,
) -> None:
    with Subscriber(mosquitto.port) as subscriber, running(settings_of(mosquitto.port)) as made:
        subscriber.wait_for_topic("state")
        os.kill(mosquitto.pid, signal.SIGSTOP)
        try:
            made.happens()
            made.change(settings_of(free_port(), "yard"))
            made.end()
        finally:
            os.kill(mosquitto.pid, signal.SIGCONT)
    file = OutboxFile(outbox_file("yard"))
    try:
        assert [message.kind for _, message in file.after(0)] == ["new"]
    finally:
        file.close()


def test_what_is_told_of_ordered_models_is_cleared_where_none_are_taken_any_more(mosquitto: Mosquitto) -> None:
    settings = settings_of(mosquitto.port)
    takes = replace(settings, rollout=RolloutSettings(public_key="A" * 43 + "="))
    with Subscriber(mosquitto.port) as subscriber, running(takes) as made:
        subscriber.wait_for_topic("model/state", b"active")
        made.change(settings)
        subscriber.wait_for_topic("model/state", b"")


def test_a_camera_is_withdrawn_from_where_it_was_shown_though_the_broker_was_away_meanwhile(
    mosquitto: Mosquitto,
) -> None:
    shown = "homeassistant/device/edgecam_porch/config"
    with Subscriber(mosquitto.port, topic="#") as subscriber:
        with running(settings_of(mosquitto.port)):
            assert msgspec.json.decode(subscriber.wait_for(lambda each: each.topic == shown).payload)
            subscriber.wait_for_topic("state")
        for prefix in ("second", "third"):
            with running(settings_of(free_port(), prefix=prefix)) as made:
                made.happens()
        with running(settings_of(mosquitto.port, prefix="fourth")):
            subscriber.wait_for(lambda each: each.topic == shown and not each.payload)
            subscriber.wait_for(lambda each: each.topic == "fourth/device/edgecam_porch/config")
            subscriber.catch_up()
    assert not [each for each in subscriber.seen if each.payload and each.topic.startswith(("second", "third"))]
