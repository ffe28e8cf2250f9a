"""The daemon as ``edgecam bench`` runs it: settings come in as JSON, and its stats go out as JSON, a line each."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING

import msgspec

from edgecam.config import Config
from edgecam.daemon.service import Service

if TYPE_CHECKING:
    from edgecam.mqtt.payloads import StatsPayload


def _tell(stats: StatsPayload) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(stats) + b"\n")
    sys.stdout.flush()


def _main() -> None:
    logging.disable(logging.WARNING)  # there is no broker
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Config)
    service = Service(lambda: settings, on_stats=_tell)
    signal.signal(signal.SIGTERM, lambda *_: service.stop())
    service.run()


if __name__ == "__main__":
    _main()
