"""The file in which events wait for the broker."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting
    (number INTEGER PRIMARY KEY, topic TEXT NOT NULL, kind TEXT NOT NULL, at_s REAL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS open_event (one INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL);
"""
# What the tables of older daemons lack; they, too, can read and write a table that has it.
VIEW = "ALTER TABLE {} ADD COLUMN view TEXT NOT NULL DEFAULT ''"
TABLES = ("waiting", "open_event")


class Message(NamedTuple):
    """What waits for the broker.

    Attributes:
        topic: where it goes.
        payload: what it says.
        kind: ``new``, ``update`` or ``end``.
        at_s: when it happened, in seconds since 1970; None where the system's clock was not set yet.
        view: the name of the view of which it tells.
    """

    topic: str
    payload: bytes
    kind: str
    at_s: float | None
    view: str = ""


class OpenEvent(NamedTuple):
    """The last message of an event that has not ended yet."""

    topic: str
    payload: bytes


class OutboxFile:
    """Messages by ascending numbers, and the open event of each view, in an SQLite database; for one thread.

    Each change is one transaction and survives a power cut once it has returned.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            sqlite3.DatabaseError: it is broken, in use by another process, or cannot be written.
            OSError: its folder cannot be made.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=1, isolation_level=None)
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")  # two daemons would send the same events twice
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(SCHEMA)
            for table in TABLES:
                if "view" not in [row[1] for row in self._database.execute(f"PRAGMA table_info({table})")]:
                    self._database.execute(VIEW.format(table))
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute("COMMIT")
        except sqlite3.Error:
            self._database.close()
            raise

    def write(
        self, added: Iterable[tuple[int, Message]], removed: Collection[int], opened: Mapping[str, OpenEvent]
    ) -> None:
        """Add and remove messages and exchange the open events, which go by view, in one transaction.

        Raises:
            sqlite3.Error: the disk is full or gone; nothing has changed.
        """
        execute = self._database.executemany
        self._database.execute("BEGIN IMMEDIATE")
        try:
            execute("DELETE FROM waiting WHERE number = ?", ((number,) for number in removed))
            execute(
                "INSERT OR REPLACE INTO waiting (number, topic, payload, kind, at_s, view) VALUES (?, ?, ?, ?, ?, ?)",
                ((number, *message) for number, message in added),
            )
            self._database.execute("DELETE FROM open_event")
            execute(
                "INSERT INTO open_event (view, topic, payload) VALUES (?, ?, ?)",
                ((view, *event) for view, event in opened.items()),
            )
            self._database.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):  # the error may have rolled it back already
                self._database.execute("ROLLBACK")
            raise

    def after(self, number: int) -> Iterator[tuple[int, Message]]:
        """Give the messages behind the one with ``number``, in their order.

        Raises:
            sqlite3.Error: the disk is gone.
        """
        query = "SELECT number, topic, payload, kind, at_s, view FROM waiting WHERE number > ? ORDER BY number"
        for row in self._database.execute(query, (number,)):
            yield row[0], Message(*row[1:])

    def index(self) -> list[tuple[int, str, float | None, str]]:
        """List number, kind, time and view of every message, in their order.

        Raises:
            sqlite3.Error: the disk is gone.
        """
        return self._database.execute("SELECT number, kind, at_s, view FROM waiting ORDER BY number").fetchall()

    def opened(self) -> dict[str, OpenEvent]:
        """Return the events that were open at the last write, by view.

        Raises:
            sqlite3.Error: the disk is gone.
        """
        rows = self._database.execute("SELECT view, topic, payload FROM open_event ORDER BY one")
        return {view: OpenEvent(topic, payload) for view, topic, payload in rows}

    def close(self) -> None:
        """Close the file; what is in it is kept."""
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
