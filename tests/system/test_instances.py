"""Two V4L2 cameras on one machine: edgecam.service has the first, edgecam@yard.service the second."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from tests.documents import commands_of
from tests.settings import as_toml
from tests.system.machine import COLOURS, SEVERAL, Machine

if TYPE_CHECKING:
    from tests.broker import Message, Subscriber
    from tests.settings import Sections

SUITE = "trixie"
PROCESSORS = 2
pytestmark = pytest.mark.timeout(1200)

HOST = "stand-in"
FIRST, SECOND = "edgecam", "edgecam@yard"  # the units
CAMERAS = {FIRST: HOST, SECOND: f"{HOST}-yard"}
PLACES = {FIRST: "platform:vivid-000 0", SECOND: "platform:vivid-001 0"}
SETTINGS: Sections = {
    "camera": {"source": "auto", "width": 320, "height": 240, "fps": 10.0},
    "model": {"path": COLOURS},
    "stats": {"interval": 1.0},
}
VIEWS: dict[str, Any] = {
    "views": [{"name": "left", "crop": [0.0, 0.0, 0.5, 1.0]}, {"name": "right", "crop": [0.5, 0.0, 0.5, 1.0]}]
}
# The commands of the guide, in their order; those that remove the second camera come last.
TYPED = [each.text for each in commands_of("tests/system") if each.file == SEVERAL]
REMOVAL = next(place for place, text in enumerate(TYPED) if " disable " in text)


def type_in(machine: Machine, text: str) -> str:
    return machine.guest.run(re.sub(r"\bsudo ", "", text))  # we are root


def devices_by_place(machine: Machine) -> dict[str, str]:
    """Which device is at which place now."""
    named = {}
    for device in machine.guest.run("ls /dev/video*").split():
        bus = re.search(r"Bus info +: (\S+)", machine.guest.run(f"v4l2-ctl -d {device} --info"))
        assert bus
        named[f"{bus[1]} 0"] = device
    return named


def load_cameras(machine: Machine, numbers: str) -> None:
    """Have two cameras with these numbers, now and at each boot."""
    guest = machine.guest
    options = f"n_devs=2 node_types=0x1,0x1 vid_cap_nr={numbers}"
    guest.write("/etc/modprobe.d/vivid.conf", f"options vivid {options}\n")
    guest.write("/etc/modules-load.d/vivid.conf", "vivid\n")


def show_white(machine: Machine) -> None:
    for device in devices_by_place(machine).values():
        machine.show("white", device)


def write(machine: Machine, unit: str, **changes: dict[str, Any]) -> None:
    file = "yard" if unit == SECOND else "config"
    text = as_toml(SETTINGS, changes)
    if unit == SECOND:
        text += tomli_w.dumps(VIEWS)
    machine.guest.write(f"/etc/edgecam/{file}.toml", text)


def wait_for_views(subscriber: Subscriber, topic: str, wanted: tuple[str, str], views: set[str]) -> None:
    """Wait for an event of a type and a label from each view, in any order."""
    left = set(views)

    def is_last(message: Message) -> bool:
        if message.topic == topic and (message.json["type"], message.json["label"]) == wanted:
            left.discard(message.json.get("view", ""))
            return not left
        return False

    subscriber.wait_for(is_last)


def see(machine: Machine, subscriber: Subscriber, unit: str, colour: str) -> None:
    """Hold a colour before a unit's camera: that camera tells of it, and no other one does."""
    topic, views = f"edgecam/{CAMERAS[unit]}/events", {"left", "right"} if unit == SECOND else {""}
    device = devices_by_place(machine)[PLACES[unit]]
    for kind, shown in (("new", colour), ("end", "white")):
        machine.show(shown, device)
        wait_for_views(subscriber, topic, (kind, colour), views)
    # What a camera saw in its own first pictures after a boot may end meanwhile.
    began = [each for each in subscriber.seen if each.topic.endswith("/events") and each.json["type"] == "new"]
    assert {each.topic for each in began if each.json["label"] == colour} == {topic}


