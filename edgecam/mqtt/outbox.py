"""What waits for the broker: bounded, in order, and on disk where that is possible."""

from __future__ import annotations

import logging
import math
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from edgecam.mqtt.outbox_file import OutboxFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edgecam import config
    from edgecam.mqtt.outbox_file import Message, OpenEvent

logger = logging.getLogger(__name__)

IDLE_S = 5.0  # what was delivered is taken out of the file with the next event, or when none has come for so long
RETRY_S = 60.0  # between two tries to use a disk that is full or gone
IN_MEMORY = 2_000  # messages, where the disk cannot be used
DROPPED_SHARE = 100  # of a full outbox a hundredth goes at a time
UNOPENED = 1 << 40  # the first number where the file cannot be opened: behind all that may be in it


class _Entry(NamedTuple):
    kind: str
    at_s: float | None
    view: str


class Outbox:
    """Messages in the order in which they were added, each with a number; for one thread.

    `save` writes what has changed in one transaction. What cannot be written stays in memory, and is written when the
    disk can be used again.

    Attributes:
        opened: by view, the event that has begun and not ended; it is saved with the messages.
        dropped: messages that were given up since the start, as there were too many or they were too old.
    """

    def __init__(
        self,
        path: Path,
        limits: config.OutboxSettings,
        now_s: float,
        end_of: Callable[[str, OpenEvent], Message | None],
        keeps: Callable[[str, OpenEvent], bool] = lambda _view, _opened: False,
    ) -> None:
        """Continue with what an earlier run left in the file at ``path``.

        Args:
            path: of the file, which need not be there.
            limits: how many messages it holds, and for how long.
            now_s: of the monotonic clock, as everywhere here.
            end_of: makes the end, if it can, of an event of a view that an earlier run left open.
            keeps: asked before: whether it goes on instead.
        """
        self._path = path
        self._limits = limits
        self._end_of = end_of
        self._keeps = keeps
        self._waiting: dict[int, _Entry] = {}  # in their order
        self._added: dict[int, Message] = {}  # of these, what is not on disk yet
        self._removed: set[int] = set()  # still on disk
        self._opened_on_disk: dict[str, OpenEvent] = {}
        self._written_s = now_s
        self._retry_s: float | None = None  # when to try again, while the disk cannot be used
        self.opened: dict[str, OpenEvent] = {}
        self.dropped = 0
        self._next = self._first_of_run = UNOPENED
        self._handed_out = 0
        self._file: OutboxFile | None = None
        self._open(now_s)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_number(self) -> int:
        """What the next message will be numbered; all that wait have lower ones."""
        return self._next

    @property
    def due_s(self) -> float:
        """When `save` is to be called: a time gone by or to come; infinity when nothing has changed."""
        if self._added or self.opened != self._opened_on_disk:
            return self._retry_s or self._written_s
        return max(self._retry_s or 0.0, self._written_s + IDLE_S) if self._removed else math.inf

    def limit(self, limits: config.OutboxSettings) -> None:
        """Take over other limits."""
        self._limits = limits
        self._make_room()

    def add(self, message: Message) -> None:
        """Append a message."""
        self._waiting[self._next] = _Entry(message.kind, message.at_s, message.view)
        self._added[self._next] = message
        self._next += 1
        self._make_room()

    def remove(self, number: int) -> None:
        """Forget a message, as it was delivered or is not wanted; one that is not here is no matter."""
        if self._waiting.pop(number, None) and self._added.pop(number, None) is None:
            self._removed.add(number)

    def oldest(self, limit: int) -> list[tuple[int, Message]]:
        """List up to ``limit`` messages with their numbers, oldest first."""
        first = next(iter(self._waiting), 0)  # what was delivered before it may still be in the file
        return self._after(first - 1, limit)

    def next(self, limit: int, before: float = math.inf) -> list[tuple[int, Message]]:
        """List up to ``limit`` messages with numbers below ``before``, oldest first, not listed since `rewind`.

        What an earlier run left behind a disk that could not be used comes when it can be: then others come again.
        """
        found = [each for each in self._after(self._handed_out, limit) if each[0] < before]
        if found:
            self._handed_out = found[-1][0]
        return found

    def rewind(self) -> None:
        """Let `next` begin with the oldest message again."""
        self._handed_out = 0

    def expire(self, day_s: float) -> None:
        """Drop what is too old; ``day_s`` is the time of day in seconds since 1970."""
        before_s = day_s - self._limits.days * 86_400
        dated = [(number, entry.at_s) for number, entry in self._waiting.items() if entry.at_s is not None]
        self._drop([number for number, at_s in dated if at_s < before_s])

    def correct(self, correction: Callable[[Message], Message]) -> None:
        """Correct all messages of this run, as the system's clock was set."""
        for number, message in self._after(self._first_of_run - 1, len(self._waiting)):
            self._added[number] = corrected = correction(message)
            self._waiting[number] = _Entry(corrected.kind, corrected.at_s, corrected.view)

    def take_from(self, other: Outbox) -> None:
        """Append all messages of another outbox, which is empty then."""
        for number, message in other.oldest(len(other)):
            self.add(message)
            other.remove(number)
        self.opened, other.opened = self.opened | other.opened, {}
        self.dropped += other.dropped

    def save(self, now_s: float) -> None:
        """Write what has changed, unless the disk could not be used just now."""
        if self._retry_s and now_s < self._retry_s:
            return
        if self._file is None:
            self._open(now_s)
        if self._file is None:
            return
        try:
            self._file.write(self._added.items(), self._removed - self._added.keys(), self.opened)
        except sqlite3.Error as error:
            self._warn(error, now_s)
            return
        if self._retry_s:
            logger.info("%s: can be used again", self._path)
        self._retry_s = None
        self._written_s = now_s
        self._opened_on_disk = dict(self.opened)
        self._added.clear()
        self._removed.clear()

    def close(self, now_s: float) -> None:
        """Save, though the disk could not be used just now, and close the file."""
        self._retry_s = self._retry_s and now_s
        self.save(now_s)
        if self._added:
            logger.warning("%s: cannot be used: %d events are lost", self._path, len(self._added))
        if self._file:
            self._file.close()

    def _after(self, number: int, limit: int) -> list[tuple[int, Message]]:
        found: dict[int, Message] = {}
        if self._file:
            try:
                for each, message in self._file.after(number):
                    if each in self._waiting:
                        found[each] = message
                    if len(found) == limit:
                        break
            except sqlite3.Error as error:
                self._give_up_file(error)
                found.clear()
        found |= {each: message for each, message in self._added.items() if each > number}
        return sorted(found.items())[:limit]

    def _open(self, now_s: float) -> None:
        """Take in what an earlier run left."""
        try:
            self._file = _open_or_set_aside(self._path)
            rows = self._file.index()
            opened = self._file.opened()
        except (sqlite3.Error, OSError) as error:
            self._warn(error, now_s)
            return
        left = {row[0]: _Entry(*row[1:]) for row in rows if row[0] not in self._removed}
        if self._next == UNOPENED:
            self._next = self._first_of_run = max(left, default=0) + 1
        self._waiting = left | self._waiting
        self.rewind()
        before, self._opened_on_disk = self._opened_on_disk, opened
        for view, event in opened.items():
            if event == before.get(view):  # this run's
                continue
            if view not in self.opened and self._keeps(view, event):
                self.opened[view] = event
            elif end := self._end_of(view, event):
                self.add(end)

    def _give_up_file(self, error: sqlite3.Error) -> None:
        """Go on with what is in memory; what is on disk is taken in when it can be read again."""
        logger.warning("%s: cannot be read (%s)", self._path, error)
        if self._file:
            self._file.close()
        self._file, self._retry_s = None, self._written_s
        self._waiting = {number: entry for number, entry in self._waiting.items() if number in self._added}

    def _make_room(self) -> None:
        size = self._limits.size
        if len(self._waiting) > size:
            kinds = [(number, entry.kind, entry.view) for number, entry in self._waiting.items()]
            self._drop(surplus(kinds, len(kinds) - size + size // DROPPED_SHARE))
        elif self._retry_s and len(self._added) > IN_MEMORY:
            kinds = [(number, message.kind, message.view) for number, message in self._added.items()]
            self._drop(surplus(kinds, len(kinds) - IN_MEMORY + IN_MEMORY // DROPPED_SHARE))

    def _drop(self, numbers: list[int]) -> None:
        for number in numbers:
            self.remove(number)
        self.dropped += len(numbers)
        if numbers:
            logger.warning("%d events were given up undelivered: too many, or too old", len(numbers))

    def _warn(self, error: Exception, now_s: float) -> None:
        """Say it once, and try again later."""
        if self._retry_s is None:
            logger.warning("%s: cannot be used (%s): undelivered events are kept in memory", self._path, error)
        self._retry_s = now_s + RETRY_S


def surplus(kinds: Iterable[tuple[int, str, str]], count: int) -> list[int]:
    """Choose ``count`` messages to give up, of numbers with their kinds and views, oldest first.

    The oldest ``update`` messages go first, then the oldest events as a whole, so that none begins and does not end,
    and only then the oldest of what remains. Events of one view do not overlap; those of several do.
    """
    kinds = list(kinds)
    chosen = [number for number, kind, _ in kinds if kind == "update"][:count]
    began: dict[str, int] = {}
    for number, kind, view in kinds:
        if len(chosen) >= count:
            return chosen
        if kind == "new":
            began[view] = number
        elif kind == "end" and view in began:
            chosen += [began.pop(view), number]
    rest = [number for number, *_ in kinds if number not in set(chosen)]
    return chosen + rest[: max(0, count - len(chosen))]


def _open_or_set_aside(path: Path) -> OutboxFile:
    """Open the file; one that is broken is given another name, and a new one made.

    Raises:
        sqlite3.Error: it cannot be written, or is in use by another process.
        OSError: its folder cannot be made, or a broken file not be renamed.
    """
    try:
        return OutboxFile(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        broken = path.with_name(f"{path.name}.broken")
        logger.warning("%s: broken (%s): set aside as %s", path, error, broken.name)
        path.replace(broken)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).unlink()
        return OutboxFile(path)
