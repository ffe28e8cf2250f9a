"""Debian 13: Python 3.13, a V4L2 camera, and Picamera2 on libcamera's virtual camera."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests import tflite
from tests.documents import commands_of
from tests.system.machine import SEVERAL, happens, see, stats_where, take_away

if TYPE_CHECKING:
    from tests.system.machine import Machine

SUITE = "trixie"
PROCESSORS = 2
pytestmark = pytest.mark.timeout(1200)

# The bars of libcamera's virtual camera wander to the left; through a narrow crop they pass one by one.
ONE_BAR = {"source": "picamera2", "crop": [0.5, 0.4, 0.05, 0.2]}

LIFE_OF_GREEN = (("new", "green"), ("end", "green"))


class TestInstallation:
    """What ``make install`` leaves."""

    def test_it_tells_where_settings_and_log_are(self, machine: Machine) -> None:
        assert "settings: /etc/edgecam/config.toml; log: journalctl -u edgecam" in machine.installed

    def test_picamera2_is_installed_where_apt_has_it(self, machine: Machine) -> None:
        assert "edgecam: installing python3-picamera2 python3-kms++ ..." in machine.installed

    def test_the_service_runs_and_starts_at_boot(self, machine: Machine) -> None:
        assert machine.guest.run("systemctl is-active edgecam; systemctl is-enabled edgecam") == "active\nenabled"

    def test_it_is_a_user_of_its_own_that_may_use_cameras(self, machine: Machine) -> None:
        assert machine.guest.run(f"stat -c %U /proc/{machine.main_pid()}") == "edgecam"
        assert {"edgecam", "video", "render"} <= {*machine.guest.run("id -Gn edgecam").split()}

    def test_it_sees_the_systems_picamera2_and_numpy(self, machine: Machine) -> None:
        program = "import numpy, picamera2; print(numpy.__version__, numpy.__file__, picamera2.__file__)"
        ours, theirs = (
            machine.guest.run(f"{python} -c '{program}' 2>/dev/null")
            for python in ("/opt/edgecam/current/bin/python", "python3")
        )
        assert ours == theirs

    def test_it_is_exposed_as_little_as_systemd_can_tell(self, machine: Machine) -> None:
        assert machine.exposure() <= 2.0

    def test_it_listens_on_no_port(self, machine: Machine) -> None:
        assert "edgecam" not in machine.guest.run("ss -tulpnH")


class TestCamera:
    """A V4L2 camera, there and not there."""

    def test_without_a_camera_it_is_ready_all_the_same(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            assert machine.guest.run("systemctl is-active edgecam") == "active"
            subscriber.wait_for_camera("lost")
        assert machine.property("StatusText").startswith("camera lost")

    def test_a_camera_that_is_plugged_in_later_is_found(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            machine.plug_camera_in()
            subscriber.wait_for_camera("online")

    def test_what_comes_and_goes_is_told(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            begun = see(machine, subscriber, "red")
            ended = take_away(machine, subscriber, "red")
        assert begun["id"] == ended["id"]

    def test_the_check_is_content(self, machine: Machine) -> None:
        lines = machine.guest.run("edgecam check").splitlines()
        assert [line.split()[0] for line in lines] == ["ok"] * 6, lines

    def test_a_module_that_is_unloaded_and_comes_back(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            see(machine, subscriber, "red")
            machine.guest.run("echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind")
            happens(subscriber, "end", "red")
            subscriber.wait_for_camera("lost")
            machine.guest.run("modprobe -r vivid")
            machine.plug_camera_in()
            subscriber.wait_for_camera("online")
            see(machine, subscriber, "green")
            take_away(machine, subscriber, "green")


class TestService:
    """What systemd does with it, and it with systemd."""

    def test_it_is_started_anew_when_frames_stop(self, machine: Machine) -> None:
        drop_in = "/run/systemd/system/edgecam.service.d"
        machine.guest.run(f"mkdir -p {drop_in}; printf '[Service]\nWatchdogSec=15\n' > {drop_in}/impatient.conf")
        machine.guest.run("systemctl daemon-reload; systemctl restart edgecam")
        before = machine.main_pid()
        with machine.listen() as subscriber:
            subscriber.wait_for_topic("stats")
            machine.guest.run(f"kill -STOP {before}")
            subscriber.wait_for_topic("availability", b"offline")
            subscriber.wait_for_topic("availability", b"online")
        assert machine.main_pid() != before
        assert machine.logged("Watchdog timeout")
        machine.guest.run(f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart edgecam")

    def test_it_is_started_anew_when_it_is_killed(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            subscriber.wait_for_topic("stats")
            machine.guest.run("systemctl kill --signal KILL edgecam")
            subscriber.wait_for_topic("availability", b"offline")
            subscriber.wait_for_topic("availability", b"online")
            see(machine, subscriber, "red")
            take_away(machine, subscriber, "red")

    def test_a_reload_takes_over_settings_and_model_and_ends_no_event(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            before = see(machine, subscriber, "red")
            model = tflite.classifier("float32")
            machine.offer_model(model)
            with machine.logging("reloaded: the model's file"):
                machine.guest.run("systemctl reload edgecam")
            after = take_away(machine, subscriber, "red")
        assert after["id"] == before["id"]
        assert after["model"]["sha256"] != before["model"]["sha256"]

    def test_a_bad_file_is_refused_and_named_and_the_old_one_goes_on(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            machine.guest.write("/etc/edgecam/config.toml", "[events]\nthreshold = 7\n")
            with machine.logging("reload refused: /etc/edgecam/config.toml: events.threshold: expected float <= 1.0"):
                machine.guest.run("systemctl reload edgecam")
            machine.write_settings()
            machine.offer_model(tflite.classifier()[:700])
            with machine.logging("reload refused: /etc/edgecam/colours.tflite: "):
                machine.guest.run("systemctl reload edgecam")
            machine.offer_model(tflite.classifier("uint8"))
            see(machine, subscriber, "red")
            take_away(machine, subscriber, "red")

    def test_the_journal_knows_levels(self, machine: Machine) -> None:
        entries = [
            json.loads(line)
            for line in machine.guest.run("journalctl -b -o json --no-pager _SYSTEMD_UNIT=edgecam.service").splitlines()
        ]
        levels = {entry["PRIORITY"] for entry in entries if "camera /dev/video0: lost" in entry["MESSAGE"]}
        assert levels == {"4"}
        assert not [entry["MESSAGE"] for entry in entries if str(entry["MESSAGE"]).startswith("<")]


class TestHeat:
    """A thermometer of the kernel's own that shows what it is told to."""

    def test_fewer_frames_are_classified_until_it_cools(self, machine: Machine) -> None:
        guest = machine.guest
        guest.run("modprobe i2c-stub chip_addr=0x48 && modprobe i2c-dev && modprobe lm75")
        bus = guest.run("i2cdetect -l | grep 'SMBus stub' | cut -f 1").removeprefix("i2c-")
        guest.run(f"i2cset -f -y {bus} 0x48 0 0x{40:04x} w")
        guest.run(f"echo lm75 0x48 > /sys/bus/i2c/devices/i2c-{bus}/new_device")
        with machine.listen() as subscriber:
            before = stats_where(subscriber, temperature_c=40.0, fps=lambda fps: fps > 0)
            with machine.logging("95.0 C, above limits.temperature = 80.0: fewer frames are classified"):
                guest.run(f"i2cset -f -y {bus} 0x48 0 0x{95:04x} w")
            stats_where(subscriber, temperature_c=95.0, fps=lambda fps: fps < before["fps"] / 2)
            with machine.logging("40.0 C: cool enough again for every frame"):
                guest.run(f"i2cset -f -y {bus} 0x48 0 0x{40:04x} w")
            stats_where(subscriber, temperature_c=40.0, fps=lambda fps: fps > before["fps"] / 2)


