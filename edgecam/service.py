"""The daemon: makes the parts and their threads, watches them and stops them."""

from __future__ import annotations

import difflib
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import uuid6

from edgecam.capture import Capture
from edgecam.clock import Clock
from edgecam.events import EventTracker
from edgecam.frame_queue import FrameQueue
from edgecam.inference import Inference
from edgecam.labels import Labels, unknown_labels
from edgecam.model_check import load_checked
from edgecam.payloads import ModelPayload
from edgecam.publisher import Publisher
from edgecam.sources import open_source
from edgecam.state import state_directory
from edgecam.stats import Stats
from edgecam.tasks import Task
from edgecam.view import View

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam.config import Config

logger = logging.getLogger(__name__)

STOPPED_GRACE_S = 0.4  # for events on their way when we are told to stop
ENDED_GRACE_S = 10.0  # for the broker to take all events of a file that has ended
STUCK_S = 0.1  # for a camera to give up its frame; a driver may never


class Service:
    """The parts of the daemon, wired: source, queue, model, events, outbox, MQTT.

    It ends as a cascade: what ends the capture closes the queue; when that is empty the inference worker ends; when
    its events are delivered the publisher ends.
    """

    def __init__(self, config: Config) -> None:
        """Make all parts; no thread runs yet.

        Raises:
            SourceFileError: the file named as source is not there.
            ModelError: the model is refused.
            ConfigError: a file with a secret or certificate cannot be read.
        """
        source = open_source(config.camera)
        model = load_checked(config.model)
        labels = Labels(model.classes, config.events.groups, config.events.ignore)
        payload = ModelPayload(model.file.name, model.file.sha256)
        self._queue = FrameQueue(config.queue.size, wait=source.waits)
        self._stop = threading.Event()
        self._signals: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        stats = Stats(self._queue, payload)
        self._capture = Capture(source, View(config.camera, model.size), self._queue, self._stop)
        self._publisher = Publisher(config, labels, payload, Clock(), stats, outbox_file(config))
        tracker = EventTracker(config.events, labels.names, lambda: str(uuid6.uuid7()))
        self._inference = Inference(self._queue, model, labels, tracker, stats, self._publisher.put)
        logger.info("model %s: %s, %d labels, %s", model.file.path, model.file.name, len(labels), model.runtime)
        _warn_of_unknown_labels(config, model.classes)

    def run(self) -> bool:
        """Run until the source ends or `stop` is called; return whether every thread has ended.

        Raises:
            Exception: what ended a part.
        """
        capture = Task("capture", self._capture.run, self._signals.put)
        inference = Task("inference", self._inference.run, self._signals.put)
        publisher = Task("publisher", self._publisher.run, self._signals.put)
        error: BaseException | None = None
        grace_s = ENDED_GRACE_S
        while (ended := self._signals.get()) is not publisher:
            if ended is None or ended.error:
                error = error or (ended.error if ended else None)
                grace_s = STOPPED_GRACE_S
                self._stop.set()
                self._queue.close(discard=True)
            if ended is capture:
                self._queue.close()
            elif ended is inference:
                self._publisher.finish(grace_s)
        self._stop.set()
        self._queue.close(discard=True)
        error = error or publisher.error
        if error:
            raise error
        until = time.monotonic() + STUCK_S
        return all(task.join(until - time.monotonic()) for task in (publisher, inference, capture))

    def stop(self) -> None:
        """Let `run` end soon, whatever the parts are waiting for; may be called from a signal handler."""
        self._signals.put(None)


def outbox_file(config: Config) -> Path:
    """Return the file of the camera's undelivered events."""
    return state_directory() / f"outbox-{quote(config.camera.name, safe='')}.sqlite3"


def _warn_of_unknown_labels(config: Config, classes: tuple[str, ...]) -> None:
    events = config.events
    for key, named in (("ignore", events.ignore), ("thresholds", events.thresholds)):
        for label in unknown_labels(classes, events.groups, named):
            logger.warning("events.%s: the model has no label %r%s", key, label, _near(label, classes))
    for group, members in events.groups.items():
        unknown = unknown_labels(classes, {}, members)
        if len(unknown) < len(members):  # a group of another model's labels is none of this model's business
            for label in unknown:
                logger.warning("events.groups.%s: the model has no label %r%s", group, label, _near(label, classes))


def _near(label: str, classes: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(label, classes, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
