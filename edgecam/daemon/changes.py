"""What changes while frames flow: why, what it takes, and one after the other."""

from __future__ import annotations

import queue
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.frame_queue import Feed, Look
from edgecam.camera.sources import open_source
from edgecam.camera.view import wanted_of
from edgecam.daemon.pipeline import changed_pipelines
from edgecam.mqtt import commands
from edgecam.rollout.by_view import applied

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from edgecam.camera.sources.source import Source
    from edgecam.camera.view import Wanted
    from edgecam.config import CameraSettings, Config
    from edgecam.daemon.pipeline import Pipeline, Pipelines
    from edgecam.daemon.switches import Switches
    from edgecam.mqtt.connection import Connection
    from edgecam.rollout.record import Installed, Record


@dataclass(frozen=True, slots=True)
class Reload:
    """The settings are to be read anew, and the model's file with them."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A model that was ordered and fetched is to run in a view."""

    model: Installed
    view: str = ""


@dataclass(frozen=True, slots=True)
class GoBack:
    """The model on trial in a view has failed: the one before is to run."""

    view: str = ""


@dataclass(frozen=True, slots=True)
class ChoosePlan:
    """It is to be measured how the model runs fastest here."""


Cause = Reload | TakeOver | GoBack | ChoosePlan


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What runs.

    Attributes:
        configured: the settings as they were read.
        settings: the same with the models that were ordered.
        source: where frames come from.
        pipelines: what turns them into events.
    """

    configured: Config
    settings: Config
    source: Source
    pipelines: Pipelines

    def feed(self, switches: Switches) -> Feed:
        """Return what is to be fed: to the views that are on."""
        looks = [
            Look(pipeline.view, view, round(pipeline.look.every * 1e9))
            for view, pipeline in self.pipelines.by_view.items()
            if switches.is_on(view)
        ]
        return Feed(self.source, tuple(looks))


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What is to run instead, for a cause, or why it cannot.

    Attributes:
        cause: why.
        setup: None: it cannot.
        connection: another one to the broker; None: that of now.
        what: names of what is different, for the log.
        error: why it cannot.
    """

    cause: Cause
    setup: Setup | None = None
    connection: Connection | None = None
    what: tuple[str, ...] = ()
    error: Exception | None = None


def is_outdated(change: Change, records: Mapping[str, Record]) -> bool:
    """Whether what was prepared runs other models than ``records`` have now: one on trial may have failed since."""
    if not change.setup:
        return False
    settings = applied(records, change.setup.configured, _candidates(change.cause))
    return [look.model for look in settings.looks] != [look.model for look in change.setup.settings.looks]


def _candidates(cause: Cause) -> Mapping[str, Installed]:
    return {cause.view: cause.model} if isinstance(cause, TakeOver) else {}


@dataclass(frozen=True, slots=True)
class Means:
    """What a change is prepared with: how settings are read, and a connection made."""

    load: Callable[[], Config]
    connect: Callable[[Config], Connection]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    cause: Cause
    now: Setup
    records: Mapping[str, Record]


class Changer:
    """Prepares one change after the other while the old parts go on.

    `run` is one thread's. The other methods are the main thread's, which applies a change before it begins the next:
    so each is prepared from what really runs, and says itself what it was for.
    """

    def __init__(self, means: Means, done: Callable[[Change], None]) -> None:
        """Prepare changes with ``means``; ``done`` is called with each in the thread of `run`."""
        self._means = means
        self._done = done
        self._wanted: deque[Cause] = deque()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._under_way: Cause | None = None

    def ask(self, cause: Cause) -> None:
        """Want a change; one that is waiting for the same cause will do."""
        if cause not in self._wanted:
            self._wanted.append(cause)

    def begin(
        self, now: Setup, records: Mapping[str, Record], candidates: Mapping[str, Installed] | None = None
    ) -> Cause | None:
        """Begin the next change, unless one is under way or none is wanted; return why it was begun.

        Args:
            now: what runs.
            records: which models were ordered, and run, by view.
            candidates: which are to be taken over; a file may have moved, with the camera's name, since that was asked.
        """
        if self._under_way or not self._wanted:
            return None
        cause = self._wanted.popleft()
        if isinstance(cause, TakeOver) and (candidate := (candidates or {}).get(cause.view)):
            cause = TakeOver(candidate, cause.view)
        self._under_way = cause
        self._jobs.put(_Job(cause, now, records))
        return self._under_way

    def end(self) -> None:
        """Take in that the change under way was applied, or cannot be."""
        self._under_way = None

    def stop(self) -> None:
        """Let `run` end once it has prepared what is under way."""
        self._jobs.put(None)

    def run(self) -> None:
        """Prepare changes until `stop` is called."""
        while job := self._jobs.get():
            change = self._tried(job)
            del job  # until the next one comes it would hold what ran before: a model and its memory
            self._done(change)
            del change

    def _tried(self, job: _Job) -> Change:
        try:
            return self._prepared(job)
        except Exception as error:  # noqa: BLE001  whoever wanted it is told
            return Change(job.cause, error=error)

    def _prepared(self, job: _Job) -> Change:
        configured = self._means.load() if isinstance(job.cause, Reload) else job.now.configured
        settings = applied(job.records, configured, _candidates(job.cause))
        return prepare(job.cause, configured, settings, job.now, self._means.connect)


def prepare(
    cause: Cause, configured: Config, settings: Config, now: Setup, connect: Callable[[Config], Connection]
) -> Change:
    """Make the parts that other settings need; nothing is changed yet.

    Args:
        cause: why.
        configured: the settings as they were read.
        settings: the same with the models that were ordered.
        now: what runs.
        connect: makes a connection to the broker.

    Raises:
        SourceFileError: the file named as source is not there.
        ModelError: the model is refused.
        ConfigError: a file with a secret or certificate cannot be read.
    """
    before = now.settings
    pipelines = changed_pipelines(
        now.pipelines,
        before,
        settings,
        wanted=_must_run(cause, now),
        stays_out=not isinstance(cause, Reload),
    )
    wanted = wanted_by(pipelines)
    source = now.source
    scales_otherwise = source.scales and wanted != wanted_by(now.pipelines)
    if scales_otherwise or _opened_with(settings.camera) != _opened_with(before.camera):
        source = open_source(settings.camera, wanted)
    what = [name for name in settings.__struct_fields__ if getattr(settings, name) != getattr(before, name)]
    if any(_has_other_file(now.pipelines.by_view.get(view), each) for view, each in pipelines.by_view.items()):
        what.append("the model's file")
    is_elsewhere = settings.mqtt != before.mqtt or commands.topics(settings) != commands.topics(before)
    return Change(
        cause,
        Setup(configured, settings, source, pipelines),
        connect(settings) if is_elsewhere else None,
        tuple(what),
    )


def _must_run(cause: Cause, now: Setup) -> Collection[str]:
    """The views whose models must not be refused, as the cause would be lost on them."""
    match cause:
        case TakeOver(view=view) | GoBack(view):
            return [view]
        case ChoosePlan():
            return now.pipelines.by_view
        case _:
            return ()


def _has_other_file(before: Pipeline | None, now: Pipeline) -> bool:
    return before is not None and now.model is not before.model and now.look.model == before.look.model


def wanted_by(pipelines: Pipelines) -> Wanted:
    """Return what a camera that scales by itself is asked for."""
    return wanted_of([pipeline.view for pipeline in pipelines.by_view.values()])


def _opened_with(camera: CameraSettings) -> CameraSettings:
    """What of its settings a source is opened with."""
    return msgspec.structs.replace(camera, name="any", fit="")