class TestTime:
    """A machine without a battery for its clock, as long as the network has not told it the time."""

    def test_times_before_the_clock_was_set_are_marked_and_what_is_undelivered_is_corrected(
        self, machine: Machine
    ) -> None:
        guest = machine.guest
        guest.run("mkdir -p /run/systemd/timesync")
        with machine.listen("clock") as subscriber:
            marked = see(machine, subscriber, "red")
        guest.run("systemctl stop mosquitto")
        machine.show("white")
        machine.wait_for_status("sees nothing it knows")
        guest.run("date -s '+1 day' && touch /run/systemd/timesync/synchronized && systemctl start mosquitto")
        with machine.listen("clock") as subscriber:
            corrected = happens(subscriber, "end", "red")
        guest.run("rm -r /run/systemd/timesync && date -s '-1 day'")
        between = datetime.fromisoformat(corrected["start_time"]) - datetime.fromisoformat(marked["start_time"])
        assert marked["clock_set"] is False
        assert "clock_set" not in corrected
        assert abs(between.total_seconds() - 86_400) < 60


class TestPicamera2:
    """The real Picamera2 on libcamera's virtual camera, in the hardened service."""

    def test_its_bars_make_events_with_the_sensors_times(self, machine: Machine) -> None:
        folder = "/usr/share/libcamera/pipeline/virtual"
        machine.guest.run(f"mv {folder}/virtual.yaml.off {folder}/virtual.yaml")
        machine.configure(camera=ONE_BAR)
        with machine.listen() as subscriber:
            begun = subscriber.wait_for(lambda each: each.topic.endswith("/events") and each.json["type"] == "new")
            event = happens(subscriber, "end", begun.json["label"])
        age = datetime.now(UTC) - datetime.fromisoformat(event["frame_time"])
        assert abs(age.total_seconds()) < 60

    def test_a_reload_opens_it_anew(self, machine: Machine) -> None:
        with machine.listen() as subscriber:
            machine.write_settings(camera={**ONE_BAR, "crop": [0.2, 0.4, 0.05, 0.2]})
            with machine.logging("reloaded: camera"):
                machine.guest.run("systemctl reload edgecam")
            subscriber.wait_for_topic("stats")
            subscriber.wait_for_topic("events")

    def test_the_check_is_content(self, machine: Machine) -> None:
        assert "ok       camera       picamera2" in machine.guest.run("edgecam check")

    def test_it_is_found_by_itself(self, machine: Machine) -> None:
        with machine.logging("camera.source: auto: using picamera2:0"):
            machine.configure(camera={**ONE_BAR, "source": "auto"})

    def test_a_camera_that_is_not_there_is_named(self, machine: Machine) -> None:
        with machine.logging("camera picamera2:1: lost: Picamera2: No camera number 1 found"):
            machine.configure(camera={**ONE_BAR, "source": "picamera2:1"})


