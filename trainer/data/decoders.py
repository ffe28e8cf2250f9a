"""Pillow's decoders, HEIC's among them, without their chatter, and no more at once than memory bears."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pillow_heif
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 32_000_000  # pixels; decoded and converted, one takes about 12 bytes


@functools.cache
def set_up() -> None:
    """Let Pillow read HEIC, and leave the limit of a picture's size, and its message, to us."""
    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None


class Room:
    """Lets threads in while what they work on fits, first come first served; what is larger than all goes alone."""

    def __init__(self, size: int) -> None:
        """Have room for ``size``."""
        self._size = size
        self._free = size
        self._turn = threading.Lock()
        self._left = threading.Condition()

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Wait until there is room, and have it."""
        size = min(size, self._size)
        with self._turn, self._left:
            self._left.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._left:
                self._free += size
                self._left.notify_all()


ROOM = Room(AT_ONCE)


class _Hush:
    """Keeps warnings, and what libraries in C write to stderr, from the terminal while any thread is within."""

    def __init__(self) -> None:
        self._within = 0
        self._change = threading.Lock()
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._change:
            if not self._within:
                self._undo.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
                self._undo.enter_context(_without_stderr_of_c())
                self._undo.enter_context(_without_log_of_pillow())
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._within -= 1
            if not self._within:
                self._undo.close()


hushed = _Hush()


@contextlib.contextmanager
def _without_log_of_pillow() -> Iterator[None]:
    log = logging.getLogger("PIL")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


@contextlib.contextmanager
def _without_stderr_of_c() -> Iterator[None]:
    """Lead the file behind stderr nowhere, but what Python prints to where it led."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere, contextlib.ExitStack() as changed:  # noqa: PTH123
            if _is_on_2():
                ours = open(kept, "w", buffering=1, encoding=sys.stderr.encoding, errors="replace", closefd=False)  # noqa: SIM115
                changed.enter_context(ours)
                changed.enter_context(contextlib.redirect_stderr(ours))
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _is_on_2() -> bool:
    try:
        return sys.stderr.fileno() == 2  # noqa: PLR2004  # stderr's number everywhere
    except io.UnsupportedOperation:
        return False
