"""Where events wait until the broker has acknowledged them."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

MAX_MESSAGES = 100_000


class Message(NamedTuple):
    """An undelivered message and its place in the order of all."""

    number: int
    topic: str
    payload: bytes


class Outbox:
    """A bounded queue of messages in a file, in the order in which they were added; for one thread.

    When it is full, the oldest goes. Where the file cannot be used, messages are kept in memory.
    """

    def __init__(self, file: Path | None) -> None:
        """Continue with what an earlier run left in ``file``."""
        self._file = file
        try:
            self._database = _database(file)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            self._database = _database(None)
        self._count = int(self._execute("SELECT count(*) FROM messages").fetchone()[0])

    def __len__(self) -> int:
        return self._count

    def add(self, topic: str, payload: bytes) -> None:
        """Append a message."""
        if self._count >= MAX_MESSAGES:
            self._execute("DELETE FROM messages WHERE number = (SELECT min(number) FROM messages)")
            self._count -= 1
        self._execute("INSERT INTO messages (topic, payload) VALUES (?, ?)", topic, payload)
        self._count += 1

    def after(self, number: int, limit: int) -> list[Message]:
        """List up to ``limit`` messages behind the one with ``number``, oldest first."""
        query = "SELECT number, topic, payload FROM messages WHERE number > ? ORDER BY number LIMIT ?"
        return [Message(*row) for row in self._execute(query, number, limit)]

    def remove(self, number: int) -> None:
        """Forget a message, as it was delivered."""
        self._count -= self._execute("DELETE FROM messages WHERE number = ?", number).rowcount

    def take_from(self, other: Outbox) -> None:
        """Append all messages of another outbox, which is empty then."""
        for message in other.after(0, MAX_MESSAGES):
            self.add(message.topic, message.payload)
            other.remove(message.number)

    def close(self) -> None:
        """Close the file; what is in it is kept."""
        self._database.close()

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:  # the disk is full or gone: go on in memory with what can be read
            self._warn(error)
            broken, self._database = self._database, sqlite3.connect(":memory:", isolation_level=None)
            try:
                broken.backup(self._database)
            except sqlite3.Error:
                self._database = _database(None)
                self._count = 0
            broken.close()
            return self._database.execute(statement, values)

    def _warn(self, error: Exception) -> None:
        logger.warning("%s: cannot be used (%s): undelivered events are kept in memory only", self._file, error)


def _database(file: Path | None) -> sqlite3.Connection:
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file or ":memory:", timeout=1, isolation_level=None)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")  # two daemons would send the same events twice
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS messages "
            "(number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload BLOB NOT NULL)"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database