class TestDocuments:
    """The commands of the docs that need a machine; `conftest` and `Machine.uninstall` run those of make."""

    TYPED = tuple(
        dict.fromkeys(
            each.text
            for each in commands_of("tests/system")
            if not each.text.startswith("sudo make") and each.file != SEVERAL
        )
    )

    def test_there_are_some(self) -> None:
        assert "sudo systemctl reload edgecam" in self.TYPED

    @pytest.mark.parametrize("text", TYPED)
    def test_a_command_does_what_it_is_shown_for(self, machine: Machine, text: str) -> None:
        machine.guest.write("model.tflite", tflite.classifier("uint8"))  # as scp has copied it
        machine.guest.run(re.sub(r"\bsudo ", "", text))  # we are root

    def test_the_service_is_as_it_was(self, machine: Machine) -> None:
        machine.guest.run("rm /etc/edgecam/mqtt-password; systemctl restart edgecam")
        assert machine.guest.run("systemctl is-active edgecam") == "active"


class TestEndings:
    """The plug and the removal, in this order."""

    def test_nothing_is_lost_when_the_plug_is_pulled_while_the_broker_is_away(self, machine: Machine) -> None:
        machine.configure()
        with machine.listen("plug") as subscriber:
            before = see(machine, subscriber, "red")
        machine.guest.run("systemctl stop mosquitto && sync")  # what the broker keeps is on disk, not only ours
        machine.show("white")
        machine.wait_for_status("sees nothing it knows")
        machine.show("green")
        machine.wait_for_status("sees green")  # which it says when all before is saved
        machine.guest.crash()
        machine.guest.boot()
        machine.guest.run("systemctl is-active edgecam || systemctl start edgecam")
        with machine.listen("plug") as subscriber:
            after = [happens(subscriber, kind, label) for kind, label in (("end", "red"), *LIFE_OF_GREEN)]
        assert after[0]["id"] == before["id"]
        assert after[1]["id"] == after[2]["id"] > before["id"]

    def test_it_goes_on_after_that(self, machine: Machine) -> None:
        machine.plug_camera_in()
        with machine.listen() as subscriber:
            see(machine, subscriber, "red")
            take_away(machine, subscriber, "red")

    def test_uninstalling_leaves_the_configuration_only(self, machine: Machine) -> None:
        assert machine.uninstall() == "/etc/edgecam"
        assert machine.guest.fails("id edgecam")
        assert machine.guest.fails("systemctl cat edgecam")
