"""What leaves the device: every packet of a run is looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    from tests.network_trace import Trace


@pytest.fixture(scope="module")
def trace() -> Trace:
    """A run of the daemon on the shipped clip, without any settings but where the broker is."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("a network of one's own needs root, unshare and ip")
    from tests.network_trace import Trace

    command = ["unshare", "--net", "--fork", sys.executable, "-m", "tests.network_trace"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return msgspec.json.decode(ended.stdout, type=Trace)


def test_nothing_leaves_but_to_the_broker(trace: Trace) -> None:
    assert trace.strangers == []


def test_nothing_leaves_but_mqtt(trace: Trace) -> None:
    assert set(trace.kinds) <= {"CONNECT", "SUBSCRIBE", "PUBLISH", "PINGREQ", "DISCONNECT"}


def test_nothing_is_published_but_the_documented_topics(trace: Trace) -> None:
    documented = {"availability", "state", "events", "stats", "enabled/state", "threshold/state"}
    assert {topic.split("/", 2)[2] for topic in trace.topics if topic.startswith("edgecam/")} == documented
    (announced,) = (topic for topic in trace.topics if not topic.startswith("edgecam/"))
    assert announced.startswith("homeassistant/device/edgecam_")


def test_no_image_leaves(trace: Trace) -> None:
    assert trace.events > 0
    assert trace.images == 0
    assert trace.largest < 5000  # the announcement to Home Assistant


def test_no_port_is_listened_at(trace: Trace) -> None:
    assert trace.listening == []
