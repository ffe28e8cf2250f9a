"""The commands in the docs: every line of every ``sh`` block, and where it is run."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PROGRAM = re.compile(r"^Save it as `(\w+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = r"(make|edgecam|sudo|mosquitto_\w+|python3?|pip|\.venv\S*|journalctl|systemctl|git|cd) "
PLACES = {
    "the judge": r"make (lint|test|test-[a-z]+)$",  # .ci/run runs these themselves
    "tests/test_documents.py": r"(\.venv/bin/)?edgecam |\.venv/bin/python |mosquitto_|make (demo|help|test TESTS=)",
    "tests/trainer/test_documents.py": r"make trainer|\.venv-trainer/",
    "tests/faults/test_documents.py": r"make (soak|fuzz|bench)",
    "tests/system": r"sudo |journalctl |systemctl |echo ",
}


@dataclass(frozen=True)
class Command:
    """A line to type, without its comment."""

    file: str
    text: str


def commands() -> list[Command]:
    """List every command, in the order of the docs."""
    return [
        Command(str(file.relative_to(ROOT)), line.partition("  #")[0].strip())
        for file in FILES
        for block in BLOCK.findall(file.read_text("utf-8"))
        for line in block.splitlines()
        if line.strip()
    ]


def programs() -> dict[str, str]:
    """Return the programs to copy, by the names under which they are to be saved."""
    return {name: text for file in FILES for name, text in PROGRAM.findall(file.read_text("utf-8"))}


def commands_of(place: str) -> list[Command]:
    """List the commands that are run in one place."""
    return [command for command in commands() if places(command) == [place]]


def places(command: Command) -> list[str]:
    """Where a command is run."""
    return [place for place, pattern in PLACES.items() if re.match(pattern, command.text)]


def environment() -> dict[str, str]:
    """Return the environment of somebody who types: without what the make that runs the tests was told."""
    told = re.findall(r"^(\w+) \?=", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)  # make exports these
    told += ["TESTS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"]
    return {name: value for name, value in os.environ.items() if name not in told}


def checkout(folder: Path, venv: str, ready: tuple[str, ...]) -> Path:
    """Make a folder look like a checkout, in which this very environment is called ``venv`` and is ``ready``."""
    for part in ROOT.iterdir():
        if not part.name.startswith("."):
            (folder / part.name).symlink_to(part)
    (folder / venv).mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.suffix != ".ready":
            (folder / venv / part.name).symlink_to(part)
    for each in ready:
        (folder / venv / f"{each}.ready").touch()
    return folder


def unmarked() -> list[Command]:
    """List lines that look like commands and stand in another block."""
    return [
        Command(str(file.relative_to(ROOT)), line.strip())
        for file in FILES
        for line in BLOCK.sub("", file.read_text("utf-8")).splitlines()
        if re.match(f"    {PROGRAMS}", line)
    ]
