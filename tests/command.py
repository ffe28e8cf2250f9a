"""``edgecam`` as a process."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from textwrap import dedent
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

WAIT_S = 30.0
PYTHON = sys.executable
USUAL: dict[str, object] = {"model.runtime": "litert", "model.graph": "original", "model.threads": 1}


def edgecam(
    *arguments: object, environment: Mapping[str, str] | None = None, wait_s: float = WAIT_S
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "edgecam", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=wait_s,
        env={**os.environ, **(environment or {})},
    )


def printed_by(code: str) -> str:
    """Run code in a fresh interpreter, in which nothing else makes or frees anything; return what it prints."""
    done = subprocess.run([PYTHON, "-c", dedent(code)], capture_output=True, text=True, check=True, timeout=WAIT_S)
    return done.stdout.strip()


def as_options(settings: Mapping[str, object]) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


class Daemon:
    """A running ``edgecam run``."""

    def __init__(
        self,
        state: Path,
        settings: Mapping[str, object],
        options: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> None:
        """Start it, with words such as ``strace`` before it.

        Unless a configuration file is named its model runs in the usual way, and is not timed first.
        """
        if "--config" not in options:
            settings = {**USUAL, **settings}
        self._is_wrapped = bool(before)
        self.process = subprocess.Popen(
            [*before, PYTHON, "-m", "edgecam", "run", "--config", os.devnull, *as_options(settings), *options],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "STATE_DIRECTORY": str(state)},
        )
        self.log: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_for_log(self, text: str, wait_s: float = WAIT_S) -> str:
        """Wait for a line that contains ``text``; no line may take longer than ``wait_s``."""
        while (line := self._lines.get(timeout=wait_s)) is not None:
            self.log.append(line)
            if text in line:
                return line
        message = f"{text!r} was not logged: {self.log}"
        raise AssertionError(message)

    def wait_for_logs(self, *texts: str) -> None:
        """Wait for a line with each text, in any order: threads log as they come."""
        missing = set(texts)
        while missing:
            line = self.wait_for_log("")
            missing = {text for text in missing if text not in line}

    def open_files(self) -> set[str]:
        """Paths of the files that it holds open."""
        return {each.path for each in psutil.Process(self.process.pid).open_files()}

    def reload(self) -> None:
        """Tell it to take over changed settings."""
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> None:
        """Tell it to end, whatever stands before it."""
        process = psutil.Process(self.process.pid)
        (process.children()[0] if self._is_wrapped else process).terminate()

    def wait(self, wait_s: float = WAIT_S) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(wait_s)
        self._reader.join()
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            self.log.append(line)
        self._lines.put(None)
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_S)
        self._reader.join()
        if self.process.stderr:
            self.process.stderr.close()
