"""The thread that every part runs in."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Task:
    """Runs a function in a thread of its own and keeps the error that ended it.

    The thread does not keep the process alive: a function that is stuck in a camera's driver cannot be stopped.
    """

    def __init__(self, name: str, function: Callable[[], None], on_end: Callable[[Task], None]) -> None:
        """Start at once; ``on_end`` is called in the thread when the function has returned or raised."""
        self.name = name
        self.error: BaseException | None = None
        self._function = function
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._function()
        except Exception as error:  # noqa: BLE001  the service reports it
            self.error = error
        finally:
            self._on_end(self)

    def join(self, timeout: float) -> bool:
        """Wait for the end, at most ``timeout`` seconds; return whether it has come."""
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()
