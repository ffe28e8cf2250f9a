"""The folder in which a model ends: what is made lies aside until it is whole, and only what we made is removed."""

from __future__ import annotations

import contextlib
import shutil
import signal
from typing import TYPE_CHECKING

from edgecam.errors import in_words
from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType


WORK = ".edgecam-training"  # a name that nobody else gives a folder
MARK = "made by edgecam's trainer; gone when the training has ended\n"
MARK_FILE = "README"
RESULTS = "results"
WHOLE = "results-are-whole"
MODEL = "model.tflite"
FILES = (MODEL, "labels.txt", "split.json", "report.html", "report.json")
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
        self._is_new = False

    def prepare(self, *, overwrite: bool, files: Sequence[str] = FILES) -> None:
        """Make the folders.

        Args:
            overwrite: replace what is there.
            files: what will be written.

        Raises:
            InputError: they cannot be made, or there is something that must not be overwritten.
        """
        try:
            self._put_in_place()
            self._check(overwrite=overwrite, files=files)
            self._is_new = not self.folder.exists()
            if self.results.exists():
                shutil.rmtree(self.results)  # of a run that did not come to its end
            self.work.mkdir(parents=True, exist_ok=True)
            (self.work / MARK_FILE).write_text(MARK, "utf-8")
            self.results.mkdir()
        except OSError as error:
            message = f"--output {self.folder}: {in_words(error)}"
            raise InputError(message) from None

    def finish(self) -> None:
        """Put the results into their places, and remove the work."""
        with _unstopped():
            (self.work / WHOLE).touch()
            self._put_in_place()
            self.discard()

    @contextlib.contextmanager
    def clearing(self, kept: str = "") -> Iterator[None]:
        """Remove the work if what is done within fails: there may be gigabytes of pixels in it.

        Args:
            kept: a file in it with which it can be gone on; where it is there, all of it stays.
        """
        try:
            yield
        except BaseException as error:
            if not (kept and (self.work / kept).exists()):
                self.discard()
            if isinstance(error, OSError) and error.filename is None:  # as where a file that is written finds no room
                error.filename = str(self.work)
            raise

    def discard(self) -> None:
        """Remove the work, which is ours: its mark tells; and the folder, if it was made for it and is empty."""
        if self._is_ours():
            shutil.rmtree(self.work)
        if self._is_new:
            with contextlib.suppress(OSError):  # results are in it
                self.folder.rmdir()

    def _check(self, *, overwrite: bool, files: Sequence[str]) -> None:
        there = [name for name in files if (self.folder / name).exists()]
        if there and not overwrite:
            what = "a model" if MODEL in there else there[0]
            message = f"{self.folder}: holds {what} already; choose another --output, or give --overwrite"
            raise InputError(message)
        for name in there:
            if (self.folder / name).is_dir():
                message = f"{self.folder / name}: a folder, where a file is to be written; choose another --output"
                raise InputError(message)
        if self.work.exists() and not self._is_ours() and any(self.work.iterdir()):
            message = f"{self.work}: is not of the trainer, which works in a folder of that name; move it away"
            raise InputError(message)

    def _is_ours(self) -> bool:
        try:
            return (self.work / MARK_FILE).read_text("utf-8") == MARK
        except (OSError, ValueError):
            return False

    def _put_in_place(self) -> None:
        if not (self._is_ours() and (self.work / WHOLE).exists()):
            return
        with _unstopped():
            for path in sorted(self.results.iterdir()):
                path.replace(self.folder / path.name)
            (self.work / WHOLE).unlink()


@contextlib.contextmanager
def _unstopped() -> Iterator[None]:
    """Let signals wait for the few milliseconds that renaming takes.

    To mask them would not do: any other thread would take them, of which TensorFlow has many.
    """
    waiting: list[int] = []

    def wait(number: int, _: FrameType | None) -> None:
        waiting.append(number)

    before = {each: signal.signal(each, wait) for each in STOPPABLE}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
        for number in waiting:
            signal.raise_signal(number)
