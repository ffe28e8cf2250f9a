"""A Home Assistant that runs, for tests."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 80.0  # a start takes ten times as long as on an idle machine where others are busy


class HomeAssistant:
    """A running one, and what it said."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port = port
        self._folder = folder
        self._errors = (folder / "stderr").open("w+b")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._errors.close()

    def start(self) -> None:
        """Start it; what it kept is there again."""
        python = os.environ.get("HOMEASSISTANT")
        assert python, "run these tests with make test-homeassistant"
        script = Path(__file__).with_name("hass.py")
        self._process = subprocess.Popen(
            [python, script, str(self._port), str(free_port()), self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self.states: dict[str, str | None] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self._reader.start()
        assert self.wait_for(lambda said: "loaded" in said)["loaded"] == "loaded"

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(WAIT_S)
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                said = self._said.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                message = f"it did not come; there is {self.states}; {self.complaints()}"
                raise AssertionError(message) from None
            if entity := said.get("entity"):
                self.states[entity], self.attributes[entity] = said["state"], said["attributes"]
            if wanted(said):
                return said

    def wait_for_state(self, entity: str, *states: str | None) -> str | None:
        """Wait until an entity has one of some states, or with none named any that is known."""

        def is_there() -> bool:
            if states:
                return entity in self.states and self.states[entity] in states
            return self.states.get(entity) not in (None, "unknown", "unavailable")

        if not is_there():
            self.wait_for(lambda _said: is_there())
        return self.states[entity]

    def ask(self, **what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def begin_event(self) -> None:
        """Let the camera begin another event; of those before we may have seen no picture."""
        for service, state in (("turn_off", "off"), ("turn_on", "on")):
            self.ask(call=["switch", service, {"entity_id": "switch.porch_classification"}])
            self.wait_for_state("switch.porch_classification", state)

    def registry(self) -> dict[str, tuple[str, str | None, bool]]:
        self.ask(registry=True)
        told = self.wait_for(lambda said: "registry" in said)["registry"]
        return {key: tuple(entity) for key, entity in told.items()}

    def complaints(self) -> list[str]:
        """What it logged about us."""
        self._errors.flush()
        text = Path(self._errors.name).read_text("utf-8")
        return [line for line in text.splitlines() if any(word in line.lower() for word in ("edgecam", "porch"))]
