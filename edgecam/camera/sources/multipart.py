"""Pictures that follow each other in one answer of a web server: ``multipart/x-mixed-replace``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from edgecam.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Generator

MOST_BYTES = 16_000_000  # of a part
MOST_HEADERS = 16_384  # bytes of the lines before one
LINE_END = b"\n"
LENGTH = re.compile(rb"content-length:\s*(\d{1,9})", re.IGNORECASE)
BOUNDARY = re.compile(rb"[\x21-\x7e][\x20-\x7e]{0,127}")
END_OF_JPEG = b"\xff\xd9"


class Parts:
    """Takes the bytes as they come, and gives the parts; how the bytes were divided makes no difference.

    Cameras are free with the rules (RFC 2046, 5.1.1). So what stands between two parts is what stands before the first
    one, whatever the answer's header said of it; and a part ends there, though its length was told otherwise. A JPEG
    that ends where it should is given at once, as the line behind it may come with the next one only.
    """

    def __init__(self, boundary: str = "") -> None:
        """Begin before the first part; ``boundary`` is what the answer's header tells, empty: nothing."""
        self._told = boundary.encode(errors="replace").strip()
        self._buffer = bytearray()
        self._complete: list[bytes] = []
        self._reading = self._read()

    def feed(self, data: bytes) -> list[bytes]:
        """Take in more bytes and return the parts that are complete by now.

        Raises:
            SourceError: these are no parts, or too long ones.
        """
        self._buffer += data
        next(self._reading)
        complete, self._complete = self._complete, []
        return complete

    def _read(self) -> Generator[None, None, NoReturn]:
        """Take parts out of the buffer, for ever; each time it wants more it yields."""
        between = yield from self._first_line()
        while True:
            length = yield from self._headers()
            yield from self._part(between, length)
            yield from self._line(MOST_HEADERS)  # the rest of the line between

    def _first_line(self) -> Generator[None, None, bytes]:
        """Learn what stands between two parts."""
        left = MOST_HEADERS
        while True:
            line = yield from self._line(left)
            left -= len(line) + 1
            line = line.strip()
            has_dashes = line.startswith(b"--")
            if line and (has_dashes or line == self._told):
                if not BOUNDARY.fullmatch(line):
                    _refuse("bytes that mean nothing")
                return line if has_dashes else LINE_END + line

    def _headers(self) -> Generator[None, None, int | None]:
        """Pass over the lines before a part, and return its length, if that is told."""
        length, left = None, MOST_HEADERS
        while line := (yield from self._line(left)).strip():
            left -= len(line) + 1
            if match := LENGTH.fullmatch(line):
                length = int(match[1])
        return length

    def _part(self, between: bytes, length: int | None) -> Generator[None, None, None]:
        """Take a part, and what stands behind it."""
        buffer, searched, is_taken = self._buffer, 0, False
        while True:
            place = buffer.find(between, max(0, searched - len(between)))
            end = self._without_line_end(place) if place >= 0 else len(buffer)
            if not is_taken and length and length <= end and buffer[length - 2 : length] == END_OF_JPEG:
                self._complete.append(self._bytes(length))
                is_taken = True
            if place >= 0:
                if not is_taken and end:
                    self._complete.append(self._bytes(end))
                del buffer[: place + len(between)]
                return
            if end > MOST_BYTES:
                _refuse(f"a picture of more than {MOST_BYTES // 1_000_000} MB")
            searched = end
            yield

    def _bytes(self, end: int) -> bytes:
        with memoryview(self._buffer) as view:  # copies once
            return bytes(view[:end])

    def _without_line_end(self, place: int) -> int:
        """Where a part ends that is followed by the line between at a place: before the line end of its own."""
        if self._buffer[place : place + 1] != LINE_END:
            if self._buffer[place - 1 : place] != LINE_END:
                return place
            place -= 1
        return place - (self._buffer[place - 1 : place] == b"\r")

    def _line(self, most: int) -> Generator[None, None, bytes]:
        """Take a line of at most so many bytes."""
        searched = 0
        while (end := self._buffer.find(LINE_END, searched)) < 0:
            searched = len(self._buffer)
            if searched > most:
                _refuse(f"no picture in {MOST_HEADERS // 1024} KB")
            yield
        if end > most:
            _refuse(f"no picture in {MOST_HEADERS // 1024} KB")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


def _refuse(what: str) -> NoReturn:
    message = f"gives {what}; is that the address of its pictures?"
    raise SourceError(message)
