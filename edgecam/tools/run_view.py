"""What ``edgecam run`` shows of what it sees: lines in a terminal, else in the log."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from edgecam.tools.event_lines import Account, event_line, event_words, nearest_line

if TYPE_CHECKING:
    from edgecam.mqtt.payloads import EventPayload, LabelPayload, StatsPayload

logger = logging.getLogger(__name__)

MOVED = 0.1  # by which a score that is not told has to change to be shown again


@dataclass(slots=True)
class _Near:
    """What comes nearest to an event in one view.

    Attributes:
        shown: what was shown last of it.
        told: the label of the last event since the last stats.
        is_open: an event is.
    """

    shown: LabelPayload | None = None
    told: str | None = None
    is_open: bool = False

    def is_news(self, leading: LabelPayload) -> bool:
        """Whether another label leads, or the same by a score that has moved."""
        shown = self.shown
        return shown is None or shown.label != leading.label or abs(shown.score - leading.score) >= MOVED


class RunView:
    """Shows events as they are decided, what is nearest to one while there is none, and an account at the end."""

    def __init__(self, *, prints: bool, logs: bool) -> None:
        """Show things on standard output, in the log, or both.

        Args:
            prints: events as lines for a terminal.
            logs: events as words, for a journal or a file.
        """
        self._prints = prints
        self._logs = logs
        self._account = Account()
        self._views: defaultdict[str, _Near] = defaultdict(_Near)

    def take_event(self, event: EventPayload) -> None:
        """Show a step in the life of an event."""
        self._account.add_event(event)
        near = self._views[event.view or ""]
        near.shown, near.told, near.is_open = None, event.label, event.type != "end"
        self._print(event_line(event))
        if self._logs:
            # A score that moves is of interest to few, and a journal lies on an SD card.
            logger.log(logging.DEBUG if event.type == "update" else logging.INFO, "%s", event_words(event))

    def take_stats(self, stats: StatsPayload) -> None:
        """Show what is nearest to an event, if there is none; of the rest more is logged than shown."""
        self._account.reports.append(stats)
        leading = stats.leading
        p50 = stats.latency_ms.p50
        latency = "" if p50 is None else f", latency p50 {p50} ms"
        nearest = f"; highest: {leading.label} {leading.score:.2f}" if leading else ""
        logger.debug("%.1f frames/s%s, %d dropped%s", stats.fps, latency, stats.frames.dropped, nearest)
        of_views = {view: each.leading for view, each in stats.views.items()} if stats.views else {"": leading}
        for view, nearest_one in of_views.items():
            self._show_nearest(view, nearest_one)

    def end(self) -> None:
        """Show the account."""
        if self._prints:
            self._print("")
        for line in self._account.lines():
            self._print(line)
        if self._logs and self._account.reports:
            frames = self._account.reports[-1].frames
            logger.info(
                "%d frames classified, %d dropped; %d events began, %d ended",
                *(frames.classified, frames.dropped, self._account.began, self._account.ended),
            )

    def _show_nearest(self, view: str, leading: LabelPayload | None) -> None:
        near = self._views[view]
        told, near.told = near.told, None
        if leading is None or leading.label == told:  # its event may have ended because the file did
            return
        if not near.is_open and near.is_news(leading):
            near.shown = leading
            self._print(nearest_line(leading, datetime.now(UTC), view))

    def _print(self, line: str) -> None:
        if not self._prints:
            return
        try:
            click.echo(line)
        except OSError:  # the terminal was closed: the daemon is there for others too
            self._prints = False
