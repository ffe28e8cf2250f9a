"""What each view sees now, as its topic ``state`` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgecam.mqtt.clock import shifted
from edgecam.mqtt.payloads import EventPayload, StatePayload

if TYPE_CHECKING:
    from collections.abc import Mapping

Told = tuple[str, StatePayload]


class States:
    """Follows events and the camera, and keeps what is to be told of it."""

    def __init__(self, since: str, *, online: bool, views: tuple[str, ...] = ("",)) -> None:
        """Begin with nothing seen.

        Args:
            since: the time of now, in ISO 8601.
            online: whether the camera is there, as far as is known.
            views: their names; an empty one where the camera has but one.
        """
        nothing = StatePayload(None, 0.0, since, None, "online" if online else "lost")
        self._states = dict.fromkeys(views, nothing)
        self._changes: list[Told] = []

    @property
    def now(self) -> Mapping[str, StatePayload]:
        """What is seen, by view."""
        return self._states

    def take_changes(self) -> list[Told]:
        """Return what has changed since the last call, each change in its order."""
        changes, self._changes = self._changes, []
        return changes

    def follow(self, view: str, event: EventPayload) -> None:
        """Take in a step in the life of a view's event."""
        if event.type == "end":
            since = event.end_time or event.frame_time
            self._change(view, label=None, score=0.0, since=since, event_id=None)
        else:
            self._change(view, label=event.label, score=event.score, since=event.start_time, event_id=event.id)

    def follow_camera(self, *, online: bool) -> None:
        """Take in that the camera is there, or is not."""
        for view in self._states:
            self._change(view, camera="online" if online else "lost")

    def shift(self, step_ns: int) -> None:
        """Move all times, as the system's clock was set by ``step_ns`` nanoseconds."""
        for view, state in self._states.items():
            self._change(view, since=shifted(state.since, step_ns))

    def _change(self, view: str, **changes: object) -> None:
        before = self._states[view]
        state = msgspec.structs.replace(before, **changes)
        if state != before:
            self._states[view] = state
            self._changes.append((view, state))
