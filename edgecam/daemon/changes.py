"""What changes while frames flow: why, what it takes, and one after the other."""

from __future__ import annotations

import queue
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgecam.camera.frame_queue import Feed
from edgecam.camera.sources import open_source
from edgecam.camera.view import wanted_of
from edgecam.daemon.pipeline import changed_pipeline
from edgecam.mqtt import commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.camera.view import Wanted
    from edgecam.config import CameraSettings, Config
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.mqtt.connection import Connection
    from edgecam.rollout.record import Installed, Record


@dataclass(frozen=True, slots=True)
class Reload:
    """The settings are to be read anew, and the model's file with them."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A model that was ordered and fetched is to run."""

    model: Installed


@dataclass(frozen=True, slots=True)
class GoBack:
    """The model on trial has failed: the one before is to run."""


@dataclass(frozen=True, slots=True)
class ChoosePlan:
    """It is to be measured how the model runs fastest here."""


Cause = Reload | TakeOver | GoBack | ChoosePlan


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What runs.

    Attributes:
        configured: the settings as they were read.
        settings: the same with the model that was ordered, if one was.
        feed: the source, and what the model sees of it.
        pipeline: what turns its frames into events.
    """

    configured: Config
    settings: Config
    feed: Feed
    pipeline: Pipeline


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


def is_outdated(change: Change, record: Record) -> bool:
    """Whether what was prepared runs another model than ``record`` has now: the one on trial may have failed since."""
    if not change.setup:
        return False
    candidate = change.cause.model if isinstance(change.cause, TakeOver) else None
    return record.applied(change.setup.configured, candidate).model != change.setup.settings.model


@dataclass(frozen=True, slots=True)
class Means:
    """What a change is prepared with: how settings are read, and a connection made."""

    load: Callable[[], Config]
    connect: Callable[[Config], Connection]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    cause: Cause
    now: Setup
    record: Record


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

    def begin(self, now: Setup, record: Record, candidate: Installed | None = None) -> Cause | None:
        """Begin the next change, unless one is under way or none is wanted; return why it was begun.

        Args:
            now: what runs.
            record: which model was ordered, and runs.
            candidate: which is to be taken over; its file may have moved, with the camera's name, since that was asked.
        """
        if self._under_way or not self._wanted:
            return None
        cause = self._wanted.popleft()
        self._under_way = TakeOver(candidate) if candidate and isinstance(cause, TakeOver) else cause
        self._jobs.put(_Job(self._under_way, now, record))
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
        settings = job.record.applied(configured, job.cause.model if isinstance(job.cause, TakeOver) else None)
        return prepare(job.cause, configured, settings, job.now, self._means.connect)


def prepare(
    cause: Cause, configured: Config, settings: Config, now: Setup, connect: Callable[[Config], Connection]
) -> Change:
    """Make the parts that other settings need; nothing is changed yet.

    Args:
        cause: why.
        configured: the settings as they were read.
        settings: the same with the model that was ordered, if one was.
        now: what runs.
        connect: makes a connection to the broker.

    Raises:
        SourceFileError: the file named as source is not there.
        ModelError: the model is refused.
        ConfigError: a file with a secret or certificate cannot be read.
    """
    before = now.settings
    pipeline = changed_pipeline(now.pipeline, before, settings)
    wanted = _wanted(settings, pipeline)
    source = now.feed.source
    scales_otherwise = source.scales and wanted != _wanted(before, now.pipeline)
    if scales_otherwise or _opened_with(settings.camera) != _opened_with(before.camera):
        source = open_source(settings.camera, wanted)
    feed = now.feed if source is now.feed.source and pipeline.view is now.feed.view else Feed(source, pipeline.view)
    what = [name for name in settings.__struct_fields__ if getattr(settings, name) != getattr(before, name)]
    if pipeline.model is not now.pipeline.model and settings.model == before.model:
        what.append("the model's file")
    is_elsewhere = settings.mqtt != before.mqtt or commands.topics(settings) != commands.topics(before)
    return Change(
        cause,
        Setup(configured, settings, feed, pipeline),
        connect(settings) if is_elsewhere else None,
        tuple(what),
    )


def _wanted(settings: Config, pipeline: Pipeline) -> Wanted:
    return wanted_of(settings, pipeline.model.size, pipeline.model.fit)


def _opened_with(camera: CameraSettings) -> CameraSettings:
    """What of its settings a source is opened with."""
    return msgspec.structs.replace(camera, name="any", fit="")
