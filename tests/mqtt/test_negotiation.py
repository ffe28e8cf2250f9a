"""What is found out about brokers of all kinds, by attempts that fail in all ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from edgecam.mqtt.negotiation import (
    FIRST_DELAY_S,
    IMPATIENT_S,
    LAST_DELAY_S,
    LAST_RETRY_S,
    OFTEN,
    SOON_S,
    Limits,
    Negotiation,
    Refusal,
    Version,
)

Manner = Literal["refuses", "hangs up", "is silent"]


def lose(broker: Negotiation, after: list[float]) -> list[float]:
    """Connect and lose the connection after so many seconds, again and again; return the delays."""
    now, delays = 0.0, []
    for held in after:
        broker.answered(Limits(), now)
        now += held
        broker.lost(now)
        delays.append(broker.delay_s)
    return delays


class TestFlapping:
    """Connections that hold and such that do not."""

    def test_the_first_losses_are_tried_again_at_once(self) -> None:
        assert lose(Negotiation("auto"), [1.0] * (OFTEN - 1)) == [FIRST_DELAY_S] * (OFTEN - 1)

    def test_a_connection_that_never_holds_is_tried_more_and_more_rarely(self) -> None:
        broker = Negotiation("auto")
        assert lose(broker, [1.0] * 8) == [1, 1, 2, 4, 8, 10, 10, 10]
        assert broker.is_flapping

    def test_one_that_held_is_tried_again_at_once(self) -> None:
        broker = Negotiation("auto")
        assert lose(broker, [1.0] * 8 + [SOON_S])[-1] == FIRST_DELAY_S
        assert not broker.is_flapping

    @given(st.lists(st.floats(0, 1e6)))
    def test_the_delay_is_bounded(self, held: list[float]) -> None:
        assert all(FIRST_DELAY_S <= delay <= LAST_DELAY_S for delay in lose(Negotiation("auto"), held))


@dataclass
class Broker:
    """As it is at a moment: what it knows, and what it does with what it does not know."""

    knows: frozenset[Version] = frozenset({"5", "3.1.1"})
    manner: Manner = "hangs up"
    is_there: bool = True
    limits: Limits = field(default_factory=Limits)
    lets_in: bool = True

    def meet(self, negotiation: Negotiation) -> bool:
        """Answer the next attempt; return whether there is a connection to use now."""
        attempt = negotiation.attempt
        if not self.is_there:
            negotiation.unreachable()
        elif attempt.version not in self.knows:
            if self.manner == "refuses" and self.knows:
                negotiation.refused(Refusal.VERSION)
            else:
                negotiation.unanswered(silent=self.manner == "is silent")
        elif attempt.version == "5" and attempt.will_qos > self.limits.qos:
            negotiation.refused(Refusal.WILL_QOS)
        elif attempt.version == "5" and attempt.will_retain > self.limits.retain:
            negotiation.refused(Refusal.WILL_RETAIN)
        elif not self.lets_in:
            negotiation.refused(Refusal.OTHER)
        else:
            negotiation.answered(self.limits if attempt.version == "5" else Limits(), 0.0)
            return not attempt.is_question
        return False


MANNERS: st.SearchStrategy[Manner] = st.sampled_from(["refuses", "hangs up", "is silent"])
LIMITS = st.builds(Limits, qos=st.integers(0, 1), retain=st.booleans())
# A container's port is one that knows nothing and hangs up.
KNOWN: st.SearchStrategy[frozenset[Version]] = st.sampled_from(
    [frozenset(), frozenset({"3.1.1"}), frozenset({"5"}), frozenset({"5", "3.1.1"})]
)
PAST = st.lists(
    st.builds(Broker, KNOWN, MANNERS, is_there=st.booleans(), limits=LIMITS, lets_in=st.booleans()), max_size=12
)
STEPS = 10  # within so many attempts we must be in


def after(past: list[Broker]) -> Negotiation:
    """What has become of a negotiation; a connection that came about is lost each time."""
    negotiation = Negotiation("auto")
    for broker in past:
        if broker.meet(negotiation):
            negotiation.lost(1.0)
    return negotiation


def connect(negotiation: Negotiation, broker: Broker) -> Version | None:
    """Try until there is a connection; return its version."""
    for _ in range(STEPS):
        version = negotiation.attempt.version
        if broker.meet(negotiation):
            return version
    return None


class TestVersions:
    """MQTT 5 where the broker has it, else 3.1.1."""

    @given(PAST, KNOWN, MANNERS, LIMITS)
    def test_whatever_was_before_a_broker_is_connected_to(
        self, past: list[Broker], knows: frozenset[Version], manner: Manner, limits: Limits
    ) -> None:
        version = connect(after(past), Broker(knows, manner, limits=limits))
        assert version in knows or not knows

    @given(PAST, MANNERS, LIMITS)
    def test_after_the_next_loss_at_the_latest_in_the_best_way_that_it_knows(
        self, past: list[Broker], manner: Manner, limits: Limits
    ) -> None:
        negotiation = after(past)
        broker = Broker(manner=manner, limits=limits)
        connect(negotiation, broker)
        negotiation.lost(1.0)
        assert connect(negotiation, broker) == "5"

    @given(st.integers(0, 20), MANNERS)
    def test_an_outage_is_not_taken_for_an_old_broker(self, failures: int, manner: Manner) -> None:
        assert connect(after([Broker(frozenset(), manner)] * failures), Broker()) == "5"

    @given(PAST)
    def test_a_question_is_asked_in_the_older_version_only(self, past: list[Broker]) -> None:
        attempt = after(past).attempt
        assert attempt.version == "3.1.1" or not attempt.is_question

    def test_a_broker_that_is_known_to_be_old_is_not_waited_for_long(self) -> None:
        old = Broker(frozenset({"3.1.1"}), "is silent")
        negotiation = Negotiation("auto")
        assert connect(negotiation, old) == "3.1.1"
        negotiation.lost(1.0)
        assert (negotiation.attempt.version, negotiation.attempt.answer_s) == ("5", IMPATIENT_S)

    @given(PAST, st.sampled_from(["5", "3.1.1"]))
    def test_no_other_version_than_the_one_in_the_settings_is_spoken(self, past: list[Broker], only: Version) -> None:
        negotiation = Negotiation(only)
        for broker in past:
            assert (negotiation.attempt.version, negotiation.attempt.is_question) == (only, False)
            if broker.meet(negotiation):
                negotiation.lost(1.0)


@given(PAST)
def test_attempts_that_fail_become_rare(past: list[Broker]) -> None:
    """No broker is bothered without a pause, whatever it does: the longest way without one has 9 steps."""
    negotiation = after(past)
    delays = []
    for broker in past * 5:
        if broker.meet(negotiation):
            negotiation.lost(1.0)
        delays.append(negotiation.delay_s)
    assert all(0 <= delay <= LAST_RETRY_S for delay in delays)
    assert all(any(delays[at : at + 10]) for at in range(len(delays) - 9))


@given(PAST, LIMITS)
def test_the_last_will_is_as_the_broker_allows_and_no_less(past: list[Broker], limits: Limits) -> None:
    negotiation = after(past)
    broker = Broker(limits=limits)
    connect(negotiation, broker)
    negotiation.lost(1.0)
    connect(negotiation, broker)
    will = negotiation.attempt.will_qos, negotiation.attempt.will_retain
    assert will == (limits.qos, limits.retain)
