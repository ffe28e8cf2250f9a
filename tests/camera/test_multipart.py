"""Pictures that follow each other in one answer of a web server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam.camera.sources import multipart
from edgecam.camera.sources.multipart import Parts
from edgecam.errors import SourceError

JPEG = st.binary(max_size=200).map(lambda middle: b"\xff\xd8" + middle + b"\xff\xd9")
CHUNKS = st.lists(st.integers(1, 60), min_size=1, max_size=30)


def divided(content: bytes, sizes: list[int]) -> list[bytes]:
    """Into pieces of these sizes, over and over."""
    pieces, place, number = [], 0, 0
    while place < len(content):
        size = sizes[number % len(sizes)]
        pieces.append(content[place : place + size])
        place, number = place + size, number + 1
    return pieces


def parts_of(content: bytes, sizes: list[int], boundary: str = "") -> list[bytes]:
    parts = Parts(boundary)
    return [part for piece in divided(content, sizes) for part in parts.feed(piece)]


def outcome(content: bytes, sizes: list[int]) -> list[bytes] | str:
    try:
        return parts_of(content, sizes)
    except SourceError as error:
        return str(error)


def written(jpegs: list[bytes], line: str, newline: str, length: int | None, *, breaks: bool) -> bytes:
    """As one of many cameras writes it; ``length`` is by how much the told one is wrong, None: none is told."""
    told = b""
    for jpeg in jpegs:
        headers = f"{line}{newline}Content-Type: image/jpeg{newline}"
        if length is not None:
            headers += f"content-length:{max(0, len(jpeg) + length)}{newline}"
        told += (headers + newline).encode() + jpeg + newline.encode() * breaks
    return told + f"{line}{newline}".encode()


@given(
    jpegs=st.lists(JPEG, max_size=4),
    line=st.sampled_from(["--frame", "----WebKit", "--x", "frame", "--a b"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    length=st.none() | st.integers(-50, 50),
    sizes=CHUNKS,
    breaks=st.booleans(),
)
def test_however_it_is_written_and_divided_the_pictures_are_the_same(
    jpegs: list[bytes],
    line: str,
    newline: str,
    length: int | None,
    sizes: list[int],
    *,
    breaks: bool,
) -> None:
    breaks = breaks or not line.startswith("--")
    if any(line.encode() in jpeg for jpeg in jpegs):
        return
    content = written(jpegs, line, newline, length, breaks=breaks)
    if length is not None and length < 0 and any(jpeg[: len(jpeg) + length].endswith(b"\xff\xd9") for jpeg in jpegs):
        return  # a thumbnail's end, where the length happens to point: nobody can tell
    assert parts_of(content, sizes, "frame") == jpegs


@given(
    st.lists(st.sampled_from([b"--x", b"\r\n", b"\n", b"\xff\xd9", b"Content-Length: 3", b"a", b"-", b"\0"])), CHUNKS
)
def test_rubbish_has_one_outcome_however_it_is_divided(pieces: list[bytes], sizes: list[int]) -> None:
    content = b"".join(pieces)
    assert outcome(content, sizes) == outcome(content, [len(content) + 1])


@given(st.binary(max_size=2000), CHUNKS)
def test_any_bytes_are_taken_or_refused_in_words(content: bytes, sizes: list[int]) -> None:
    outcome(content, sizes)


def test_a_picture_whose_length_is_told_is_given_before_the_line_behind_it_comes() -> None:
    parts = Parts()
    assert parts.feed(b"--x\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9") == [b"\xff\xd8\xff\xd9"]
    assert parts.feed(b"\r\n--x\r\n") == []


@pytest.mark.parametrize(
    ("begin", "again", "problem"),
    [
        (b"", b"no boundary", "no picture in 16 KB"),
        (b"", b"no boundary\r\n", "no picture in 16 KB"),
        (b"--x\r\n", b"X-More: headers\r\n", "no picture in 16 KB"),
        (b"--x\r\n\r\n", bytes(100_000), "a picture of more than 16 MB"),
        (b"--x\r\nContent-Length: 999999999\r\n\r\n", bytes(100_000), "a picture of more than 16 MB"),
        (b"--x\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9", bytes(100_000), "a picture of more than 16 MB"),
        (b"--\0\x01\r\n", b"", "bytes that mean nothing"),
    ],
)
def test_what_goes_on_for_ever_is_refused_and_little_of_it_kept(begin: bytes, again: bytes, problem: str) -> None:
    parts = Parts("frame")
    fed = 0

    def feed() -> None:
        nonlocal fed
        parts.feed(begin)
        while True:
            fed += len(again)
            parts.feed(again)

    with pytest.raises(SourceError, match=problem):
        feed()
    assert fed <= multipart.MOST_BYTES + 2 * len(again)
