"""Keeps a process that runs for months as small as it was."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Give memory that was freed back to the system; in a millisecond.

    glibc keeps it, in pieces between what is still in use, and with each camera that is opened anew and each model that
    is exchanged the pieces become more. Other C libraries have no such function, and no need of it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
