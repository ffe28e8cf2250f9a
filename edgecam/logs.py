"""How the log looks: with times for people, with levels for systemd's journal."""

from __future__ import annotations

import logging
import os
import sys

LEVELS = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}  # syslog's


class JournalFormatter(logging.Formatter):
    """Begins each line with its level, as sd-daemon(3) says; the journal itself adds times and names."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        tag = f"<{LEVELS.get(record.levelno, 6)}>"
        return "\n".join(tag + line for line in super().format(record).splitlines())


def start_logging(*, verbose: bool, quiet: bool) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if _is_journal(sys.stderr.fileno()):
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=level, handlers=[handler])


def _is_journal(file: int) -> bool:
    """Whether a file is the journal's: systemd names its device and inode in the environment."""
    state = os.fstat(file)
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"
