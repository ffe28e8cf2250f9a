"""Events as lines for people, and the account at the end: what ``edgecam demo`` and ``edgecam run`` show alike."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgecam.mqtt.payloads import EventPayload, LabelPayload, StatsPayload

BAR = 20
REPORTS = 60  # ten minutes, as often as stats usually are
LABEL, LONGEST_LABEL = 16, 24  # columns
COLOURS = {"new": "green", "end": "yellow"}


def plain(text: str) -> str:
    """Leave out what would steer a terminal: names come from files and the network."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shortened(text: str, columns: int) -> str:
    """Leave out what would steer a terminal, and the end of what is longer than so many columns."""
    text = plain(text)
    return text if len(text) <= columns else f"{text[: columns - 1]}…"


def event_line(event: EventPayload) -> str:
    """One event for a terminal, in at most 80 columns: time, step, label, score, and a bar or how long it lasted."""
    kind = click.style(f"{event.type:6}", fg=COLOURS.get(event.type))
    more = _lasted(event) if event.end_time else _bar(event.score)
    return f"{_time_of_day(event.frame_time)}  {kind}  {_label_and_score(_named(event), event.score)} {more}"


def event_words(event: EventPayload) -> str:
    """One event for a log, which has times of its own: label and score first."""
    more = f", {_lasted(event)}" if event.end_time else ""
    return f"{plain(_named(event))} {event.score:.2f} {event.type}{more}"


def nearest_line(leading: LabelPayload, at: datetime, view: str = "") -> str:
    """What comes nearest to an event, in a view by its name, while there is none, laid out like an event."""
    what = f"{_label_and_score(_in_view(leading.label, view), leading.score)} {_bar(leading.score)}".rstrip()
    return click.style(f"{_time_of_day(at.isoformat())}  {'-':6}  {what} not told", dim=True)


def _named(event: EventPayload) -> str:
    return _in_view(event.label, event.view or "")


def _in_view(label: str, view: str) -> str:
    return f"{view}: {label}" if view else label


def _time_of_day(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone().strftime("%H:%M:%S.%f")[:-4]


def _label_and_score(label: str, score: float) -> str:
    return f"{shortened(label, LONGEST_LABEL):{LABEL}} {score:4.2f}"


def _bar(score: float) -> str:
    return "#" * round(min(max(score, 0.0), 1.0) * BAR)


def _lasted(event: EventPayload) -> str:
    end, start = (datetime.fromisoformat(at) for at in (event.end_time or event.frame_time, event.start_time))
    return f"seen for {(end - start).total_seconds():.1f} s, best {event.top_score:.2f}"


@dataclass(slots=True)
class Account:
    """What has come in a run so far.

    Attributes:
        began: events.
        ended: events.
        reports: the last stats, of which the very last counts from the start; a service runs for months.
    """

    began: int = 0
    ended: int = 0
    reports: deque[StatsPayload] = field(default_factory=lambda: deque(maxlen=REPORTS))

    def add_event(self, event: EventPayload) -> None:
        """Count a step in the life of an event."""
        self.began += event.type == "new"
        self.ended += event.type == "end"

    def lines(self, pace: str = "") -> Iterator[str]:
        """Sum up; ``pace`` says whose speed it was."""
        if self.reports:
            yield from self._figures(self.reports[-1], pace)
        yield f"events    {self.began} began, {self.ended} ended"
        if waiting := self.reports and self.reports[-1].outbox:
            yield f"outbox    {waiting} messages wait for the broker, and are kept"

    def _figures(self, last: StatsPayload, pace: str) -> Iterator[str]:
        yield f"frames    {last.frames.classified} classified, {last.frames.dropped} dropped"
        import statistics  # at the end of a run; the first frames are not to wait for it

        busy = [report for report in self.reports if report.latency_ms.p50 is not None]
        if not busy:
            return
        if not last.outbox:  # else the last report counts the time too in which it waited for the broker
            fps = statistics.median(report.fps for report in busy)
            yield f"speed     {fps:.1f} frames a second{pace and f', {pace}'}"
        for name, told, of in (
            ("model", [report.inference_ms for report in busy], "a frame"),
            ("latency", [report.latency_ms for report in busy], "from exposure to result"),
        ):
            typical = [each.p50 for each in told if each.p50 is not None]
            worst = [each.p99 for each in told if each.p99 is not None]
            if typical and worst:
                yield f"{name:9} p50 {statistics.median(typical):.2f} ms, p99 {max(worst):.2f} ms {of}"
        cpu_percent = statistics.median(report.cpu_percent for report in busy)
        yield f"daemon    {cpu_percent:.0f} % of one core, {last.rss_mb:.0f} MB"
