"""What a person does with an installed edgecam: settings, services, a camera."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.broker import Subscriber
from tests.settings import as_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.settings import Sections
    from tests.system.guest import Guest

UNIT = "edgecam"
SEVERAL = "docs/several-cameras.md"  # whose commands want two cameras
WAIT_S = 240.0  # an emulated machine is slow
CAMERA = "porch"
COLOURS = "/etc/edgecam/colours.tflite"
SETTINGS: Sections = {
    "camera": {"name": CAMERA, "source": "/dev/video0", "width": 320, "height": 240},
    "model": {"path": COLOURS},
    "stats": {"interval": 1.0},
}
PATTERNS = {"white": 6, "red": 7, "green": 8, "blue": 9}  # vivid's


class Machine:
    """A guest with edgecam on it; ``installed`` is what its installation printed."""

    def __init__(self, guest: Guest, installed: str) -> None:
        self.guest = guest
        self.installed = installed

    def offer_model(self, content: bytes) -> None:
        """Put a model where the settings look for it."""
        self.guest.write(f"{COLOURS}.new", content)
        self.guest.run(f"mv {COLOURS}.new {COLOURS}")

    def write_settings(self, **changes: dict[str, Any]) -> None:
        """Write the settings, with changes by section."""
        self.guest.write("/etc/edgecam/config.toml", as_toml(SETTINGS, changes))

    def configure(self, **changes: dict[str, Any]) -> None:
        """Change the settings and start anew."""
        self.write_settings(**changes)
        self.guest.run("systemctl restart edgecam")

    def plug_camera_in(self) -> None:
        """Load vivid, with a white picture and no text on it."""
        self.guest.run("modprobe vivid && udevadm settle && v4l2-ctl -d /dev/video0 -c osd_text_mode=2")
        self.show("white")

    def show(self, colour: str, device: str = "/dev/video0") -> None:
        """Hold something before a camera."""
        self.guest.run(f"v4l2-ctl -d {device} -c osd_text_mode=2,test_pattern={PATTERNS[colour]}")

    def listen(self, session: str = "") -> Subscriber:
        """Subscribe from outside."""
        return Subscriber(self.guest.mqtt_port, session=session, wait_s=WAIT_S)

    def exposure(self) -> float:
        """How exposed systemd finds the service, 0..10."""
        last = self.guest.run("systemd-analyze security edgecam --no-pager | tail -1")
        return float(last.partition("edgecam.service: ")[2].split()[0])

    def uninstall(self) -> str:
        """Remove the service, and return what is left of it."""
        self.guest.run("make -C edgecam uninstall")
        return self.guest.run("find / -xdev -path /root -prune -o -path /var/log -prune -o -iname '*edgecam*' -print")

    def main_pid(self, unit: str = UNIT) -> int:
        return int(self.property("MainPID", unit))

    def property(self, name: str, unit: str = UNIT) -> str:
        return self.guest.run(f"systemctl show {unit} --property {name} --value")

    def wait_for_status(self, text: str) -> None:
        """Wait until ``systemctl status`` shows a text."""
        self._wait_until(f"systemctl show edgecam --property StatusText | grep -qF {shlex.quote(text)}")

    def logged(self, text: str, unit: str = UNIT) -> bool:
        """Whether the journal has a line with a text, since the boot."""
        return text in self.guest.run(f"journalctl -b -u {unit} -o cat --no-pager")

    def wait_for_log(self, text: str, unit: str = UNIT) -> None:
        """Wait until the journal has a line with a text, since the boot."""
        self._wait_until(f"journalctl -b -u {unit} -o cat --no-pager | grep -qF {shlex.quote(text)}")

    @contextmanager
    def logging(self, text: str, unit: str = UNIT) -> Iterator[None]:
        """What is done inside must make the service log a line with a text, then or later."""
        shows = self.guest.run("journalctl -n 0 --show-cursor --no-pager")
        cursor = shlex.quote(shows.partition("-- cursor: ")[2])
        yield
        self._wait_until(
            f"journalctl -u {unit} -o cat --no-pager --after-cursor {cursor} | grep -qF {shlex.quote(text)}"
        )

    def _wait_until(self, command: str) -> None:
        loop = shlex.quote(f"until {command}; do sleep 0.3; done")
        self.guest.run(f"timeout {WAIT_S:.0f} sh -c {loop}")


def see(machine: Machine, subscriber: Subscriber, colour: str) -> dict[str, Any]:
    """Hold a colour before the camera and wait for its event."""
    machine.show(colour)
    return happens(subscriber, "new", colour)


def take_away(machine: Machine, subscriber: Subscriber, colour: str) -> dict[str, Any]:
    """Take a colour away again and wait for the end of its event."""
    machine.show("white")
    return happens(subscriber, "end", colour)


def happens(subscriber: Subscriber, kind: str, label: str) -> dict[str, Any]:
    """Wait for an event of a type and a label."""
    message = subscriber.wait_for(
        lambda each: each.topic.endswith("/events") and (each.json["type"], each.json["label"]) == (kind, label)
    )
    event: dict[str, Any] = message.json
    return event


def stats_where(subscriber: Subscriber, **wanted: Any) -> dict[str, Any]:
    """Wait for stats whose fields have given values, or for which given functions hold."""

    def is_wanted(stats: dict[str, Any]) -> bool:
        return all(want(stats[name]) if callable(want) else stats[name] == want for name, want in wanted.items())

    message = subscriber.wait_for(lambda each: each.topic.endswith("/stats") and is_wanted(each.json))
    stats: dict[str, Any] = message.json
    return stats
