"""``edgecam`` as a process."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

WAIT_S = 30.0


def edgecam(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "edgecam", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
        env={**os.environ, **(environment or {})},
    )


def as_options(settings: Mapping[str, object]) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


class Daemon:
    """A running ``edgecam run``."""

    def __init__(self, state: Path, settings: Mapping[str, object], options: Iterable[str] = ()) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgecam", "run", "--config", os.devnull, *as_options(settings), *options],
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

    def wait_for_log(self, text: str) -> str:
        """Wait for a line that contains ``text``."""
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            self.log.append(line)
            if text in line:
                return line
        message = f"{text!r} was not logged: {self.log}"
        raise AssertionError(message)

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(WAIT_S)
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
