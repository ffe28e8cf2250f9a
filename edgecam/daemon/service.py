"""The daemon: makes the parts and their threads, watches them, changes them and stops them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from edgecam.camera.capture import Capture
from edgecam.camera.frame_queue import FrameQueue
from edgecam.camera.frames import CameraChange
from edgecam.camera.sources import open_source
from edgecam.camera.sources.source import patience_s
from edgecam.daemon.changes import (
    Change,
    Changer,
    ChoosePlan,
    GoBack,
    Means,
    Reload,
    Setup,
    TakeOver,
    is_outdated,
    wanted_by,
)
from edgecam.daemon.inference import Inference, PipelinesChange
from edgecam.daemon.pipeline import announce, announce_labels, announce_plan, make_pipelines, refuse
from edgecam.daemon.process import SignalBell, give_back
from edgecam.daemon.stats import Stats
from edgecam.daemon.switches import read_switches, switched
from edgecam.daemon.systemd import Heartbeat, Manager
from edgecam.device.heat import Heat, Pace
from edgecam.errors import EdgecamError, ModelError
from edgecam.kept import forget_kept, switches_file, write_kept
from edgecam.mqtt.clock import Clock
from edgecam.mqtt.commands import Announce, Command
from edgecam.mqtt.credentials import read_credentials
from edgecam.mqtt.notices import SettingsChange, Switched, ViewsChange
from edgecam.rollout.by_view import RolloutsByView
from edgecam.rollout.probation import Probation, Verdict
from edgecam.rollout.record import ModelState, TakeModel
from edgecam.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam.camera.frames import Notice
    from edgecam.config import Config
    from edgecam.daemon.pipeline import Pipeline, Pipelines
    from edgecam.daemon.switches import Switches
    from edgecam.mqtt.payloads import EventPayload, StatePayload, StatsPayload
    from edgecam.mqtt.publisher import Inbox, Publisher

logger = logging.getLogger(__name__)

STOPPED_GRACE_S = 0.4  # for events on their way when we are told to stop
ENDED_GRACE_S = 10.0  # for the broker to take all events of a file that has ended
SILENCES = 2  # times as long as the sources themselves wait for a frame
FIRST_FRAME_S = 0.3  # for the first frame to be classified, before there is anything to publish
STUCK_S = 0.1  # for a camera to give up its frame; a driver may never


class _Signal(Enum):
    STOP = auto()
    RELOAD = auto()
    HANDLE_SIGNALS = auto()


@dataclass(frozen=True, slots=True, eq=False)
class _Failed:
    """A pipeline that failed on a live frame: its view is out."""

    pipeline: Pipeline
    error: Exception


class Service:
    """The parts of the daemon, wired: source, queue, model, events, outbox, MQTT.

    It ends as a cascade: what ends the capture closes the queue; when that is empty the inference worker ends; when
    its events are delivered the publisher ends.

    What is to change comes into one inbox. What takes long is prepared by the changer, one after the other; what was
    prepared is applied here, by notices that stand in the line of frames.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        on_event: Callable[[EventPayload], None] = lambda _event: None,
        on_stats: Callable[[StatsPayload], None] = lambda _stats: None,
    ) -> None:
        """Make all parts by the settings that ``load`` reads; no thread runs yet.

        Args:
            load: reads the settings, now and at each reload.
            on_event: given, in the publisher's thread, each event when it is saved.
            on_stats: given, in the publisher's thread, what is published as stats.

        Raises:
            SourceFileError: the file named as source is not there.
            ModelError: the model is refused.
            ConfigError: the settings are wrong, or a file with a secret or certificate cannot be read.
        """
        self._load = load
        self._on_event = on_event
        self._on_stats = on_stats
        self._inbox: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._happened: Inbox = queue.SimpleQueue()
        configured = load()
        read_credentials(configured.mqtt)  # it is better to fail now than when frames flow
        self._rollouts = RolloutsByView(configured, self._task, self._happened.put, self._running)
        self._switches = read_switches(switches_file(configured.camera.name)).under_all(configured)
        with self._rollouts.starting():
            pipelines = self._first_pipelines(configured)
            settings = self._rollouts.applied(configured)
            source = open_source(settings.camera, wanted_by(pipelines))
        self._manager = Manager()
        self._manager.expect(1 / settings.camera.fps)
        self._now = Setup(configured, settings, source, pipelines)
        feed = self._now.feed(self._switches)
        self._queue = FrameQueue(settings.queue.size, feed)
        self._queue.tell(*self._switched())
        self._stopping = threading.Event()
        self._pace = Pace()
        self._clock = Clock()
        self._stats = Stats(self._queue)
        self._heat = Heat(settings.limits.temperature, self._pace, self._stopping)
        self._capture = Capture(self._queue, self._pace, rests=not feed.looks)
        self._inference = Inference(
            self._queue,
            self._clock,
            PipelinesChange(pipelines.by_view, self._probations()),
            self._stats,
            self._hand_over,
            Heartbeat(self._manager).beat,
            self._patience_s,
            lambda pipeline, error: self._inbox.put(_Failed(pipeline, error)),
        )
        announce(pipelines)
        announce_labels(pipelines, settings.homeassistant.labels)
        self._error: BaseException | None = None
        self._grace_s = ENDED_GRACE_S
        self._ends = self._is_classified = False

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
        self._changer = Changer(Means(self._load, self._publisher.connection), self._inbox.put)
        changing = self._task("changes", self._changer.run)
        bell = SignalBell()
        listening = self._task("signals", lambda: self._listen(bell))
        if not all(pipeline.planned.is_final for pipeline in self._now.pipelines.by_view.values()):
            self._changer.ask(ChoosePlan())
        self._begin_change()
        while (item := self._inbox.get()) is not self._publishing:
            self._handle(item)
            self._begin_change()
        self._stopping.set()
        self._changer.stop()
        fetching = self._rollouts.fetching
        self._rollouts.end()
        bell.silence()
        self._stop_frames()
        if error := self._error or self._publishing.error:
            raise error
        until = time.monotonic() + STUCK_S
        tasks = (self._publishing, self._classifying, self._capturing, heating, changing, listening, *fetching)
        return all(task.join(until - time.monotonic()) for task in tasks)

    def stop(self) -> None:
        """Let `run` end soon, whatever the parts are waiting for; may be called from a signal handler."""
        self._inbox.put(_Signal.STOP)

    def reload(self) -> None:
        """Take over changed settings and a changed model; may be called from a signal handler."""
        self._inbox.put(_Signal.RELOAD)

    def _handle(self, item: _Item) -> None:
        match item:
            case Change():
                self._finish_change(item)
            case Verdict():
                self._judge(item)
            case _Failed():
                self._put_out(item)
            case Task() if item in self._rollouts.fetching:
                self._finish_fetch(item)
            case Task():
                self._end_next(item)
            case _Signal.RELOAD if self._ends:
                logger.info("not reloaded: the next start reads the settings")
            case _Signal.RELOAD:
                self._changer.ask(Reload())
            case _Signal.STOP:
                self._end()
            case _Signal.HANDLE_SIGNALS:
                pass  # Python has handled them when we come here
            case _:
                self._obey(item)

    def _task(self, name: str, function: Callable[[], None]) -> Task:
        return Task(name, function, self._inbox.put)

    def _listen(self, bell: SignalBell) -> None:
        while bell.wait():
            self._inbox.put(_Signal.HANDLE_SIGNALS)

    def _make_publisher(self) -> Publisher:
        self._stats.has_begun.wait(FIRST_FRAME_S)  # which all that is imported now would delay
        from edgecam.mqtt import publisher

        states = self._rollouts.states
        for view, state in states.items():
            if view:
                self._happened.put(ModelState(state, view))
        return publisher.Publisher(
            self._now.settings,
            self._clock,
            self._switched()[0],
            ModelState(states.get("", "active")),
            self._happened,
            self._stats.report,
            views=self._now.pipelines.facts(self._now.settings),
            on_event=self._on_event,
            on_report=self._show,
            on_command=self._inbox.put,
        )

    # How it ends

    def _end_next(self, task: Task) -> None:
        """End the part that comes after one that has ended; all of them, if it has failed."""
        if task.error:
            self._end(task.error)
        if task is self._capturing:
            self._ends = True  # nothing that stands in the line of frames would be heard any more
            self._queue.close()
        elif task is self._classifying:
            self._is_classified = True
            self._publisher.finish(self._grace_s)

    def _end(self, error: BaseException | None = None) -> None:
        self._manager.tell("STOPPING=1")
        self._ends = True
        self._error = self._error or error
        self._grace_s = STOPPED_GRACE_S
        self._stop_frames()
        if self._is_classified:
            self._publisher.finish(self._grace_s)

    def _stop_frames(self) -> None:
        self._capture.stop()
        self._queue.close(discard=True)

    # How it changes

    def _begin_change(self) -> None:
        """Let the next change be prepared: frames go on meanwhile, and an order to stop is heard."""
        if self._ends:
            return
        begun = self._changer.begin(self._now, self._rollouts.records, self._rollouts.candidates)
        if isinstance(begun, Reload):
            self._manager.reloading()

    def _finish_change(self, change: Change) -> None:
        """Apply what was prepared, or say why it cannot be: to whom it was for."""
        self._changer.end()
        if self._ends:
            return
        if is_outdated(change, self._rollouts.records):
            self._changer.ask(change.cause)  # behind the way back, which is wanted already
            return
        if change.setup:
            self._apply(change, change.setup)
        self._tell_outcome(change)
        self._rollouts.take_waiting()

    def _tell_outcome(self, change: Change) -> None:
        match change.cause:
            case Reload():
                self._tell_reload(change)
                self._manager.reloaded()
            case TakeOver(model, view):
                if change.error and view in self._rollouts:
                    for_good = isinstance(change.error, ModelError)
                    self._rollouts[view].turn_down(model, str(change.error), for_good=for_good)
            case GoBack(view):
                if change.error:
                    logger.error("the model of before cannot run either: %s", change.error)
                    self._give_up(view, change.error)
            case ChoosePlan():
                if change.error:
                    logger.warning("the model goes on as it runs: how it runs fastest is not known: %s", change.error)
                else:
                    announce_plan(self._now.pipelines)

    def _tell_reload(self, change: Change) -> None:
        if not change.error:
            logger.info("reloaded: %s", ", ".join(change.what) or "nothing has changed")
            return
        if isinstance(change.error, EdgecamError):
            for line in str(change.error).splitlines():
                logger.error("reload refused: %s", line)
            logger.warning("the settings and the model of before go on")
        else:
            logger.error("reload refused; the settings and the model of before go on", exc_info=change.error)

    def _apply(self, change: Change, setup: Setup) -> None:
        told_before = self._switched()
        before, self._now = self._now, setup
        switches, self._switches = self._switches, self._switches.under_all(setup.configured)
        if isinstance(change.cause, TakeOver):
            self._take_over(change.cause, setup)
        self._rollouts.settle(setup.configured)
        settings = self._rollouts.applied(setup.configured)  # files go with a camera's new name
        self._now = setup = replace(setup, settings=settings)
        self._queue.resize(setup.settings.queue.size)
        if not isinstance(change.cause, ChoosePlan):
            announce(setup.pipelines, before.pipelines)
            announce_labels(setup.pipelines, settings.homeassistant.labels)
        facts, facts_before = setup.pipelines.facts(settings), before.pipelines.facts(before.settings)
        notices: list[Notice] = []
        if settings != before.settings or change.connection:
            notices = [SettingsChange(settings, facts, change.connection)]
        elif facts != facts_before:
            notices = [ViewsChange(facts)]
        others = {
            view for view, each in setup.pipelines.by_view.items() if each is not before.pipelines.by_view.get(view)
        }
        # Another tracker knows nothing of a threshold that was ordered.
        notices += [each for each in self._switched() if each not in told_before or each.view in others]
        self._exchange(before, *notices)
        self._heat.limit_c = setup.settings.limits.temperature
        self._manager.expect(1 / setup.settings.camera.fps)
        renamed = setup.configured.camera.name != before.configured.camera.name
        if renamed or self._switches != switches:
            write_kept(switches_file(setup.configured.camera.name), self._switches)
        if renamed:
            forget_kept(switches_file(before.configured.camera.name))  # they go with the camera

    def _exchange(self, before: Setup, *notices: Notice) -> None:
        """Let the views of now be fed, and their pipelines decide, from one moment on with what notices tell."""
        now, feed = self._now, self._now.feed(self._switches)
        others = [*before.pipelines.by_view.values()] != [*now.pipelines.by_view.values()]
        if others or not feed.is_like(self._queue.feed):
            change = PipelinesChange(now.pipelines.by_view, self._probations())
            self._queue.exchange(feed, change, *notices)
        else:
            self._queue.tell(*notices)
        self._capture.rest(rests=not feed.looks)
        if now.source is not before.source:
            self._capture.follow()

    def _put_out(self, failed: _Failed) -> None:
        """Go on without a view whose model failed on a live frame, until a reload finds it well."""
        view, before = failed.pipeline.origin.view, self._now
        if self._ends or before.pipelines.by_view.get(view) is not failed.pipeline:
            return
        if len(before.pipelines.by_view) == 1:  # the others have gone since
            self._end(failed.error)
            return
        pipelines = before.pipelines.without(view, failed.error)
        announce(pipelines, before.pipelines)
        self._now = replace(before, pipelines=pipelines)
        self._exchange(before, ViewsChange(pipelines.facts(before.settings)))

    def _give_up(self, view: str, error: Exception) -> None:
        """Go on without one of several views, as at the next start: neither of its models can run."""
        pipelines = self._now.pipelines.by_view
        if view in pipelines and len(pipelines) > 1:
            self._put_out(_Failed(pipelines[view], error))

    # What is ordered

    def _obey(self, command: Command) -> None:
        """Do what was ordered over MQTT."""
        if isinstance(command, TakeModel):
            self._rollouts.take(command, self._now.configured)
        elif not isinstance(command, Announce):  # which the publisher has heard
            logger.info("ordered: %s", command)
            self._switch(self._switches.after_all(command, self._now.configured), command.view)

    def _switch(self, switches: Switches, of: str = "") -> None:
        """Let switches be in force everywhere, and keep them for the next start.

        Who gave an order, for the view ``of`` or the camera, is told, though nothing may have changed.
        """
        before = self._switched()
        self._switches = switches
        told = [each for each in self._switched() if each not in before or each.view == of]
        write_kept(switches_file(self._now.configured.camera.name), switches)
        feed = self._now.feed(switches)
        if feed.looks and not feed.is_like(self._queue.feed):
            self._queue.exchange(feed, *told)
        else:
            self._queue.tell(*told)
        self._capture.rest(rests=not feed.looks)

    def _switched(self) -> list[Switched]:
        pipelines = self._now.pipelines.by_view
        of_models = {view: pipeline.model.thresholds for view, pipeline in pipelines.items()}
        return switched(self._switches, self._now.settings, of_models)

    # Models that come over MQTT

    def _running(self, view: str) -> str:
        """The SHA-256 of the model that runs in a view; empty: none does."""
        pipeline = self._now.pipelines.by_view.get(view)
        return pipeline.model.file.sha256 if pipeline else ""

    def _first_pipelines(self, configured: Config) -> Pipelines:
        """Load the models; of one that was taken over and is refused now, the one before it runs again."""
        while True:
            pipelines = make_pipelines(self._rollouts.applied(configured))
            ordered = {view: record.active_for(configured, view) for view, record in self._rollouts.records.items()}
            back = [
                self._rollouts[view].fail(model.sha256, str(error))
                for view, error in pipelines.out.items()
                if (model := ordered.get(view))
            ]
            if not any(back):
                refuse(pipelines)
                return pipelines

    def _take_over(self, cause: TakeOver, setup: Setup) -> None:
        if cause.view not in self._rollouts:  # it has gone since
            return
        rollouts, look = self._rollouts[cause.view], setup.configured.look(cause.view)
        pipeline = setup.pipelines.by_view.get(cause.view)
        if look and pipeline and pipeline.model.file.sha256 == cause.model.sha256:
            rollouts.taken_over(cause.model, look.model.path, self._stats.typical_ms(cause.view))
        else:
            rollouts.turn_down(cause.model, "rollout.public_key was taken out of the settings", for_good=False)

    def _finish_fetch(self, task: Task) -> None:
        view = self._rollouts.finish_fetch(task)
        if view is not None:
            self._changer.ask(TakeOver(self._rollouts.candidates[view], view))

    def _judge(self, verdict: Verdict) -> None:
        """Keep the model that was on trial, or go back to the one before."""
        if verdict.sha256 != self._running(verdict.view):
            return
        rollouts = self._rollouts[verdict.view]
        if not verdict.problem:
            rollouts.prove(verdict.sha256)
        elif rollouts.fail(verdict.sha256, verdict.problem):
            self._changer.ask(GoBack(verdict.view))

    def _probations(self) -> dict[str, Probation]:
        return self._rollouts.probations(self._now.configured.rollout.slower, self._inbox.put)

    # What the parts tell

    def _patience_s(self) -> float:
        return SILENCES * patience_s(self._now.settings.camera.fps) / self._pace.share

    def _hand_over(self, notice: Notice) -> None:
        if isinstance(notice, CameraChange):
            self._manager.tell(f"STATUS={_camera_words(online=notice.online)}")
        self._happened.put(notice)

    def _show(self, state: StatePayload, stats: StatsPayload) -> None:
        """Tell systemd, for ``systemctl status``, what is published, and tidy up."""
        give_back()
        self._on_stats(stats)
        seen = f"sees {state.label}" if state.label else "sees nothing it knows"
        is_on = any(self._switches.is_on(view) for view in self._now.pipelines.by_view)
        camera = _camera_words(online=state.camera == "online") if is_on else "paused over MQTT"
        self._manager.tell(f"STATUS={camera}; {seen}; {stats.fps} frames/s; {stats.outbox} events not yet delivered")


def _camera_words(*, online: bool) -> str:
    return f"camera {'online' if online else 'lost'}"


_Item = Task | _Signal | Command | Verdict | Change | _Failed
