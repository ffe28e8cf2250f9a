"""What is done about orders to take another model: from the message to the model on trial, and back if it fails."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from edgecam.addresses import shown
from edgecam.errors import EdgecamError
from edgecam.kept import model_folder, rollout_file, write_kept
from edgecam.rollout.record import ModelState, read_record, with_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecam import config
    from edgecam.rollout.record import Installed, Record, SignedModel, TakeModel
    from edgecam.tasks import Task

logger = logging.getLogger(__name__)


class Rollouts:
    """Decides about models that come over MQTT; for the main thread.

    An order is fetched in a thread of its own. What was fetched is a candidate, until the service has taken it over as
    it takes over any other change of the settings; then it is on trial until there is a verdict.

    Attributes:
        candidate: what is to be taken over.
        fetching: the thread that downloads.
    """

    def __init__(
        self,
        camera: str,
        start: Callable[[str, Callable[[], None]], Task],
        publish: Callable[[ModelState], None],
        running: Callable[[], str],
    ) -> None:
        """Go on with what an earlier run left.

        Args:
            camera: its name.
            start: runs a function in a thread, by a name.
            publish: told each new state.
            running: tells the SHA-256 of the model that runs.
        """
        self._camera = camera
        self._start = start
        self._publish = publish
        self._running = running
        self._record = read_record(rollout_file(camera))
        self.candidate: Installed | None = None
        self.fetching: Task | None = None
        self._fetched: Installed | None = None
        self._order: SignedModel | None = None
        self._next: tuple[TakeModel, config.RolloutSettings] | None = None
        self._stop = threading.Event()

    @property
    def record(self) -> Record:
        """What is remembered over restarts."""
        return self._record

    def begin(self) -> None:
        """Note a start of the daemon."""
        self._become(self._record.started())

    def end(self) -> None:
        """Note that the daemon ends properly, and stop a download."""
        self._stop.set()
        self._become(self._record.ended())

    def applied(self, settings: config.Config) -> config.Config:
        """Return settings with the candidate, or with the model that was taken over; called in any thread."""
        if not settings.rollout.public_key:
            return settings
        if self.candidate:
            return with_model(settings, self.candidate)
        return self._record.applied(settings)[1]

    def settle(self, settings: config.Config) -> None:
        """Note that settings, without `applied`, are in force."""
        self._become(self._record.applied(settings)[0])
        if settings.camera.name != self._camera:
            self._camera = settings.camera.name
            write_kept(rollout_file(self._camera), self._record)

    def take(self, came: TakeModel, settings: config.RolloutSettings) -> None:
        """Take in an order; another one than that which is under way takes its place."""
        if self.fetching or self.candidate:
            if self._record.heeds(came) and came.order != self._order:
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

        def run() -> None:
            self._fetched = fetch(order, model_folder(self._camera), round(settings.size * 1e6), self._stop, self._wait)

        self._fetched = None
        self.fetching = self._start("download", run)

    def finish_fetch(self) -> bool:
        """Take in that the thread has ended; return whether there is a candidate."""
        task, self.fetching = self.fetching, None
        if task and task.error and self._order:
            if not isinstance(task.error, EdgecamError):
                logger.error("model %s", self._order.sha256, exc_info=task.error)
            self.turn_down(str(task.error))
        elif self._fetched and not self._next:
            self.candidate = self._fetched
            self._become(self._record.told("verifying"))
        if not self.candidate:
            self.take_waiting()
        return self.candidate is not None

    def taken_over(self, configured: str, before_ms: float | None) -> None:
        """Note that the candidate runs now, on trial, instead of ``configured``, the settings' own."""
        if self.candidate:
            self._become(self._record.taken(self.candidate, configured, before_ms))
            self.candidate = None

    def turn_down(self, why: str) -> None:
        """Give up the candidate, or what could not be fetched."""
        self.candidate = None
        if self._order:
            self._tell_refusal(self._record.turned_down(self._order.sha256, _line(why)))
        self._tidy()

    def prove(self) -> None:
        """Note that the model on trial works."""
        if self._record.active:
            logger.info("model %s: works: it stays", self._record.active.file)
        self._become(self._record.proven())
        self._tidy()

    def fail(self, why: str) -> bool:
        """Go back to what ran before the active model, which `applied` returns now; return whether there is one."""
        if not self._record.active:
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
        self._publish(ModelState(f"downloading: {why}"))

    def _tell_refusal(self, record: Record) -> None:
        logger.warning("model %s", record.state)
        self._become(record)

    def _become(self, record: Record) -> None:
        if record == self._record:
            return
        if record.state != self._record.state:
            self._publish(ModelState(record.state))
        self._record = record
        write_kept(rollout_file(self._camera), record)

    def _tidy(self) -> None:
        from edgecam.rollout.download import forget

        keep = [model for model in (self._record.active, self._record.before, self.candidate) if model]
        forget(model_folder(self._camera), keep)


def _line(text: str) -> str:
    return " ".join(text.split())
