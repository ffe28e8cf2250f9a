"""Every command in the docs is run: here, or where `documents.PLACES` says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import cv2
import msgspec
import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are not worth a package

from edgecam import config
from edgecam.mqtt.homeassistant import announcement
from edgecam.mqtt.notices import ViewFacts
from tests import tflite
from tests.broker import Mosquitto, Subscriber
from tests.clips import BGR
from tests.documents import FILES, ROOT, Command, checkout, commands, commands_of, places, programs, unmarked
from tests.makers import MAKERS
from tests.network import Ended
from trainer.quantisation.metadata import with_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.command import Daemon

HERE = "tests/test_documents.py"


@pytest.mark.parametrize("command", commands(), ids=lambda command: f"{command.file}: {command.text}")
def test_a_command_is_run_in_one_place(command: Command) -> None:
    assert len(places(command)) == 1


def test_every_command_is_marked_as_one() -> None:
    assert unmarked() == []


@pytest.mark.parametrize("command", commands_of("the judge"), ids=lambda command: str(command.text))
def test_the_judge_runs_what_it_is_said_to(command: Command) -> None:
    target = command.text.removeprefix("make ")
    assert re.search(rf'(make|unless_passed "[^"]*") {target}\b', (ROOT / ".ci" / "run").read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_what_a_page_links_to_is_there(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text("utf-8")):
        assert target.startswith("https://") or (file.parent / target).exists(), target


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_a_part_of_a_page_that_is_linked_to_is_there(file: Path) -> None:
    for target, part in re.findall(r"\]\(([^)#]*)#([^)]*)\)", file.read_text("utf-8")):
        if not target.startswith("https://"):
            page = (file.parent / target if target else file).read_text("utf-8")
            titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
            assert part in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, part


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_benchmarks_and_targets_that_a_page_names_are_there(file: Path) -> None:
    text = file.read_text("utf-8")
    assert all((ROOT / script).exists() for script in re.findall(r"benchmarks/\w+\.py", text))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


def test_the_access_list_lets_a_camera_do_its_work_and_no_more(
    tmp_path: Path, porch: dict[str, object], start_daemon: Callable[..., Daemon]
) -> None:
    (rules,) = re.findall(r"(?:^    pattern .*\n)+", (ROOT / "docs" / "fleet.md").read_text("utf-8"), re.MULTILINE)
    (tmp_path / "acl").write_text(f"{dedent(rules)}user owner\ntopic readwrite #\n")
    (tmp_path / "users").touch(mode=0o600)
    for user in ("porch", "owner"):
        subprocess.run(["mosquitto_passwd", "-b", tmp_path / "users", user, "secret"], check=True)
    (tmp_path / "password").write_text("secret")
    settings = ("allow_anonymous false", f"password_file {tmp_path}/users", f"acl_file {tmp_path}/acl")
    login = {"mqtt.username": "porch", "mqtt.password_file": tmp_path / "password"}
    with Mosquitto(tmp_path / "broker", settings) as broker:
        with Subscriber(broker.port, password=("owner", "secret"), topic="#") as owner:
            daemon = start_daemon({**porch, **login, "mqtt.port": broker.port, "privacy.snapshots": "true"})
            owner.wait_for(lambda each: each.topic == "homeassistant/device/edgecam_porch/config")
            for switch in (b"OFF", b"ON"):  # what was seen before the broker was there has no picture
                owner.publish("edgecam/porch/enabled/set", switch)
                owner.wait_for_topic("enabled/state", switch)
            owner.wait_for_event("new")
            owner.wait_for_topic("snapshot")
            garden = start_daemon({**porch, **login, "mqtt.port": broker.port, "camera.name": "garden"})
            garden.wait_for_log("does not take a message: not authorized; see what it allows porch to publish")
        assert not any("does not take" in line for line in daemon.log)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """How the commands ended, in a folder that holds what they name."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("a network of one's own needs root, unshare and ip")
    folder = checkout(tmp_path_factory.mktemp("checkout"), ".venv", ready=("demo", "test"))
    told = {"name": "m", "description": "m", "licence": "none"}
    model = with_metadata(tflite.classifier(), **told, labels=tflite.COLOURS, mean=127.5, std=127.5)
    (folder / "mine").mkdir()
    for file in (folder / "mine" / "model.tflite", folder / "garden-2.tflite"):
        file.write_bytes(model)
    for name, made in MAKERS.items():
        made.save(folder / name)
    (folder / "photos").mkdir()
    assert cv2.imwrite(str(folder / "photos" / "red.jpg"), np.full((48, 64, 3), BGR["red"], np.uint8))
    for name, text in programs().items():
        (folder / name).write_text(text)
    typed = [command.text for command in commands_of(HERE)]
    ran = subprocess.run(
        ["unshare", "--net", "--fork", sys.executable, "-m", "tests.network", str(folder)],
        input=msgspec.json.encode(typed),
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return {each.command: each for each in msgspec.json.decode(ran.stdout, type=list[Ended])}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", commands_of(HERE), ids=lambda command: f"{command.file}: {command.text}")
def test_a_command_does_what_it_is_shown_for(command: Command, ended: dict[str, Ended]) -> None:
    how = ended[command.text]
    expected = (0, 1) if command.text.startswith("edgecam check") else (0, None)  # no camera and no service is there
    assert how.code in expected, how.output
    assert "Traceback" not in how.output


@pytest.mark.timeout(600)
def test_the_program_to_copy_prints_events(ended: dict[str, Ended]) -> None:
    assert set(programs()) == {"events.py"}
    output = ended[".venv/bin/python events.py"].output
    assert re.search(r"^\S+Z porch (new|update|end) \w+ [01]\.\d+$", output, re.MULTILINE), output


@pytest.mark.parametrize("file", ["homeassistant.md", "events.md"])
def test_the_automations_name_what_home_assistant_is_told_of(file: str) -> None:
    page = (ROOT / "docs" / file).read_text("utf-8")
    blocks = re.findall(r"^    automation:\n(?:    .*\n)+", page, re.MULTILINE)
    automations = [each for block in blocks for each in yaml.safe_load(dedent(block))["automation"]]
    assert len(automations) == 2
    for automation in automations:
        (trigger,) = automation["triggers"]
        assert automation["actions"]
        kind, _, name = trigger["entity_id"].partition(".")
        camera, _, entity = name.partition("_")
        settings = config.Config(
            camera=config.CameraSettings(name=camera),
            views=tuple(config.ViewSettings(name=name) for name in ("", "gate")),
            homeassistant=config.HomeAssistantSettings(labels=("open",)),
        )
        views = ViewFacts(), ViewFacts("gate", "state", ("open", "closed"))
        components = msgspec.json.decode(announcement(settings, views=views))["components"].values()
        assert (kind, entity) in {
            (each["platform"], each.get("name", "").lower().replace(" ", "_")) for each in components
        }
