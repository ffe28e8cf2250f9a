"""A model of somebody's own labels, with the settings as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import tflite
from tests.broker import Mosquitto, Subscriber, events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon


@pytest.mark.parametrize(
    ("labels", "more", "expected"),
    [
        (("hen", "rooster", "beagle"), {}, ["hen", "rooster"]),
        (("hen", "Nothing", "pug"), {}, ["hen"]),
        (("hen", "Nothing", "pug"), {"events.neutral": '["hen"]'}, ["Nothing"]),
        (("hen", "rooster", "pug"), {"events.groups": '{bird = ["hen", "rooster"]}'}, ["bird"]),
    ],
)
def test_classes_are_reported_as_they_are_called_and_nothing_is_no_event(
    mosquitto: Mosquitto,
    start_daemon: Callable[..., Daemon],
    colour_clip: Path,
    tmp_path: Path,
    labels: tuple[str, ...],
    more: dict[str, str],
    expected: list[str],
) -> None:
    model = tflite.saved(tmp_path, tflite.classifier("uint8"), labels)
    settings = {"mqtt.host": mosquitto.host, "mqtt.port": mosquitto.port, "camera.source": colour_clip}
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon({**settings, "model.path": model, **more})
        assert daemon.wait() == 0
        told = events(subscriber.until_offline())
    assert [event["label"] for event in told if event["type"] == "new"] == expected
    assert "events." not in daemon.log