@pytest.fixture(scope="module", autouse=True)
def _two_cameras(machine: Machine) -> None:
    load_cameras(machine, "0,1")
    machine.guest.run("modprobe vivid && udevadm settle")
    show_white(machine)
    write(machine, FIRST)
    machine.guest.run("systemctl restart edgecam")
    machine.wait_for_log(f"camera.source: auto: using /dev/video0, at {PLACES[FIRST]}")


class TestGuide:
    """From one camera to two, as the guide has it."""

    @pytest.mark.parametrize("text", TYPED[:REMOVAL])
    def test_a_command_does_what_it_is_shown_for(self, machine: Machine, text: str) -> None:
        type_in(machine, text)

    def test_each_has_a_camera_of_its_own(self, machine: Machine) -> None:
        machine.wait_for_log(f"camera.source: auto: using /dev/video1, at {PLACES[SECOND]}", SECOND)

    def test_each_tells_what_its_own_camera_sees(self, machine: Machine) -> None:
        write(machine, SECOND)
        machine.guest.run(f"systemctl restart {SECOND}")
        with machine.listen() as subscriber:
            subscriber.wait_for(lambda each: each.topic == f"edgecam/{CAMERAS[SECOND]}/stats" and each.json["fps"] > 0)
            see(machine, subscriber, FIRST, "red")
            see(machine, subscriber, SECOND, "green")

    @pytest.mark.parametrize("file", ["config", "yard"])
    def test_the_check_of_each_is_content(self, machine: Machine, file: str) -> None:
        lines = machine.guest.run(f"edgecam check --config /etc/edgecam/{file}.toml").splitlines()
        assert {line.split()[0] for line in lines} == {"ok"}, lines
        assert any(line.endswith(f" {SECOND if file == 'yard' else FIRST}.service is active") for line in lines)

    def test_they_are_exposed_as_little_as_one(self, machine: Machine) -> None:
        last = machine.guest.run(f"systemd-analyze security {SECOND} --no-pager | tail -1")
        assert float(last.partition(".service: ")[2].split()[0]) == machine.exposure()


class TestEachByItself:
    """What happens to one does not touch the other."""

    def test_one_that_is_killed_is_started_anew_alone(self, machine: Machine) -> None:
        first, second = machine.main_pid(FIRST), machine.main_pid(SECOND)
        with machine.listen() as subscriber:
            availability = f"edgecam/{CAMERAS[SECOND]}/availability"
            subscriber.wait_for(lambda each: (each.topic, each.payload) == (availability, b"online"))
            machine.guest.run(f"kill -9 {second}")
            for payload in (b"offline", b"online"):
                subscriber.wait_for(lambda each, payload=payload: (each.topic, each.payload) == (availability, payload))  # type: ignore[misc]
            see(machine, subscriber, SECOND, "blue")
        assert machine.main_pid(FIRST) == first
        assert machine.main_pid(SECOND) != second

    def test_a_reload_of_all_reloads_each(self, machine: Machine) -> None:
        first, second = machine.main_pid(FIRST), machine.main_pid(SECOND)
        write(machine, FIRST, events={"cooldown": 0.1})
        write(machine, SECOND, events={"cooldown": 0.1})
        with machine.logging("reloaded: events", FIRST), machine.logging("reloaded: events", SECOND):
            type_in(machine, "sudo systemctl reload edgecam 'edgecam@*'")
        assert (machine.main_pid(FIRST), machine.main_pid(SECOND)) == (first, second)

    def test_two_of_one_name_are_told(self, machine: Machine) -> None:
        write(machine, SECOND, camera={"name": HOST})
        try:
            said = machine.guest.run("edgecam check --config /etc/edgecam/yard.toml || true")
            assert "so is that of /etc/edgecam/config.toml -> set camera.name in one of them" in said
        finally:
            write(machine, SECOND)

    def test_who_has_the_camera_is_named(self, machine: Machine) -> None:
        guest = machine.guest
        guest.run(f"systemctl stop {SECOND}")
        guest.run("nohup v4l2-ctl -d /dev/video1 --stream-mmap --stream-to /dev/null >/dev/null 2>&1 & echo $! >holder")
        holder = guest.run(
            "until v4l2-ctl -d /dev/video1 --stream-mmap --stream-count 1 2>&1 | grep -q busy; do :; done; cat holder"
        )
        try:
            said = guest.run("edgecam check --config /etc/edgecam/yard.toml || true")
            assert f"/dev/video0 is held by edgecam (pid {machine.main_pid(FIRST)} of edgecam.service)" in said
            assert f"/dev/video1 is held by v4l2-ctl (pid {holder}" in said
            assert "-> stop it, or name another camera" in said
            with machine.logging("camera auto: lost: /dev/video1: ", SECOND):  # it waits for its own
                guest.run(f"systemctl start {SECOND}")
        finally:
            guest.run(f"kill {holder}")
        with machine.listen() as subscriber:
            see(machine, subscriber, SECOND, "red")


