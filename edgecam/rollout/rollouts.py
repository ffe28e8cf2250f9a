"""What is done about orders to take another model: from the message to the model on trial, and back if it fails."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgecam.addresses import shown
from edgecam.errors import EdgecamError, ModelError
from edgecam.kept import forget_kept, model_folder, rollout_file, write_kept
from edgecam.rollout.record import ModelState, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edgecam import config
    from edgecam.rollout.record import Installed, Record, SignedModel, TakeModel
    from edgecam.tasks import Task

logger = logging.getLogger(__name__)


class Rollouts:
    """Decides about models that come over MQTT; for the main thread.

    An order is fetched in a thread of its own. What was fetched is a candidate, until the service has taken it over as
    it takes over any other change of the settings; then it is on trial until there is a verdict.

    All that is said of a model says which: what runs, what is tried and what is ordered may be three.

    Attributes:
        candidate: what is to be taken over, by settings that `Record.applied` returns for it.
        fetching: the thread that downloads.
    """

    def __init__(
        self,
        camera: str,
        start: Callable[[str, Callable[[], None]], Task],
        publish: Callable[[ModelState], None],
        running: Callable[[], str],
        *,
        view: str = "",
        others: Callable[[], Sequence[Installed]] = tuple,
    ) -> None:
        """Go on with what an earlier run left.

        Args:
            camera: its name.
            start: runs a function in a thread, by a name.
            publish: told each new state.
            running: tells the SHA-256 of the model that runs; empty: none does.
            view: the name of the view whose models these are.
            others: tells the models of the camera's other views, which lie in the same folder.
        """
        self._camera = camera
        self._view = view
        self._others = others
        self._start = start
        self._publish = publish
        self._running = running
        self._record = read_record(rollout_file(camera, view))
        self.candidate: Installed | None = None
        self.fetching: Task | None = None
        self._fetched: Installed | None = None
        self._fetched_to: Path = model_folder(camera)
        self._order: SignedModel | None = None
        self._next: tuple[TakeModel, config.RolloutSettings] | None = None
        self._stop = threading.Event()  # what is being fetched is not wanted any more

    @property
    def record(self) -> Record:
        """What is remembered over restarts."""
        return self._record

    @property
    def models(self) -> list[Installed]:
        """Those that are needed, or may be soon, as one that is being fetched."""
        models = [model for model in (self._record.active, self._record.before, self.candidate) if model]
        if self.fetching and self._order:
            from edgecam.rollout.download import place_of

            models.append(place_of(self._order, self._fetched_to))
        return models

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Note a start of the daemon, in a ``with`` block around what may go wrong in it.

        Two starts without an `end` speak against a model on trial, as it may have crashed the daemon. A start that ends
        for a reason that can be told (an error of edgecam or the system, Ctrl-C) is none of these.
        """
        self._become(self._record.started())
        try:
            yield
        except (EdgecamError, OSError, KeyboardInterrupt):
            self._become(self._record.ended())
            raise

    def end(self) -> None:
        """Note that the daemon ends properly, and stop a download."""
        self._stop.set()
        self._become(self._record.ended())

    def leave(self) -> None:
        """Note that the view is gone: what is on its way to it is given up, what runs in it waits for it."""
        self._next = self.candidate = None
        self._stop.set()
        record = self._record.ended()
        self._become(record if record.is_trial or record.state.startswith("refused") else record.told("active"))

    def come_back(self) -> None:
        """Note that the view is there again, or for the first time; what was ordered for it may be ordered anew."""
        self._publish(ModelState(self._record.state, self._view))

    def settle(self, settings: config.Config) -> None:
        """Note that settings, without `Record.applied`, are in force; what is kept goes with a camera's new name."""
        if (record := self._record.settled(settings, self._view)) != self._record:
            self._become(record)
            self._tidy(model_folder(self._camera))
        if settings.camera.name != self._camera:
            self._rename(settings.camera.name)

    def take(self, came: TakeModel, settings: config.RolloutSettings) -> None:
        """Take in an order; another one than that which is under way takes its place."""
        if self.fetching or self.candidate:
            if self._record.heeds(came) and (came.order != self._order or self._stop.is_set()):
                self._next = came, settings
                self._stop.set()
            return
        record, is_wanted = self._record.answered(came, self._running())
        self._become(record)
        if not is_wanted or came.order is None:
            return
        from edgecam.rollout.download import fetch
        from edgecam.rollout.signature import is_signed

        self._order = order = came.order
        if not is_signed(settings.public_key, order.sha256, order.signature):
            self._tell_refusal(self._record.told("refused: its signature is not by the key to rollout.public_key"))
            return
        logger.info("model %s: ordered, from %s", order.sha256, shown(order.url))
        self._become(self._record.told("downloading"))
        self._stop.clear()

        folder = self._fetched_to = model_folder(self._camera)

        def run() -> None:
            part = f"part-{self._view}" if self._view else "part"
            self._fetched = fetch(order, folder, round(settings.size * 1e6), self._stop, self._wait, part)

        self._fetched = None
        self.fetching = self._start("download", run)

    def finish_fetch(self) -> bool:
        """Take in that the thread has ended; return whether there is a candidate."""
        task, self.fetching = self.fetching, None
        if task and task.error and self._order:
            if not isinstance(task.error, EdgecamError):
                logger.error("model %s", self._order.sha256, exc_info=task.error)
            self._refuse(self._order.sha256, str(task.error), for_good=isinstance(task.error, ModelError))
        elif self._fetched and not self._stop.is_set():
            self.candidate = self._here(self._fetched)
            self._become(self._record.told("verifying"))
        if self._fetched_to != model_folder(self._camera):  # the camera has another name since
            self._tidy(self._fetched_to)
        if not self.candidate:
            self.take_waiting()
        return self.candidate is not None

    def taken_over(self, candidate: Installed, configured: str, before_ms: float | None) -> None:
        """Note that a candidate runs now, on trial, instead of ``configured``, the settings' own."""
        self._become(self._record.taken(self._here(candidate), configured, before_ms))
        self._drop(candidate)

    def turn_down(self, candidate: Installed, why: str, *, for_good: bool) -> None:
        """Give up a candidate.

        Args:
            candidate: which was tried.
            why: is published.
            for_good: it is the model's own fault, so that it is not tried again until it is ordered anew; else it is
                when the broker sends the order that it keeps.
        """
        self._drop(candidate)
        self._refuse(candidate.sha256, why, for_good=for_good)

    def prove(self, sha256: str) -> None:
        """Note that a model on trial works."""
        active = self._record.active
        if active and active.sha256 == sha256 and self._record.is_trial:  # a reload may have begun the trial anew
            logger.info("model %s: works: it stays", active.file)
            self._become(self._record.proven())
            self._tidy(model_folder(self._camera))

    def fail(self, sha256: str, why: str) -> bool:
        """Go back to what ran before a model; return whether that was the active one, and is not any more."""
        if not self._record.active or self._record.active.sha256 != sha256:
            return False
        self._tell_refusal(self._record.failed(_line(why)))
        return True

    def take_waiting(self) -> None:
        """Take in the order that came while another was under way, if it no longer is."""
        if self._next and not self.fetching and not self.candidate:
            (came, settings), self._next = self._next, None
            self.take(came, settings)

    def _wait(self, why: str) -> None:
        logger.warning("model: %s", why)
        self._publish(ModelState(f"downloading: {why}", self._view))

    def _drop(self, candidate: Installed) -> None:
        if self.candidate and self.candidate.sha256 == candidate.sha256:
            self.candidate = None

    def _refuse(self, sha256: str, why: str, *, for_good: bool) -> None:
        why = _line(why)
        self._tell_refusal(self._record.turned_down(sha256, why) if for_good else self._record.told(f"refused: {why}"))
        self._tidy(model_folder(self._camera))

    def _tell_refusal(self, record: Record) -> None:
        logger.warning("model %s", record.state)
        self._become(record)

    def _become(self, record: Record) -> None:
        if record == self._record:
            return
        if record.state != self._record.state:
            self._publish(ModelState(record.state, self._view))
        self._record = record
        write_kept(rollout_file(self._camera, self._view), record)

    def _rename(self, camera: str) -> None:
        """Let the models go with the camera: another one may come that has its old name."""
        before, self._camera = self._camera, camera
        self._record = self._record.moved(self._here)
        self.candidate = self.candidate and self._here(self.candidate)
        write_kept(rollout_file(camera, self._view), self._record)
        forget_kept(rollout_file(before, self._view))
        if not (self.fetching and self._fetched_to == model_folder(before)):  # else it is tidied when that has ended
            self._tidy(model_folder(before))

    def _here(self, model: Installed) -> Installed:
        """Have a model in the camera's folder."""
        from edgecam.rollout.download import moved

        return moved(model, model_folder(self._camera))

    def _tidy(self, folder: Path) -> None:
        from edgecam.rollout.download import forget

        forget(folder, [*self.models, *self._others()])


def _line(text: str) -> str:
    return " ".join(text.split())
