"""What was measured of a model on this machine, kept for the next start."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from edgecam import __version__
from edgecam.device.processor import identity
from edgecam.kept import plan_folder, write_whole
from edgecam.model.plan import Timing
from edgecam.model.runtimes import versions

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam import config

logger = logging.getLogger(__name__)

KEPT = 8  # models


class Measured(msgspec.Struct, frozen=True):
    """Timings of a model, the usual way's first, and the rewritten graph if it has one."""

    timings: tuple[Timing, ...]
    rewritten: bytes | None = None


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    timings: tuple[Timing, ...]
    rewritten: str | None  # SHA-256, in hex


class PlanFile:
    """Of one model, one machine, the versions of what runs it, and the settings that leave something open."""

    def __init__(self, sha256: str, settings: config.ModelSettings) -> None:
        """Find its place; ``sha256`` is that of the model."""
        what: dict[str, Any] = {
            "model": sha256,
            "processor": identity(),
            "edgecam": __version__,
            "versions": versions(),
        }
        what |= {"runtime": settings.runtime, "graph": settings.graph, "threads": settings.threads}
        what |= {"size": settings.size, "delegate": settings.delegate, "options": settings.delegate_options}
        key = hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()[:32]
        self._record = plan_folder() / f"{key}.json"
        self._graph = plan_folder() / f"{key}.tflite"

    def read(self) -> Measured | None:
        """Return what was measured; None if nothing was, or what is there makes no sense."""
        try:
            record = msgspec.json.decode(self._record.read_bytes(), type=_Record)
            rewritten = self._graph.read_bytes() if record.rewritten else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("%s: cannot be read (%s): the model is timed again", self._record, error)
            return None
        if not record.timings or (rewritten is not None and _sha256(rewritten) != record.rewritten):
            logger.warning("%s: damaged: the model is timed again", self._record)
            return None
        return Measured(record.timings, rewritten)

    def write(self, measured: Measured) -> None:
        """Keep what was measured; a disk that cannot be written is no reason to stop."""
        rewritten = measured.rewritten
        record = _Record(measured.timings, _sha256(rewritten) if rewritten else None)
        try:
            if rewritten:
                write_whole(self._graph, rewritten)
            write_whole(self._record, msgspec.json.encode(record))
            _forget_old(self._record.parent)
        except OSError as error:
            logger.warning("%s: cannot be written (%s): the next start will time the model again", self._record, error)


def _forget_old(folder: Path) -> None:
    by_age = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for record in by_age[KEPT:]:
        for file in (record, record.with_suffix(".tflite")):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
