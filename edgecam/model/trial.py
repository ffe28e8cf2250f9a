"""Tries a model in a child process: whether it runs at all, and then how fast in each way.

A model that kills its runtime so does not kill the daemon; and what timing takes of memory is given back.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import msgspec
import numpy as np
import psutil

from edgecam import config
from edgecam.errors import ModelError
from edgecam.model import plan, runtimes, timing
from edgecam.model.classifier import Classifier, read_model
from edgecam.model.delegates import OTHER_BUILD, DelegateError
from edgecam.model.graphs import Graphs, graphs
from edgecam.model.metadata import read_metadata
from edgecam.model.plan import Timing

TIMEOUT_S = 60
REFUSED = ModelError.exit_code
NO_ACCELERATOR = 4  # exit code of the child
ADDRESSES = 1_000_000_000  # bytes that libraries reserve and do not use


class Request(msgspec.Struct, frozen=True):
    """What is to be tried; ``rewritten`` names the file for a rewritten graph, None: nothing is timed."""

    settings: config.ModelSettings
    rewritten: str | None = None


class Report(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        sha256: of the file that runs, in hex.
        timings: of the ways that it can run, the usual one first; empty: none was timed.
        notes: what there is to say of ways that were not timed.
    """

    sha256: str
    timings: tuple[Timing, ...] = ()
    notes: tuple[str, ...] = ()


def tried(settings: config.ModelSettings, rewritten: Path | None = None) -> Report:
    """Try a model in a child process, and time it if it is told where a rewritten graph is to be written.

    Raises:
        DelegateError: the accelerator cannot be had, in another process than this one.
        ModelError: the model is refused, kills its runtime, or takes longer than TIMEOUT_S.
    """
    request = Request(settings, str(rewritten) if rewritten else None)
    # -P: no module of the working directory's is run in the place of Python's own. (-I would lose PYTHONPATH and the
    # user's packages, by which edgecam itself may be found.)
    command = [sys.executable, "-P", "-m", "edgecam.model.trial"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as child,  # noqa: S603
    ):
        expired = threading.Timer(TIMEOUT_S, child.kill)
        expired.start()
        assert child.stdin and child.stdout  # noqa: PT018, S101  pipes, as they were asked for
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(msgspec.json.encode(request) + b"\n")
        lines = child.stdout.read().splitlines()
        code = child.wait()
        in_time = expired.is_alive()
        expired.cancel()
        said.seek(0)
        last = "".join(said.read().decode(errors="replace").strip().splitlines()[-1:])
    if code in (REFUSED, NO_ACCELERATOR):
        raise (ModelError if code == REFUSED else DelegateError)(lines[-1].decode())
    if lines:  # it runs: what went wrong, if it did, went wrong in timing
        report = msgspec.json.decode(lines[-1], type=Report)
        ended = "" if code == 0 else f"timing it failed: {last or f'exit code {code}'}"
        return msgspec.structs.replace(report, notes=(*report.notes, ended)) if ended else report
    name = settings.path or "the shipped model"
    if not in_time:
        message = f"{name}: took more than {TIMEOUT_S} s to load and try"
    elif code in (-signal.SIGTERM, -signal.SIGINT):
        message = f"{name}: its trial was stopped"
    elif code < 0:
        message = _killed(name, settings.delegate, -code)
    else:
        message = f"{name}: cannot be checked: {last or f'exit code {code}'}"
    raise ModelError(message)


def _killed(name: str, delegate: str, signal_number: int) -> str:
    if delegate:
        return f"model.delegate: {delegate}: it kills the runtime (signal {signal_number}); {OTHER_BUILD}"
    return f"{name}: broken: it kills the runtime (signal {signal_number})"


def check(settings: config.ModelSettings) -> Classifier:
    """Load a model and classify black, white and noise; what it does to its runtime, it does to this process.

    Raises:
        ModelError: the model is refused.
    """
    model = Classifier(settings)
    width, height = model.size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    for image in (np.zeros_like(noise), np.full_like(noise, 255), noise):
        model.scores(image)
    return model


def time_all(settings: config.ModelSettings, sha256: str, to: Path) -> Report:
    """Time every way that the settings and the model leave open.

    Args:
        settings: of the model.
        sha256: of its file.
        to: the file to which a rewritten graph is written, if there is one and its scores stay what they were.

    Raises:
        ModelError: the graph that the settings ask for cannot be had.
    """
    original = read_model(settings)
    named = read_metadata(original).graphs
    is_tried = plan.is_tried("rewritten", settings.graph, named)
    found = graphs(original, settings.size) if is_tried else Graphs({"original": original})
    if found.problem and settings.graph == "rewritten":
        message = f"model.graph: {found.problem}"
        raise ModelError(message)
    if "rewritten" in found.files:
        to.write_bytes(found.files["rewritten"])
    else:
        settings = msgspec.structs.replace(settings, graph="original")
    candidates = plan.candidates(settings, runtimes.installed(), len(os.sched_getaffinity(0)))
    notes = (found.problem,) if found.problem else ()
    return Report(sha256, tuple(timing.timed(found.files, candidates, settings.size)), notes)


def _main() -> None:
    # A model that asks for more is to fail here, not to bring the whole machine down.
    bound = psutil.virtual_memory().total // 2 + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _tell(report := Report(check(request.settings).file.sha256))
        if request.rewritten:
            _tell(time_all(request.settings, report.sha256, Path(request.rewritten)))
    except ModelError as error:
        sys.stdout.write(str(error))
        sys.exit(NO_ACCELERATOR if isinstance(error, DelegateError) else REFUSED)


def _tell(report: Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing more is written: it returns when the parent has gone
    os._exit(1)


if __name__ == "__main__":
    _main()
