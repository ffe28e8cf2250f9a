"""What systemd is told, by sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BEATS = 4  # in each time-out of the watchdog


class Manager:
    """The service manager that started us; where there is none, it is told nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find it by what systemd sets: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._is_ready = False
        self.watchdog_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if ours else 0.0

    def tell(self, *assignments: str) -> None:
        """Send assignments such as ``READY=1``; a manager that does not listen is no reason to stop."""
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.sendto("\n".join(assignments).encode(), self._address)

    def expect(self, frame_s: float) -> None:
        """Let the watchdog bear with frames that come every ``frame_s`` seconds, which may be longer than it waits."""
        needed_s = BEATS * frame_s
        if 0.0 < self.watchdog_s < needed_s:
            self.watchdog_s = needed_s
            self.tell(f"WATCHDOG_USEC={round(needed_s * 1e6)}")

    def ready(self) -> None:
        """Tell that we are ready."""
        self._is_ready = True
        self.tell("READY=1")

    def reloading(self) -> None:
        """Tell that we take over other settings; who is not ready yet says nothing, as `reloaded` would say ready."""
        if self._is_ready:
            self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """Tell that other settings were taken over, or refused."""
        if self._is_ready:
            self.tell("READY=1")


class Heartbeat:
    """Tells that we are ready at the first sign of progress, and that we are alive at the later ones, if not too many.

    Progress is a frame that was classified, or a try to open a lost camera. Nothing else beats: when the frames stop,
    systemd's watchdog starts us anew.
    """

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._next_ns: int | None = None

    def beat(self, now_ns: int) -> None:
        """Take in a sign of progress at a time of the monotonic clock."""
        if self._next_ns is None:
            self._manager.ready()
            self._next_ns = now_ns
        if self._manager.watchdog_s and now_ns >= self._next_ns:
            self._manager.tell("WATCHDOG=1")
            self._next_ns = now_ns + round(self._manager.watchdog_s * 1e9 / BEATS)
