"""The folder in which a model ends: what is made lies aside until it is whole, and only what we made is removed."""

from __future__ import annotations

import shutil
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


WORK = ".edgecam-training"  # a name that nobody else gives a folder
MARK = "made by edgecam's trainer; gone when the training has ended\n"
MARK_FILE = "README"
RESULTS = "results"
WHOLE = "results-are-whole"
MODEL = "model.tflite"
STOPPABLE = (signal.SIGINT, signal.SIGTERM)


class Output:
    """An output folder, and the folder of unfinished work in it.

    Results are written to ``results`` and then put into their places at once: who stops us finds the model that was
    there before, or the whole new one. Where a kill comes in between, the next run finishes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / WORK
        self.results = self.work / RESULTS
        self._is_ours = False

    def prepare(self, *, overwrite: bool) -> None:
        """Make the folders.

        Raises:
            InputError: they cannot be made, or there is a model that must not be overwritten.
        """
        self._put_in_place()
        if (self.folder / MODEL).exists() and not overwrite:
            message = f"{self.folder}: holds a model already; choose another --output, or give --overwrite"
            raise InputError(message)
        self._is_ours = not self.folder.exists()
        try:
            if (self.work / MARK_FILE).is_file() and self.results.exists():
                shutil.rmtree(self.results)  # of a run that did not come to its end
            self.results.mkdir(parents=True, exist_ok=True)
            (self.work / MARK_FILE).write_text(MARK, "utf-8")
        except OSError as error:
            message = f"--output {self.folder}: {in_words(error)}"
            raise InputError(message) from None

    def finish(self) -> None:
        """Put the results into their places, and remove the work."""
        (self.work / WHOLE).touch()
        self._put_in_place()
        self.discard()

    @contextmanager
    def clearing(self, kept: str = "") -> Iterator[None]:
        """Remove the work if what is done within fails: there may be gigabytes of pixels in it.

        Args:
            kept: a file in it with which it can be gone on; where it is there, all of it stays.
        """
        try:
            yield
        except BaseException:
            if not (kept and (self.work / kept).exists()):
                self.discard()
            raise

    def discard(self) -> None:
        """Remove the work, which is ours: its mark tells; and the folder, if it was not there before and is empty."""
        if (self.work / MARK_FILE).is_file():
            shutil.rmtree(self.work)
        if self._is_ours:
            with suppress(OSError):
                self.folder.rmdir()

    def _put_in_place(self) -> None:
        if not (self.work / WHOLE).exists():
            return
        with _unstopped():
            for path in sorted(self.results.iterdir()):
                path.replace(self.folder / path.name)
            (self.work / WHOLE).unlink()


@contextmanager
def _unstopped() -> Iterator[None]:
    """Let signals wait for the few milliseconds that renaming takes."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPABLE)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
