"""What was found out about a broker: its version of MQTT, what it allows, and whether a connection to it holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

Version = Literal["5", "3.1.1"]

DROPS = 2  # in a row, before it has answered, after which a broker may be one that does not know MQTT 5
ANSWER_S = 10.0  # for a broker to answer when we say who we are
IMPATIENT_S = 3.0  # likewise, where it is likely that it will not
LAST_RETRY_S = 30  # between two tries, at most

SOON_S = 20.0  # a connection that was lost sooner does not hold
OFTEN = 3  # so many of them in a row, and something is wrong that trying again at once does not mend
FIRST_DELAY_S, LAST_DELAY_S = 1, 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What a broker allows: MQTT 5.0, 3.2.2.3; one of 3.1.1 does not tell.

    Attributes:
        packet: bytes of the largest packet that it takes, with topic and all.
        qos: the highest quality of service, of those that we use.
        retain: whether it keeps messages for who comes later.
        receive: messages that may wait for their acknowledgement at the same time.
    """

    packet: int = 268_435_460
    qos: int = 1
    retain: bool = True
    receive: int = 65_535


@dataclass(frozen=True, slots=True)
class Attempt:
    """How to connect next.

    Attributes:
        version: of MQTT.
        is_question: it is only to be seen whether the broker answers; hang up then.
        answer_s: how long to wait for the answer.
        will_qos: of the last will.
        will_retain: whether the last will is to be kept.
    """

    version: Version
    is_question: bool = False
    answer_s: float = ANSWER_S
    will_qos: int = 1
    will_retain: bool = True


class Refusal(Enum):
    """Why a broker does not let us in, as far as we can do something about it."""

    VERSION = auto()
    WILL_QOS = auto()
    WILL_RETAIN = auto()
    OTHER = auto()


class _Phase(Enum):
    """What is known of the version; MQTT 5 is asked for in the first and in the third."""

    UNKNOWN = auto()
    ASKED = auto()  # it said nothing to MQTT 5: does it to 3.1.1?
    DOUBTED = auto()  # it has answered to 3.1.1; it may be there again since, or be another one: MQTT 5 once more
    OLD = auto()  # it answers to 3.1.1, and not to 5


class Negotiation:
    """Takes in how each attempt ended, and says how to go on; all times are seconds of the monotonic clock.

    A broker that does not know MQTT 5 should say so. Some hang up or say nothing instead, and so do ports behind which
    no broker runs yet. So 3.1.1 is used only where the broker answers to it just before and after it does not to 5; and
    when the connection is lost, 5 is tried first again.
    """

    def __init__(self, version: Literal["auto", "5", "3.1.1"]) -> None:
        """Begin with nothing known; with another version than ``auto`` only that one is spoken."""
        self._only: Version | None = None if version == "auto" else version
        self._phase = _Phase.UNKNOWN
        self._drops = 0
        self._failures = 0
        self._will_qos, self._will_retain = 1, True
        self._since_s: float | None = None
        self._losses = 0
        self.delay_s: float = 0.0
        """Seconds to wait before the next attempt."""

    @property
    def attempt(self) -> Attempt:
        """How to connect next."""
        if self._only:
            return Attempt(self._only, will_qos=self._will_qos, will_retain=self._will_retain)
        return Attempt(
            version="5" if self._phase in (_Phase.UNKNOWN, _Phase.DOUBTED) else "3.1.1",
            is_question=self._phase is _Phase.ASKED,
            answer_s=IMPATIENT_S if self._phase is _Phase.DOUBTED else ANSWER_S,
            will_qos=self._will_qos,
            will_retain=self._will_retain,
        )

    @property
    def is_flapping(self) -> bool:
        """Whether the last connections were all lost soon."""
        return self._losses >= OFTEN

    def unreachable(self) -> None:
        """Take in that nobody was there."""
        self._go_on(_Phase.DOUBTED if self._phase in (_Phase.OLD, _Phase.DOUBTED) else _Phase.UNKNOWN)
        self._fail()

    def unanswered(self, *, silent: bool) -> None:
        """Take in that somebody was there and hung up, or (``silent``) kept the line and said nothing."""
        self._drops += 1
        self._fail()
        if self._phase is _Phase.DOUBTED:
            self._go_on(_Phase.OLD, at_once=True)
        elif self._phase is _Phase.UNKNOWN and (silent or self._drops >= DROPS):
            self._go_on(_Phase.ASKED, at_once=True)
        elif self._phase in (_Phase.ASKED, _Phase.OLD):
            self._go_on(_Phase.UNKNOWN)

    def refused(self, refusal: Refusal) -> None:
        """Take in that the broker answered, and does not let us in."""
        before = self.attempt
        self._fail()
        if refusal is Refusal.VERSION and before.version == "5":
            self._go_on(_Phase.OLD, at_once=True)
        elif before.version == "5":
            self._go_on(_Phase.UNKNOWN)
        else:
            self._go_on(_Phase.DOUBTED, at_once=before.is_question)
        if refusal is Refusal.WILL_QOS and before.will_qos:
            self._will_qos, self.delay_s = 0, 0.0
        elif refusal is Refusal.WILL_RETAIN and before.will_retain:
            self._will_retain, self.delay_s = False, 0.0

    def answered(self, limits: Limits, now_s: float) -> None:
        """Take in that the broker lets us in."""
        self.delay_s = 0.0
        if self.attempt.is_question:
            self._go_on(_Phase.DOUBTED)
            return
        self._go_on(_Phase.UNKNOWN if self.attempt.version == "5" else _Phase.OLD)
        self._failures = 0
        self._will_qos, self._will_retain = min(1, limits.qos), limits.retain
        self._since_s = now_s

    def lost(self, now_s: float) -> None:
        """Take in that the connection is lost after it was there."""
        held = self._since_s is not None and now_s - self._since_s >= SOON_S
        self._losses = 1 if held else self._losses + 1
        self._since_s = None
        if self._phase is _Phase.OLD:
            self._go_on(_Phase.DOUBTED)
        self.delay_s = min(LAST_DELAY_S, FIRST_DELAY_S << max(0, min(8, self._losses - OFTEN + 1)))

    def _go_on(self, phase: _Phase, *, at_once: bool = False) -> None:
        if self._only:
            return
        if phase is not self._phase:
            self._phase, self._drops = phase, 0
        if at_once:
            self.delay_s = 0.0

    def _fail(self) -> None:
        self.delay_s = min(LAST_RETRY_S, 1 << min(8, self._failures))
        self._failures += 1