class TestReboot:
    """Devices get other numbers, and cameras stay."""

    def test_each_has_the_same_camera_though_its_number_is_another(self, machine: Machine) -> None:
        load_cameras(machine, "1,0")
        machine.guest.run("sync")
        machine.guest.crash()
        machine.guest.boot()
        assert devices_by_place(machine) == {PLACES[FIRST]: "/dev/video1", PLACES[SECOND]: "/dev/video0"}
        machine.wait_for_log(f"camera.source: auto: using /dev/video1, at {PLACES[FIRST]}", FIRST)
        machine.wait_for_log(f"camera.source: auto: using /dev/video0, at {PLACES[SECOND]}", SECOND)
        show_white(machine)
        with machine.listen() as subscriber:
            see(machine, subscriber, FIRST, "green")
            see(machine, subscriber, SECOND, "red")


class TestEndings:
    """An upgrade, one less, and the removal."""

    def test_an_upgrade_restarts_all(self, machine: Machine) -> None:
        before = machine.main_pid(FIRST), machine.main_pid(SECOND)
        said = machine.guest.run("make -C edgecam install 2>&1")
        assert "settings: /etc/edgecam/config.toml, /etc/edgecam/yard.toml" in said
        after = machine.main_pid(FIRST), machine.main_pid(SECOND)
        assert 0 not in after
        assert not set(before) & set(after)

    def test_who_start_for_the_first_time_together_share_the_cameras(self, machine: Machine) -> None:
        guest = machine.guest
        guest.run(f"systemctl stop {FIRST} {SECOND} && rm /var/lib/edgecam/taken-*.json")
        guest.run(f"systemctl start {FIRST} {SECOND}")
        with machine.listen() as subscriber:
            for unit in (FIRST, SECOND):
                topic = f"edgecam/{CAMERAS[unit]}/stats"
                subscriber.wait_for(lambda each, topic=topic: each.topic == topic and each.json["fps"] > 0)  # type: ignore[misc]
        taken = guest.run("cat /var/lib/edgecam/taken-.json /var/lib/edgecam/taken-yard.json")
        assert all(place in taken for place in PLACES.values())

    @pytest.mark.parametrize("text", TYPED[REMOVAL:])
    def test_a_command_does_what_it_is_shown_for(self, machine: Machine, text: str) -> None:
        type_in(machine, text)

    def test_the_first_goes_on_without_the_second(self, machine: Machine) -> None:
        states = machine.guest.run(f"systemctl is-active {FIRST} {SECOND} || true")
        assert states.split() == ["active", "inactive"]

    def test_uninstalling_leaves_the_configuration_only(self, machine: Machine) -> None:
        write(machine, SECOND)
        machine.guest.run(f"systemctl enable --now {SECOND}")
        assert machine.uninstall() == "/etc/edgecam"
        assert machine.guest.fails(f"systemctl cat {SECOND}")
        assert not machine.guest.run("systemctl list-units --all --plain --no-legend 'edgecam@*'")
