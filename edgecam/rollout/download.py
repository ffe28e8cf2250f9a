"""Fetches a model that was ordered."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import re
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from edgecam import __version__
from edgecam.addresses import shown
from edgecam.errors import ModelError, in_words
from edgecam.rollout.record import Installed

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection

    from edgecam.rollout.record import SignedModel

logger = logging.getLogger(__name__)

SILENCE_S = 30.0  # after which a server is given up
LONGEST_S = 3_600.0  # for a file
CHUNK = 1 << 16
FIRST_RETRY_S, LAST_RETRY_S = 60.0, 3_600.0
LASTING = range(400, 500)  # HTTP's answers that will be the same next time


class _Handlers(urllib.request.OpenerDirector):
    """What may stand in a URL: http, https and file; redirections too may lead nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        for handler in (
            urllib.request.ProxyHandler,
            urllib.request.UnknownHandler,
            urllib.request.HTTPHandler,
            urllib.request.HTTPSHandler,
            urllib.request.FileHandler,
            urllib.request.HTTPDefaultErrorHandler,
            urllib.request.HTTPRedirectHandler,
            urllib.request.HTTPErrorProcessor,
        ):
            self.add_handler(handler())
        self.addheaders = [("User-Agent", f"edgecam/{__version__}")]


def place_of(order: SignedModel, folder: Path) -> Installed:
    """Return the file that an ordered model becomes in a camera's ``folder``: it lies in a folder of its own there."""
    return Installed(str(folder / order.sha256[:32] / _name(order.url)), order.sha256)


def fetch(
    order: SignedModel,
    folder: Path,
    most: int,
    stop: threading.Event,
    tell: Callable[[str], None],
    part: str = "part",
) -> Installed | None:
    """Download a model into ``folder``, trying again while its server is away; None: ``stop`` was set.

    Args:
        order: which model; its signature has been checked.
        folder: which need not be there.
        most: bytes.
        stop: gives up.
        tell: told, as a sentence, why it has to wait.
        part: the name of the file while it is not complete; who fetches at the same time takes another.

    Raises:
        ModelError: it is not what was ordered, too large, not there, or there is no room.
    """
    installed = place_of(order, folder)
    to = Path(installed.file)
    new = to.with_name(part)
    if to.exists() and _sha256(to) == order.sha256:
        return installed
    delay_s = FIRST_RETRY_S
    while not stop.is_set():
        try:
            if not _download(order.url, new, most, stop):
                return None
            found = _sha256(new)
            if found == order.sha256:
                new.replace(to)
                return installed
        except OSError as error:
            tell(f"{shown(order.url)} cannot be downloaded: {_reason(error)}; trying again in {delay_s:.0f} s")
            stop.wait(delay_s)
            delay_s = min(2 * delay_s, LAST_RETRY_S)
            continue
        finally:
            new.unlink(missing_ok=True)
        message = f"{shown(order.url)} is another file: its SHA-256 is {found}"
        raise ModelError(message)
    return None


def moved(model: Installed, folder: Path) -> Installed:
    """Move a model into another camera's folder; one that cannot be moved stays where it is."""
    file = Path(model.file)
    to = folder / file.parent.name
    if file.parent == to:
        return model
    try:
        if file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(to, ignore_errors=True)
            file.parent.rename(to)
    except OSError as error:
        logger.warning("%s: cannot be moved to %s: %s", file, folder, in_words(error))
    here = to / file.name
    return Installed(str(here), model.sha256) if here.exists() else model


def forget(folder: Path, keep: Collection[Installed]) -> None:
    """Remove the models that are no longer needed, and their folder with the last."""
    kept = {Path(model.file).parent for model in keep}
    for each in folder.glob("*"):
        if each not in kept:
            shutil.rmtree(each, ignore_errors=True)
    with contextlib.suppress(OSError):  # what is kept lies in it, or it is not there
        folder.rmdir()


def _download(url: str, to: Path, most: int, stop: threading.Event) -> bool:
    """Write what lies at ``url`` into a file; return whether it is complete, or ``stop`` was set.

    Raises:
        ModelError: it is too large, not there, or cannot be kept.
        OSError: the server cannot be reached, or drops us.
    """
    end = time.monotonic() + LONGEST_S
    size = 0
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with _Handlers().open(url, timeout=SILENCE_S) as source, to.open("wb") as file:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > most or stop.is_set():
                    break
                if time.monotonic() > end:
                    raise TimeoutError
                file.write(chunk)
        if stop.is_set():
            return False
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in LASTING:
            message = f"{shown(url)} cannot be downloaded: {_reason(error)}"
            raise ModelError(message) from None
        raise
    except (ValueError, http.client.HTTPException) as error:  # a URL or an answer that makes no sense
        message = f"{shown(url)} cannot be downloaded: {type(error).__name__}"
        raise ConnectionError(message) from None
    if size > most:
        message = f"{shown(url)} is larger than rollout.size allows ({most / 1e6:g} MB)"
        raise ModelError(message)
    logger.info("model %s: %.1f MB downloaded", shown(url), size / 1e6)
    return True


def _name(url: str) -> str:
    """A file name for a model, which it is known by in events: the last part of its URL."""
    stem = Path(unquote(urlsplit(url).path)).stem
    return f"{re.sub('[^A-Za-z0-9_-]', '_', stem)[:80] or 'model'}.tflite"


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _reason(error: OSError) -> str:
    if isinstance(error, urllib.error.HTTPError):
        # It may name another URL: one that it leads to.
        return f"the server says {error.code} {shown(str(error.reason))}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return in_words(reason) if isinstance(reason, OSError) else str(reason)
