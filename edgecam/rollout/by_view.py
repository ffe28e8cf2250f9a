"""What is done about ordered models in each view of a camera."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from edgecam.kept import rollout_views
from edgecam.rollout.probation import Probation
from edgecam.rollout.record import Record
from edgecam.rollout.rollouts import Rollouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edgecam.config import Config
    from edgecam.rollout.probation import Verdict
    from edgecam.rollout.record import Installed, ModelState, TakeModel
    from edgecam.tasks import Task


class RolloutsByView:
    """Has `Rollouts` for each view, by its name; for the main thread.

    The models of all views lie in one folder: one that is ordered for all is downloaded once, if not at the same time,
    and loaded once. What is known of a view that is gone, and its models, wait for it to come back.
    """

    def __init__(
        self,
        settings: Config,
        start: Callable[[str, Callable[[], None]], Task],
        publish: Callable[[ModelState], None],
        running: Callable[[str], str],
    ) -> None:
        """Go on with what an earlier run left.

        Args:
            settings: as they were read.
            start: runs a function in a thread, by a name.
            publish: told each new state.
            running: tells the SHA-256 of the model that runs in a view; empty: none does.
        """
        self._camera = settings.camera.name
        self._start = start
        self._publish = publish
        self._running = running
        self._views = {look.name: self._rollouts_of(look.name) for look in settings.looks}
        gone = rollout_views(self._camera) - self._views.keys()
        self._gone = {view: self._rollouts_of(view) for view in sorted(gone)}

    def __getitem__(self, view: str) -> Rollouts:
        return self._views[view]

    def __contains__(self, view: str) -> bool:
        return view in self._views

    @property
    def records(self) -> Mapping[str, Record]:
        """What is remembered over restarts, by view; of those that are gone too."""
        return {view: rollouts.record for view, rollouts in self._all}

    @property
    def states(self) -> Mapping[str, str]:
        """What is published as ``model/state``, by view."""
        return {view: rollouts.record.state for view, rollouts in self._views.items()}

    @property
    def candidates(self) -> Mapping[str, Installed]:
        """What is to be taken over, by view."""
        return {view: rollouts.candidate for view, rollouts in self._views.items() if rollouts.candidate}

    @property
    def fetching(self) -> list[Task]:
        """The threads that download."""
        return [rollouts.fetching for _, rollouts in self._all if rollouts.fetching]

    @contextmanager
    def starting(self) -> Iterator[None]:
        """See `Rollouts.starting`."""
        with ExitStack() as stack:
            for rollouts in self._views.values():
                stack.enter_context(rollouts.starting())
            yield

    def end(self) -> None:
        """See `Rollouts.end`."""
        for rollouts in self._views.values():
            rollouts.end()

    def settle(self, settings: Config) -> None:
        """See `Rollouts.settle`; views that came or went are taken in."""
        names = [look.name for look in settings.looks]
        for gone in self._views.keys() - {*names}:
            self._gone[gone] = self._views.pop(gone)
            self._gone[gone].leave()
        for _, rollouts in self._all:
            rollouts.settle(settings)
        self._camera = settings.camera.name
        for new in [name for name in names if name not in self._views]:
            self._views[new] = self._gone.pop(new) if new in self._gone else self._rollouts_of(new)
            self._views[new].come_back()
            self._views[new].settle(settings)
        self._views = {name: self._views[name] for name in names}

    def take(self, came: TakeModel, settings: Config) -> None:
        """Take in an order, for a view or for all of them that name no model of their own."""
        for look in settings.looks:
            is_meant = look.model.path == settings.model.path if came.for_all else look.name == came.view
            if is_meant and look.name in self._views:
                self._views[look.name].take(came, settings.rollout)

    def finish_fetch(self, task: Task) -> str | None:
        """Take in that a thread that downloaded has ended; return the view that has a candidate since."""
        fetched = next((each for each in self._all if each[1].fetching is task), None)
        return fetched[0] if fetched and fetched[1].finish_fetch() else None

    def probations(self, slower: float, give: Callable[[Verdict], None]) -> dict[str, Probation]:
        """Return one for each model that is on trial; see `Probation`."""
        return {
            view: Probation(record.active.sha256, record.before_ms, slower, give, view)
            for view, record in self.records.items()
            if record.active and record.is_trial
        }

    def take_waiting(self) -> None:
        """See `Rollouts.take_waiting`."""
        for rollouts in self._views.values():
            rollouts.take_waiting()

    def applied(self, settings: Config) -> Config:
        """Return settings with the active models."""
        return applied(self.records, settings)

    @property
    def _all(self) -> list[tuple[str, Rollouts]]:
        return [*self._views.items(), *self._gone.items()]

    def _rollouts_of(self, view: str) -> Rollouts:
        return Rollouts(
            self._camera,
            self._start,
            self._publish,
            lambda: self._running(view),
            view=view,
            others=lambda: [model for name, rollouts in self._all if name != view for model in rollouts.models],
        )


def applied(
    records: Mapping[str, Record], settings: Config, candidates: Mapping[str, Installed] | None = None
) -> Config:
    """Return settings with ``candidates``, else with the active models, where they take any."""
    candidates = candidates or {}
    for view in {**records, **candidates}:
        settings = records.get(view, Record()).applied(settings, candidates.get(view), view)
    return settings
