"""Which way a model is to be run here, and whether it can be at all."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edgecam.errors import ModelError
from edgecam.model import runtimes
from edgecam.model.classifier import Classifier, read_model, usual_plan
from edgecam.model.delegates import DelegateError, is_loaded
from edgecam.model.meant import what_was_meant
from edgecam.model.plan import choose
from edgecam.model.plan_file import Measured, PlanFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam import config
    from edgecam.model.plan import Plan

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedModel:
    """How a model is to be run, which was tried here, or before its release.

    Attributes:
        settings: those that it follows.
        content: of the .tflite file.
        plan: the runtime, graph and threads.
        graph: what the runtime is given: the same content, or a rewritten graph.
        measured: how long an inference took, as words; empty: it is the usual plan, nothing was measured.
        is_final: no measuring could change it.
    """

    settings: config.ModelSettings
    content: bytes
    plan: Plan
    graph: bytes
    measured: str = ""
    is_final: bool = True

    def load(self) -> Classifier:
        """Load the model.

        Raises:
            ModelError: it is refused.
        """
        return Classifier(self.settings, self.content, self.plan, self.graph, known=True)


def plan_model(settings: config.ModelSettings, fps: float, *, measure: bool) -> PlannedModel:
    """Find how to run a model; one that was not run on this machine is tried in a child process before.

    Args:
        settings: of the model.
        fps: frames a second of the camera.
        measure: where it was not measured before how fast the model runs in which way, do it now, which takes seconds;
            else take the usual way for now.

    Raises:
        ModelError: the model is refused, or the accelerator is not to be had.
    """
    content = _read(settings)
    sha256 = hashlib.sha256(content).hexdigest()
    if settings.delegate:
        return _plan_with_accelerator(settings, content, sha256)
    if settings.graph == "original" and "auto" not in (settings.runtime, settings.threads):
        _try(settings, sha256)
        return PlannedModel(settings, content, usual_plan(settings), content)
    file = PlanFile(sha256, settings)
    found = file.read()
    if found is None and not measure and settings.graph != "rewritten":
        _try(settings, sha256)
        return PlannedModel(settings, content, usual_plan(settings), content, is_final=False)
    if found is None:
        found = _measure(settings, sha256)
        if not found.timings:
            return PlannedModel(settings, content, usual_plan(settings), content)
        file.write(found)
    best = choose(found.timings, 1e3 / fps)
    graph = found.rewritten if best.plan.graph == "rewritten" and found.rewritten else content
    return PlannedModel(settings, content, best.plan, graph, _in_words(found, best.plan))


def _plan_with_accelerator(settings: config.ModelSettings, content: bytes, sha256: str) -> PlannedModel:
    """Take the graph as it is, on the first runtime that the accelerator's library works with: it decides the speed."""
    refused: list[ModelError] = []
    for runtime in _runtimes(settings.runtime):
        fixed = msgspec.structs.replace(settings, runtime=runtime)
        try:
            _try(fixed, sha256)
        except ModelError as error:
            refused.append(error)
        else:
            return PlannedModel(settings, content, usual_plan(fixed), content)
    raise refused[0]


def _runtimes(setting: str) -> Iterator[str]:
    """Names of those that may be used; more than the first one are imported only where that is not enough.

    Raises:
        ModelError: the runtime that is set is not installed.
    """
    first = runtimes.choose(setting)
    yield first
    if setting == "auto":
        yield from (name for name in runtimes.installed() if name != first)


def _read(settings: config.ModelSettings) -> bytes:
    try:
        return read_model(settings)
    except ModelError as error:
        meant = what_was_meant(settings.path)
        if not meant:
            raise
        message = f"{error.problem}; {meant}"  # which file was meant helps more than what this one is
        raise ModelError(message) from None


def _try(settings: config.ModelSettings, sha256: str) -> None:
    from edgecam.model import trial

    if not (settings.path or settings.delegate):
        return  # the shipped one needs no trial
    try:
        tried = trial.tried(settings).sha256
    except DelegateError:
        if not is_loaded(settings.delegate, runtimes.MODULES[runtimes.choose(settings.runtime)]):
            raise
        # The device is ours while the model before runs, and may be no other process' then: not the child's either.
        tried = trial.check(settings).file.sha256
    _same(settings, tried, sha256)


def _measure(settings: config.ModelSettings, sha256: str) -> Measured:
    import tempfile

    from edgecam.model import trial

    with tempfile.TemporaryDirectory() as folder:
        rewritten = Path(folder) / "rewritten.tflite"
        report = trial.tried(settings, rewritten)
        _same(settings, report.sha256, sha256)
        for note in report.notes:
            logger.info("model %s: %s", settings.path or "shipped", note)
        return Measured(report.timings, rewritten.read_bytes() if rewritten.exists() else None)


def _same(settings: config.ModelSettings, tried: str, sha256: str) -> None:
    if tried != sha256:
        message = f"{settings.path or 'the shipped model'}: changed while it was checked; try again when it is complete"
        raise ModelError(message)


def _in_words(measured: Measured, plan: Plan) -> str:
    times = {timing.plan: f"{timing.ms:.2f} ms" for timing in measured.timings}
    logger.debug("measured: %s", "; ".join(f"{other} {ms}" for other, ms in times.items()))
    return f"{times[plan]} an inference when it was measured"
