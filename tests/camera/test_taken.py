"""Which camera is whose, where several services look for one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgecam.camera.sources.taken import GONE_S, Memory, memory_of_service, to_try
from edgecam.kept import taken_file

PORTS = st.sampled_from(["a", "b", "c"])
INSTANCES = st.sampled_from(["", "porch", "yard"])


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of two services."""
    monkeypatch.setattr("edgecam.config.instances.FOLDER", tmp_path)
    for name in ("config", "yard"):
        (tmp_path / f"{name}.toml").touch()
    return tmp_path


class TestOrder:
    """Which are tried."""

    def test_who_has_none_tries_all_and_those_of_others_last(self) -> None:
        assert to_try(["a", "b", "c"], "", {"a"}, 0.0) == ("b", "c", "a")

    def test_its_own_alone_is_tried_while_it_is_there(self) -> None:
        assert to_try(["a", "b"], "b", {"a"}, GONE_S) == ("b",)

    def test_one_that_is_gone_is_waited_for_and_then_replaced_but_not_by_anothers(self) -> None:
        assert to_try(["a", "c"], "b", {"a"}, GONE_S - 1) == ()
        assert to_try(["a", "c"], "b", {"a"}, GONE_S) == ("c",)


@pytest.mark.usefixtures("services")
class TestMemory:
    """What a service remembers."""

    def test_a_camera_outlives_a_restart(self) -> None:
        Memory("yard").take("a")
        assert (Memory("yard").mine, Memory("").mine) == ("a", "")
        assert Memory("").others == {"a"}

    def test_one_that_another_takes_is_its_own_no_more(self) -> None:
        Memory("yard").take("a")
        Memory("").take("a")
        assert (Memory("yard").mine, Memory("").mine) == ("", "a")

    def test_a_service_whose_settings_are_gone_has_none(self, services: Path) -> None:
        Memory("yard").take("a")
        (services / "yard.toml").unlink()
        assert Memory("").others == frozenset()

    def test_what_is_no_service_remembers_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("EDGECAM_INSTANCE", raising=False)
        Memory("").take("a")
        memory = memory_of_service()
        memory.take("b")
        assert (memory.mine, memory.others) == ("", frozenset())

    def test_the_service_knows_itself_by_what_systemd_tells_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EDGECAM_INSTANCE", "yard")
        memory_of_service().take("a")
        assert Memory("yard").mine == "a"

    def test_a_file_that_makes_no_sense_is_as_good_as_none(self) -> None:
        Memory("yard").take("a")
        taken_file("yard").write_bytes(b"\x00")
        assert Memory("yard").mine == ""
        Memory("yard").take("b")
        assert Memory("yard").mine == "b"


class Machine(RuleBasedStateMachine):
    """Services that come, go and are killed, and cameras that are plugged in and out, and used by others."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        for name in ("config", "porch", "yard"):
            (folder / f"{name}.toml").touch()
        self.patches: list[Any] = [
            patch.dict(os.environ, STATE_DIRECTORY=str(folder / "state")),
            patch("edgecam.config.instances.FOLDER", folder),
        ]
        for each in self.patches:
            each.start()
        self.plugged = {"a"}
        self.used: set[str] = set()  # by other programs
        self.running: dict[str, str] = {}  # the camera that each service has; empty: none yet
        self.gone_s: dict[str, float] = {}

    def teardown(self) -> None:
        for each in self.patches:
            each.stop()
        self.folder.cleanup()

    def look(self, instance: str) -> None:
        """Let a service try once, as `AutomaticCamera` does."""
        if self.running[instance]:
            return
        memory = Memory(instance)
        mine = memory.mine
        if mine in self.plugged:
            self.gone_s[instance] = 0.0
        tried = to_try(sorted(self.plugged), mine, memory.others, self.gone_s[instance])
        assert mine not in self.plugged or tried == (mine,)
        assert not mine or not memory.others & {*tried}
        for place in tried:
            if place not in self.used and place not in self.running.values():
                memory.take(place)
                self.running[instance] = place
                return

    @rule(instance=INSTANCES)
    def start(self, instance: str) -> None:
        if instance not in self.running:
            self.running[instance], self.gone_s[instance] = "", 0.0
            self.look(instance)

    @rule(instance=INSTANCES)
    def kill(self, instance: str) -> None:
        self.running.pop(instance, None)

    @rule(port=PORTS)
    def plug_in(self, port: str) -> None:
        self.plugged.add(port)

    @rule(port=PORTS)
    def unplug(self, port: str) -> None:
        self.plugged.discard(port)
        self.used.discard(port)
        self.running = {name: "" if place == port else place for name, place in self.running.items()}

    @rule(port=PORTS)
    def use_it_elsewhere(self, port: str) -> None:
        if port in self.plugged and port not in self.running.values():
            self.used.add(port)

    @rule(port=PORTS)
    def use_it_no_more(self, port: str) -> None:
        self.used.discard(port)

    @rule(order=st.permutations(["", "porch", "yard"]), waited_s=st.sampled_from([1.0, GONE_S]))
    def wait(self, order: list[str], waited_s: float) -> None:
        for instance in order:
            if instance in self.running:
                self.gone_s[instance] += waited_s
                self.look(instance)
        if waited_s == GONE_S:
            self.all_are_served()

    def all_are_served(self) -> None:
        """Nobody who waited long enough goes without while a camera is free that is nobody's."""
        remembered = {Memory(each).mine for each in ("", "porch", "yard")}
        free = self.plugged - self.used - set(self.running.values()) - remembered
        without = [name for name, place in self.running.items() if not place and Memory(name).mine not in self.plugged]
        assert not (free and without)

    @invariant()
    def no_camera_is_two_services(self) -> None:
        owned = [mine for each in ("", "porch", "yard") if (mine := Memory(each).mine)]
        assert len(owned) == len(set(owned))
        assert all(Memory(name).mine == place for name, place in self.running.items() if place)

    @rule(instance=INSTANCES)
    def a_restart_brings_the_same_camera(self, instance: str) -> None:
        """Whoever has a camera that is there gets it again, whatever else is there."""
        before = self.running.get(instance)
        if before:
            self.kill(instance)
            self.start(instance)
            assert self.running[instance] == before


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
