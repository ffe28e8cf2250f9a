"""Where a camera was announced to Home Assistant, so that it can be withdrawn from there, by a later run too."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edgecam.state import write_whole

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)


class Announced:
    """Remembers a topic.

    Attributes:
        topic: on which the camera is announced; empty: on none.
    """

    def __init__(self, path: Path) -> None:
        """Read what an earlier run noted at ``path``, which need not be there."""
        self._path = path
        self.topic = ""
        try:
            self.topic = path.read_text("utf-8")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            logger.warning("%s: cannot be read (%s): Home Assistant may show what is no longer there", path, error)

    def note(self, topic: str) -> None:
        """Remember another topic; a disk that cannot be written is no reason to stop."""
        if topic == self.topic:
            return
        self.topic = topic
        try:
            if topic:
                write_whole(self._path, topic.encode())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s: cannot be written (%s): the next start does not know of it", self._path, error)
