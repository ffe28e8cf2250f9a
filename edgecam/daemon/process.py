"""What a daemon that runs for months minds of its own process: signals, and memory."""

from __future__ import annotations

import ctypes
import gc
import signal
import socket

WHOLE = 60
OLDEST = 2  # the generation that is only looked at when all are

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # once: each CDLL makes a class of its own


class SignalBell:
    """Rings at each signal for a thread that waits for it, so that this can wake the main thread.

    The kernel may give a signal to any thread, and only one given to the main thread wakes it where it waits for a
    lock. Its handler would be called when something else happens, which may be never.
    """

    def __init__(self) -> None:
        """Ring from now on; in the main thread."""
        self._waiting, self._ringing = socket.socketpair()
        self._ringing.settimeout(0)
        signal.set_wakeup_fd(self._ringing.fileno(), warn_on_full_buffer=False)

    def wait(self) -> bool:
        """Wait for signals; False when the bell was silenced."""
        return bool(self._waiting.recv(4096))

    def silence(self) -> None:
        """Ring no more; in the main thread."""
        signal.set_wakeup_fd(-1)
        self._ringing.close()


def give_back() -> None:
    """Give memory that was freed back, to Python and to the system; in milliseconds.

    Python keeps up to 2,000 freed tuples of each length until it collects all garbage, which it does by itself only
    when much has been made that stays: the first hour goes by with filling up. As most of what there is stays for good,
    we look at what was made since the last call, and only every WHOLEth time at everything.

    glibc keeps memory in pieces between what is still in use, and with each camera that is opened anew and each model
    that is exchanged the pieces become more. Other C libraries have no function to trim it, and no need of it.
    """
    if gc.get_stats()[OLDEST]["collections"] % WHOLE == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    if _trim:
        _trim(0)
