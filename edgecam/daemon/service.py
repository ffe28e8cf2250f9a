"""The daemon: makes the parts and their threads, watches them, changes them and stops them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from edgecam.camera.capture import Capture
from edgecam.camera.frame_queue import FrameQueue
from edgecam.camera.frames import CameraChange, ThresholdChange
from edgecam.camera.sources import open_source
from edgecam.camera.view import native_size, view_of
from edgecam.daemon.inference import Inference
from edgecam.daemon.pipeline import PipelineChange, announce, announce_plan, changed_pipeline, make_pipeline
from edgecam.daemon.process import SignalBell, give_back
from edgecam.daemon.reload import prepare
from edgecam.daemon.stats import Stats
from edgecam.daemon.switches import read_switches, with_threshold
from edgecam.daemon.systemd import Heartbeat, Manager
from edgecam.device.heat import Heat, Pace
from edgecam.errors import EdgecamError, ModelError
from edgecam.kept import switches_file, write_kept
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.commands import Announce, Command, Enable, SetThreshold
from edgecam.mqtt.credentials import read_credentials
from edgecam.rollout.probation import Probation, Verdict
from edgecam.rollout.record import ModelState, TakeModel
from edgecam.rollout.rollouts import Rollouts
from edgecam.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.camera.frames import Notice
    from edgecam.config import Config
    from edgecam.daemon.pipeline import Pipeline
    from edgecam.daemon.reload import Changes
    from edgecam.daemon.switches import Switches
    from edgecam.events.tracker import Event
    from edgecam.mqtt.payloads import EventPayload, StatePayload, StatsPayload
    from edgecam.mqtt.publisher import Inbox, Publisher

logger = logging.getLogger(__name__)

STOPPED_GRACE_S = 0.4  # for events on their way when we are told to stop
ENDED_GRACE_S = 10.0  # for the broker to take all events of a file that has ended
SILENCE_S, SILENCE_FRAMES = 10.0, 3  # longer than the sources themselves wait for a frame
STUCK_S = 0.1  # for a camera to give up its frame; a driver may never


class _Order(Enum):
    STOP = auto()
    RELOAD = auto()
    HANDLE_SIGNALS = auto()


class Service:
    """The parts of the daemon, wired: source, queue, model, events, outbox, MQTT.

    It ends as a cascade: what ends the capture closes the queue; when that is empty the inference worker ends; when
    its events are delivered the publisher ends.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        on_event: Callable[[EventPayload], None] = lambda _event: None,
        on_stats: Callable[[StatsPayload], None] | None = None,
    ) -> None:
        """Make all parts by the settings that ``load`` reads; no thread runs yet.

        In the publisher's thread ``on_event`` is given each event when it is saved, ``on_stats`` what is published as
        stats.

        Raises:
            SourceFileError: the file named as source is not there.
            ModelError: the model is refused.
            ConfigError: the settings are wrong, or a file with a secret or certificate cannot be read.
        """
        self._load = load
        self._on_event = on_event
        self._on_stats = on_stats
        self._signals: queue.SimpleQueue[Task | _Order | Command | Verdict] = queue.SimpleQueue()
        self._happened: Inbox = queue.SimpleQueue()
        self._configured = configured = load()
        read_credentials(configured.mqtt)  # it is better to fail now than when frames flow
        self._models = Rollouts(
            configured.camera.name,
            self._task,
            self._happened.put,
            lambda: self._pipeline.model.file.sha256,
        )
        self._models.begin()
        self._switches, switched = read_switches(switches_file(configured.camera.name)).applied(configured)
        self._pipeline = self._first_classifier(switched)
        self._config = config = self._models.applied(switched)
        self._manager = Manager()
        self._manager.expect(1 / config.camera.fps)
        size = self._pipeline.model.size
        self._source = source = open_source(config.camera, native_size(config, size))
        self._queue = FrameQueue(config.queue.size, wait=source.waits)
        self._stopping = threading.Event()
        pace, stats = Pace(), Stats(self._queue)
        self._heat = Heat(config.limits.temperature, pace, self._stopping)
        self._capture = Capture(source, view_of(config, size), self._queue, pace)
        self._capture.rest(rests=not self._switches.enabled)
        self._stats = stats
        beat = Heartbeat(self._manager).beat
        self._inference = Inference(
            self._queue,
            self._pipeline,
            stats,
            self._hand_over,
            beat,
            lambda: max(SILENCE_S, SILENCE_FRAMES / self._config.camera.fps) / pace.share,
            self._probation(),
        )
        announce(self._pipeline, config.events)
        self._error: BaseException | None = None
        self._grace_s = ENDED_GRACE_S
        self._reloading: Task | None = None
        self._choosing: Task | None = None
        self._ends = False
        self._chosen = self._pipeline
        self._next_load: Callable[[], Config] | None = None
        self._changes: tuple[Config, Switches, Changes] | None = None
        self._commands: list[Command] = []  # that came during a reload

    def run(self) -> bool:
        """Run until the source ends or `stop` is called; return whether every thread has ended. In the main thread.

        Raises:
            Exception: what ended a part.
        """
        self._capturing = self._task("capture", self._capture.run)
        self._classifying = self._task("inference", self._inference.run)
        self._publisher = self._make_publisher()
        self._publishing = self._task("publisher", self._publisher.run)
        heating = self._task("heat", self._heat.run)
        bell = SignalBell()
        listening = self._task("signals", lambda: self._listen(bell))
        if not self._pipeline.planned.is_final:
            self._start_choosing()
        while (signal := self._signals.get()) is not self._publishing:
            self._handle(signal)
        self._stopping.set()
        fetching = self._models.fetching
        self._models.end()
        bell.silence()
        self._stop_frames()
        if error := self._error or self._publishing.error:
            raise error
        until = time.monotonic() + STUCK_S
        tasks = (
            self._publishing,
            self._classifying,
            self._capturing,
            heating,
            listening,
            self._choosing,
            self._reloading,
            fetching,
        )
        return all(task.join(until - time.monotonic()) for task in tasks if task)

    def _handle(self, signal: Task | _Order | Command | Verdict) -> None:
        if isinstance(signal, Command):
            self._obey(signal)
        elif isinstance(signal, Verdict):
            self._judge(signal)
        elif signal is _Order.RELOAD:
            self._start_reload(self._load)
        elif signal is self._models.fetching:
            self._finish_fetch()
        elif signal is self._choosing:
            self._finish_choosing(self._choosing)
        elif signal is self._reloading:
            self._finish_reload(self._reloading)
        elif signal is not _Order.HANDLE_SIGNALS:  # Python has handled them when we come here
            self._end_next(signal)

    def _make_publisher(self) -> Publisher:
        from edgecam.mqtt import publisher  # the first frames are on their way while all that it needs is imported

        return publisher.Publisher(
            self._config,
            self._pipeline,
            Clock(),
            self._stats,
            self._switches,
            ModelState(self._models.record.state),
            self._happened,
            on_report=self._show,
            on_event=self._on_event,
            on_command=self._signals.put,
        )

    def stop(self) -> None:
        """Let `run` end soon, whatever the parts are waiting for; may be called from a signal handler."""
        self._signals.put(_Order.STOP)

    def reload(self) -> None:
        """Take over changed settings and a changed model; may be called from a signal handler."""
        self._signals.put(_Order.RELOAD)

    def _listen(self, bell: SignalBell) -> None:
        while bell.wait():
            self._signals.put(_Order.HANDLE_SIGNALS)

    def _task(self, name: str, function: Callable[[], None]) -> Task:
        return Task(name, function, self._signals.put)

    def _end_next(self, signal: Task | _Order) -> None:
        """Stop the frames, if that was ordered or a part has failed; end the part that comes after one that ended."""
        error = signal.error if isinstance(signal, Task) else None
        if error or signal is _Order.STOP:
            self._manager.tell("STOPPING=1")
            self._ends = True
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

    def _first_classifier(self, settings: Config) -> Pipeline:
        """Make the pipeline; of a model that was taken over and is refused now, the one before it runs again."""
        while True:
            try:
                return make_pipeline(self._models.applied(settings))
            except ModelError as error:
                if not self._models.fail(str(error)):
                    raise

    def _start_reload(self, load: Callable[[], Config]) -> None:
        """Prepare the changes in a thread of its own: frames go on meanwhile, and an order to stop is heard."""
        if self._reloading or self._choosing:
            self._next_load = self._next_load if self._next_load == self._load else load
            return

        def run() -> None:
            configured = load()
            switches, config = self._switches.applied(self._models.applied(configured))
            changes = prepare(config, self._config, self._pipeline, self._publisher.connection)
            self._changes = configured, switches, changes

        self._manager.reloading()
        self._changes = None
        self._reloading = self._task("reload", run)

    def _finish_reload(self, task: Task) -> None:
        self._reloading = None
        if task.error is None and self._changes:
            self._apply(*self._changes)
        elif self._models.candidate:
            self._models.turn_down(str(task.error))
        elif isinstance(task.error, EdgecamError):
            for line in str(task.error).splitlines():
                logger.error("reload refused: %s", line)
            logger.warning("the settings and the model of before go on")
        elif task.error:
            logger.error("reload refused; the settings and the model of before go on", exc_info=task.error)
        self._manager.tell("READY=1")
        self._models.take_waiting()
        commands, self._commands = self._commands, []
        for command in commands:
            self._obey(command)
        self._reload_if_ordered()

    def _reload_if_ordered(self) -> None:
        if load := self._next_load:
            self._next_load = None
            self._start_reload(load)

    def _reload_model(self) -> None:
        """Take over the model that is wanted now, with the settings as they were read last."""
        configured = self._configured
        self._start_reload(lambda: configured)

    def _finish_fetch(self) -> None:
        if self._models.finish_fetch():
            self._reload_model()

    def _judge(self, verdict: Verdict) -> None:
        """Keep the model that was on trial, or go back to the one before."""
        if verdict.sha256 != self._pipeline.model.file.sha256:
            return
        if not verdict.problem:
            self._models.prove()
        elif self._models.fail(verdict.problem):
            self._reload_model()

    def _probation(self) -> Probation | None:
        """For the model that is on trial, if one is."""
        record = self._models.record
        if not record.active or not record.is_trial:
            return None
        return Probation(record.active.sha256, record.before_ms, self._configured.rollout.slower, self._signals.put)

    def _start_choosing(self) -> None:
        """Measure, in a thread of its own, how the model runs fastest here; frames go on meanwhile."""
        config, pipeline = self._config, self._pipeline

        def run() -> None:
            self._chosen = changed_pipeline(pipeline, config, config)

        self._choosing = self._task("choosing", run)

    def _finish_choosing(self, task: Task) -> None:
        self._choosing = None
        if self._ends:
            return
        if task.error:
            logger.warning("the model goes on as it runs: how it runs fastest is not known: %s", task.error)
        else:
            if self._chosen.model is not self._pipeline.model:
                self._capture.show(
                    view_of(self._config, self._chosen.model.size), PipelineChange(self._chosen, self._probation())
                )
            self._pipeline = self._chosen
            announce_plan(self._pipeline)
        self._reload_if_ordered()

    def _apply(self, configured: Config, switches: Switches, changes: Changes) -> None:
        config = changes.config
        candidate = self._models.candidate
        if candidate and changes.pipeline.model.file.sha256 == candidate.sha256:
            self._models.taken_over(configured.model.path, self._stats.typical_ms())
        self._configured = configured
        self._models.settle(configured)
        renamed = config.camera.name != self._config.camera.name
        self._source = changes.source or self._source
        self._queue.resize(config.queue.size, wait=self._source.waits)
        if changes.pipeline is not self._pipeline:
            announce(changes.pipeline, config.events)
        if changes.view:
            self._capture.show(changes.view, PipelineChange(changes.pipeline, self._probation()))
        if changes.source:
            self._capture.read(changes.source)
        self._publisher.change(config, changes.connection)
        self._heat.limit_c = config.limits.temperature
        self._manager.expect(1 / config.camera.fps)
        self._config, self._pipeline = config, changes.pipeline
        if renamed or switches != self._switches:
            self._switch(switches)
        logger.info("reloaded: %s", ", ".join(changes.what) or "nothing has changed")

    def _obey(self, command: Command) -> None:
        """Do what was ordered over MQTT, once no reload is under way, and keep it for the next start."""
        if self._reloading:
            self._commands.append(command)
            return
        if isinstance(command, TakeModel):
            self._models.take(command, self._configured.rollout)
            return
        if isinstance(command, Announce):
            return  # the publisher has heard it
        logger.info("ordered: %s", command)
        self._switch(self._switches.after(command, self._config))
        match command:
            case Enable(on):
                self._capture.rest(rests=not on)
            case SetThreshold(score):
                self._config = with_threshold(self._config, score)
                self._queue.put(ThresholdChange(score))

    def _switch(self, switches: Switches) -> None:
        self._switches = switches
        write_kept(switches_file(self._config.camera.name), switches)
        self._happened.put(switches)

    def _hand_over(self, item: Event | Notice) -> None:
        if isinstance(item, CameraChange):
            self._manager.tell(f"STATUS={_camera_words(online=item.online)}")
        self._happened.put(item)

    def _show(self, state: StatePayload, stats: StatsPayload) -> None:
        """Tell systemd, for ``systemctl status``, what is published, and tidy up."""
        give_back()
        if self._on_stats:
            self._on_stats(stats)
        seen = f"sees {state.label}" if state.label else "sees nothing it knows"
        camera = _camera_words(online=state.camera == "online") if self._switches.enabled else "paused over MQTT"
        self._manager.tell(f"STATUS={camera}; {seen}; {stats.fps} frames/s; {stats.outbox} events not yet delivered")


def _camera_words(*, online: bool) -> str:
    return f"camera {'online' if online else 'lost'}"
