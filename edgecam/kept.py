"""Where lies what must outlive a restart."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import quote, unquote

import msgspec

from edgecam.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

LONGEST = 255  # bytes in the name of a file, for all file systems that we may meet
TAKEN = "taken"  # begins the name of a file that says which camera was taken
NEW = ".new"  # ends the name of a file that is being written

Kept = TypeVar("Kept", bound=msgspec.Struct)


def state_directory() -> Path:
    """``$STATE_DIRECTORY`` (systemd sets it), else ``$XDG_STATE_HOME/edgecam``, else ``~/.local/state/edgecam``.

    Raises:
        ConfigError: neither is set, and the user has no home, as in a container.
    """
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if home := os.environ.get("XDG_STATE_HOME"):
        return Path(home) / "edgecam"
    try:
        return Path("~/.local/state/edgecam").expanduser()
    except RuntimeError:
        message = (
            f"STATE_DIRECTORY: not set, and user {os.getuid()} has no home: set it to a folder that may be written"
        )
        raise ConfigError(message) from None


def outbox_file(camera: str) -> Path:
    """Return the file of a camera's undelivered events."""
    return state_directory() / _name("outbox-", camera, ".sqlite3", beside="-journal")


def switches_file(camera: str) -> Path:
    """Return the file of what was ordered for a camera over MQTT."""
    return state_directory() / _name("switches-", camera, ".json", beside=NEW)


def announced_file(camera: str) -> Path:
    """Return the file of where a camera was announced to Home Assistant."""
    return state_directory() / _name("announced-", camera, ".json", beside=NEW)


def rollout_file(camera: str, view: str = "") -> Path:
    """Return the file of what is known of models that a camera, or one of its views, was ordered to take."""
    return state_directory() / _name("rollout-", f"{camera}/{view}" if view else camera, ".json", beside=NEW)


def rollout_views(camera: str) -> set[str]:
    """Return the names of a camera's views of which there is such a file; of one with a hash in it nobody knows."""
    of_views = f"{quote(camera, safe='')}{quote('/', safe='')}"
    files = (path.stem.removeprefix("rollout-") for path in state_directory().glob("rollout-*.json"))
    return {unquote(name.removeprefix(of_views)) for name in files if name.startswith(of_views) and "+" not in name}


def model_folder(camera: str) -> Path:
    """Return the folder of the models that a camera was ordered to take."""
    return state_directory() / _name("models-", camera)


def _name(before: str, camera: str, after: str = "", beside: str = "") -> str:
    """A file's name for a camera, and no other camera's.

    Where the camera's is too long, with ``beside``, which names what lies beside the file at times, it ends in a hash:
    behind a +, which stands in no quoted name.
    """
    quoted = quote(camera, safe="")
    most = LONGEST - len(before) - len(after) - len(beside)
    if len(quoted) > most:
        ending = f"+{hashlib.sha256(camera.encode()).hexdigest()[:32]}"
        quoted = quoted[: most - len(ending)] + ending
    return before + quoted + after


def taken_file(instance: str) -> Path:
    """Return the file of which camera ``camera.source = "auto"`` took, by the instance of the service."""
    return state_directory() / _name(f"{TAKEN}-", instance, ".json", beside=NEW)


def taken_files() -> dict[str, Path]:
    """Return the files of which camera each instance took, by its name; one with a name too long for it is left out."""
    files = (path for path in state_directory().glob(f"{TAKEN}-*.json") if "+" not in path.name)
    return {unquote(path.stem.removeprefix(f"{TAKEN}-")): path for path in files}


def plan_folder() -> Path:
    """Return the folder of what was measured of models on this machine."""
    return state_directory() / "plans"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for the next start, all or nothing, whatever happens meanwhile, and whoever else writes it.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _new_beside(path) as (new, file):
        try:
            file.truncate(0)  # what a run that was killed has left
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            new.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
    _write_through(path.parent)


@contextlib.contextmanager
def _new_beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """The file to write before it takes the place of ``path``, for us alone.

    It has one name, so that what killed runs leave is one file, which the next run uses. The lock on it ends with the
    process.
    """
    new = path.with_name(path.name + NEW)
    while True:
        with new.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, new):  # another process held it, and has put it in its place
                continue
            yield new, file
            return


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write_through(folder: Path) -> None:
    """Have the names in a folder on the disk; a file system that cannot do that is no reason to stop."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def read_kept(path: Path, nothing: Kept, meaning: str) -> Kept:
    """Read what an earlier run kept; if there is none, or it makes no sense: ``nothing``, which means ``meaning``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type(nothing))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        logger.warning("%s: cannot be read (%s): %s", path, error, meaning)
    return nothing


def write_kept(path: Path, kept: msgspec.Struct) -> None:
    """Keep something for the next start, all or nothing; a disk that cannot be written is no reason to stop."""
    try:
        write_whole(path, msgspec.json.encode(kept))
    except OSError as error:
        logger.warning("%s: cannot be written (%s): the next start does not know of it", path, error)


def forget_kept(path: Path) -> None:
    """Remove what an earlier run kept, as nobody needs it any more; it need not be there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s: cannot be removed (%s)", path, error)
