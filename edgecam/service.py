"""The daemon: makes the parts and their threads, watches them, changes them and stops them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from edgecam.capture import Capture
from edgecam.classifier import ClassifierChange, announce, make_classifier
from edgecam.clock import Clock
from edgecam.errors import EdgecamError
from edgecam.frame_queue import FrameQueue
from edgecam.frames import CameraChange
from edgecam.heat import Heat, Pace
from edgecam.inference import Inference
from edgecam.publisher import Publisher
from edgecam.reload import prepare
from edgecam.sources import open_source
from edgecam.stats import Stats
from edgecam.systemd import Heartbeat, Manager
from edgecam.tasks import Task
from edgecam.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.config import Config
    from edgecam.events import Event
    from edgecam.frames import Notice
    from edgecam.payloads import StatePayload, StatsPayload
    from edgecam.reload import Changes

logger = logging.getLogger(__name__)

STOPPED_GRACE_S = 0.4  # for events on their way when we are told to stop
ENDED_GRACE_S = 10.0  # for the broker to take all events of a file that has ended
STUCK_S = 0.1  # for a camera to give up its frame; a driver may never


class _Order(Enum):
    STOP = auto()
    RELOAD = auto()


class Service:
    """The parts of the daemon, wired: source, queue, model, events, outbox, MQTT.

    It ends as a cascade: what ends the capture closes the queue; when that is empty the inference worker ends; when
    its events are delivered the publisher ends.
    """

    def __init__(self, load: Callable[[], Config]) -> None:
        """Make all parts by the settings that ``load`` reads; no thread runs yet.

        Raises:
            SourceFileError: the file named as source is not there.
            ModelError: the model is refused.
            ConfigError: the settings are wrong, or a file with a secret or certificate cannot be read.
        """
        self._load = load
        self._config = config = load()
        self._manager = Manager()
        self._manager.expect(1 / config.camera.fps)
        self._classifier = make_classifier(config)
        size = self._classifier.model.size
        self._source = source = open_source(config.camera, size)
        self._queue = FrameQueue(config.queue.size, wait=source.waits)
        self._stopping = threading.Event()
        self._signals: queue.SimpleQueue[Task | _Order] = queue.SimpleQueue()
        pace, stats = Pace(), Stats(self._queue)
        self._heat = Heat(config.limits.temperature, pace, self._stopping)
        self._capture = Capture(source, View(config.camera, size), self._queue, pace)
        self._publisher = Publisher(config, self._classifier, Clock(), stats, self._show)
        beat = Heartbeat(self._manager).beat
        self._inference = Inference(self._queue, self._classifier, stats, self._hand_over, beat)
        announce(self._classifier.model, config.events)
        self._error: BaseException | None = None
        self._grace_s = ENDED_GRACE_S
        self._reloading: Task | None = None
        self._reload_again = False
        self._changes: Changes | None = None

    def run(self) -> bool:
        """Run until the source ends or `stop` is called; return whether every thread has ended.

        Raises:
            Exception: what ended a part.
        """
        self._capturing = self._task("capture", self._capture.run)
        self._classifying = self._task("inference", self._inference.run)
        self._publishing = self._task("publisher", self._publisher.run)
        heating = self._task("heat", self._heat.run)
        while (signal := self._signals.get()) is not self._publishing:
            if signal is _Order.RELOAD:
                self._start_reload()
            elif signal is self._reloading:
                self._finish_reload(self._reloading)
            else:
                self._end_next(signal)
        self._stopping.set()
        self._stop_frames()
        if error := self._error or self._publishing.error:
            raise error
        until = time.monotonic() + STUCK_S
        tasks = (self._publishing, self._classifying, self._capturing, heating)
        return all(task.join(until - time.monotonic()) for task in tasks)

    def stop(self) -> None:
        """Let `run` end soon, whatever the parts are waiting for; may be called from a signal handler."""
        self._signals.put(_Order.STOP)

    def reload(self) -> None:
        """Take over changed settings and a changed model; may be called from a signal handler."""
        self._signals.put(_Order.RELOAD)

    def _task(self, name: str, function: Callable[[], None]) -> Task:
        return Task(name, function, self._signals.put)

    def _end_next(self, signal: Task | _Order) -> None:
        """Stop the frames, if that was ordered or a part has failed; end the part that comes after one that ended."""
        error = signal.error if isinstance(signal, Task) else None
        if error or signal is _Order.STOP:
            self._manager.tell("STOPPING=1")
            self._error = self._error or error
            self._grace_s = STOPPED_GRACE_S
            self._stop_frames()
        if signal is self._capturing:
            self._queue.close()
        elif signal is self._classifying:
            self._publisher.finish(self._grace_s)

    def _stop_frames(self) -> None:
        self._capture.stop()
        self._queue.close(discard=True)

    def _start_reload(self) -> None:
        """Prepare the changes in a thread of its own: frames go on meanwhile, and an order to stop is heard."""
        if self._reloading:
            self._reload_again = True
            return

        def run() -> None:
            self._changes = prepare(self._load(), self._config, self._classifier, self._publisher.connection)

        self._manager.reloading()
        self._reloading = self._task("reload", run)

    def _finish_reload(self, task: Task) -> None:
        self._reloading = None
        if task.error is None and self._changes:
            self._apply(self._changes)
        elif isinstance(task.error, EdgecamError):
            for line in str(task.error).splitlines():
                logger.error("reload refused: %s", line)
            logger.warning("the settings and the model of before go on")
        elif task.error:
            logger.error("reload refused; the settings and the model of before go on", exc_info=task.error)
        self._manager.tell("READY=1")
        if self._reload_again:
            self._reload_again = False
            self._start_reload()

    def _apply(self, changes: Changes) -> None:
        config = changes.config
        self._source = changes.source or self._source
        self._queue.resize(config.queue.size, wait=self._source.waits)
        if changes.classifier is not self._classifier:
            announce(changes.classifier.model, config.events)
        if changes.view:
            self._capture.show(changes.view, ClassifierChange(changes.classifier))
        if changes.source:
            self._capture.read(changes.source)
        self._publisher.change(config, changes.connection)
        self._heat.limit_c = config.limits.temperature
        self._manager.expect(1 / config.camera.fps)
        self._config, self._classifier = config, changes.classifier
        logger.info("reloaded: %s", ", ".join(changes.what) or "nothing has changed")

    def _hand_over(self, item: Event | Notice) -> None:
        if isinstance(item, CameraChange):
            self._manager.tell(f"STATUS={_camera_words(online=item.online)}")
        self._publisher.put(item)

    def _show(self, state: StatePayload, stats: StatsPayload) -> None:
        """Tell systemd, for ``systemctl status``, what is published."""
        seen = f"sees {state.label}" if state.label else "sees nothing it knows"
        camera = _camera_words(online=state.camera == "online")
        self._manager.tell(f"STATUS={camera}; {seen}; {stats.fps} frames/s; {stats.outbox} events not yet delivered")


def _camera_words(*, online: bool) -> str:
    return f"camera {'online' if online else 'lost'}"
