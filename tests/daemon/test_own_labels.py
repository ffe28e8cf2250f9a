"""A model of somebody's own labels, with the settings as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import tflite
from tests.broker import Mosquitto, Subscriber, events
from trainer.quantisation.metadata import with_own

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


def test_another_model_brings_its_own_groups(
    porch: dict[str, object], mosquitto: Mosquitto, start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    """Though its classes are called as those of the one before."""
    model = tflite.saved(tmp_path, tflite.classifier("uint8"))
    with Subscriber(mosquitto.port) as subscriber:
        daemon = start_daemon({**porch, "model.path": model})
        assert subscriber.wait_for_event("new")["label"] == "red"
        model.write_bytes(with_own(model.read_bytes(), {"groups": {"warm": ["red"]}}))
        daemon.reload()
        assert subscriber.wait_for_event("end")["label"] == "red"
        assert subscriber.wait_for_event("new")["label"] == "warm"
