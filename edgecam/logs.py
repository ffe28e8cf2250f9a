"""How the log looks: short in a terminal, with dates in a file, with levels in systemd's journal."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime

LEVELS = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}  # syslog's


class JournalFormatter(logging.Formatter):
    """Begins each line with its level, as sd-daemon(3) says; the journal itself adds times and names."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        tag = f"<{LEVELS.get(record.levelno, 6)}>"
        return "\n".join(tag + line for line in super().format(record).splitlines())


class TerminalFormatter(logging.Formatter):
    """Begins each line with the time of day alone, as events do, and names the level of what is wrong."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-4]
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return f"{at}  {level}{super().format(record)}"


def start_logging(*, verbose: bool, quiet: bool) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if _is_journal(sys.stderr.fileno()):
        handler.setFormatter(JournalFormatter("%(message)s"))
    elif sys.stderr.isatty():
        handler.setFormatter(TerminalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=level, handlers=[handler])


def _is_journal(file: int) -> bool:
    """Whether a file is the journal's: systemd names its device and inode in the environment."""
    state = os.fstat(file)
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"
