"""What each view sees now, as its topic ``state`` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from edgecam.mqtt.clock import shifted
from edgecam.mqtt.payloads import EventPayload, StatePayload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edgecam.mqtt.notices import ViewFacts

Told = tuple[str, StatePayload]


class States:
    """Follows events and the camera, and keeps what is to be told of it.

    Where none of several views is without a name, one more tells under no name how the camera is, and sees nothing.
    """

    def __init__(self, since: str, *, online: bool, views: Iterable[ViewFacts], are_several: bool) -> None:
        """Begin with nothing seen.

        Args:
            since: the time of now, in ISO 8601.
            online: whether the camera is there, as far as is known.
            views: all of them, at least one.
            are_several: there are ``[[views]]``, so that each tells whether it is out.
        """
        self._online = online
        self._states: dict[str, StatePayload] = {}
        self._changes: list[Told] = []
        self.become(views, since, are_several=are_several)
        self._changes.clear()

    @property
    def now(self) -> Mapping[str, StatePayload]:
        """What is seen, by view."""
        return self._states

    def become(self, views: Iterable[ViewFacts], since: str, *, are_several: bool) -> None:
        """Take in that these are the views from now on; those that were there before see what they saw."""
        before, self._states = self._states, {}
        for view in views:
            is_lasting = view.kind == "state"
            state = before.get(view.name)
            if state is None or (state.certain is not UNSET) != is_lasting:
                nothing = self._nothing(since)
                state = msgspec.structs.replace(nothing, certain=False, last_certain=None) if is_lasting else nothing
            self._states[view.name] = msgspec.structs.replace(state, error=view.error if are_several else UNSET)
        if "" not in self._states:
            root = before.get("")
            is_bare = root and (root.label, root.certain, root.event_id) == (None, UNSET, None)
            state = root if root and is_bare else self._nothing(since)
            self._states[""] = msgspec.structs.replace(state, error=None)
        self._changes = [(view, state) for view, state in self._changes if view in self._states]
        self._changes += [(view, state) for view, state in self._states.items() if state != before.get(view)]

    def take_changes(self) -> list[Told]:
        """Return what has changed since the last call, each change in its order."""
        changes, self._changes = self._changes, []
        return changes

    def follow(self, view: str, event: EventPayload) -> None:
        """Take in a step in the life of a view's event; the label of a lasting one stays until there is another."""
        state = self._states.get(view)
        if event.type != "end":
            self._see(view, event, certain=True)
        elif state and state.certain is UNSET:
            since = event.end_time or event.frame_time
            self._change(view, label=None, score=0.0, since=since, event_id=None)

    def forget(self, view: str, since: str) -> None:
        """Take in that nothing is known any more of what a view sees."""
        if (state := self._states.get(view)) and state.certain is not UNSET:
            self._change(view, label=None, score=0.0, since=since, event_id=None, certain=False, last_certain=None)

    def be_certain(self, view: str, event: EventPayload, *, certain: bool) -> None:
        """Take in that this lasting event is open, and whether its label is seen."""
        self._see(view, event, certain=certain)

    def follow_camera(self, *, online: bool) -> None:
        """Take in that the camera is there, or is not."""
        self._online = online
        for view in self._states:
            self._change(view, camera="online" if online else "lost")

    def shift(self, step_ns: int, events: Mapping[str, EventPayload]) -> None:
        """Move all times, as the system's clock was set by ``step_ns`` nanoseconds, to those of open events where any.

        What an earlier run told of them is not moved.
        """
        for view, state in self._states.items():
            if (event := events.get(view)) and state.certain is not UNSET:
                self._change(view, since=event.start_time, last_certain=event.frame_time)
            else:
                self._change(view, since=shifted(state.since, step_ns))

    def _nothing(self, since: str) -> StatePayload:
        return StatePayload(None, 0.0, since, None, "online" if self._online else "lost")

    def _see(self, view: str, event: EventPayload, *, certain: bool) -> None:
        state = self._states.get(view)
        if state is None:
            return
        lasting = {} if state.certain is UNSET else {"certain": certain, "last_certain": event.frame_time}
        self._change(view, label=event.label, score=event.score, since=event.start_time, event_id=event.id, **lasting)

    def _change(self, view: str, **changes: object) -> None:
        before = self._states[view]
        state = msgspec.structs.replace(before, **changes)
        if state != before:
            self._states[view] = state
            self._changes.append((view, state))
