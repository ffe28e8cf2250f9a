"""Events that wait for the broker."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgecam import config
from edgecam.mqtt import outbox
from edgecam.mqtt.outbox import IDLE_S, RETRY_S, Outbox, surplus
from edgecam.mqtt.outbox_file import Message, OpenEvent, OutboxFile

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("new", "update", "end")
OLDER = """
CREATE TABLE waiting
    (number INTEGER PRIMARY KEY, topic TEXT NOT NULL, kind TEXT NOT NULL, at_s REAL, payload BLOB NOT NULL);
CREATE TABLE open_event (one INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL);
INSERT INTO waiting VALUES (1, 'topic', 'new', 0.0, CAST('a' AS BLOB));
INSERT INTO open_event (topic, payload) VALUES ('topic', CAST('a' AS BLOB));
"""


def message(payload: bytes, kind: str = "new", at_s: float | None = 0.0) -> Message:
    return Message("topic", payload, kind, at_s)


def ending(view: str, opened: OpenEvent) -> Message:
    return Message(opened.topic, opened.payload, "end", None, view)


def opened_outbox(path: Path, **limits: float) -> Outbox:
    return Outbox(path, config.OutboxSettings(**limits), 0.0, ending)  # type: ignore[arg-type]


def payloads(box: Outbox) -> list[bytes]:
    return [message.payload for _, message in box.oldest(1000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite3"


@pytest.mark.parametrize("saved", [True, False])
def test_messages_are_kept_in_order(path: Path, *, saved: bool) -> None:
    box = opened_outbox(path)
    for number in range(5):
        box.add(message(b"%d" % number))
        if saved:
            box.save(number)
    assert payloads(box) == [b"0", b"1", b"2", b"3", b"4"]
    box.close(9)


def test_a_delivered_message_is_forgotten(path: Path) -> None:
    box = opened_outbox(path)
    box.add(message(b"a"))
    box.add(message(b"b"))
    box.save(0)
    box.remove(box.oldest(1)[0][0])
    assert (payloads(box), len(box)) == ([b"b"], 1)
    box.close(9)


def test_what_was_not_delivered_outlives_the_process(path: Path) -> None:
    before = opened_outbox(path)
    before.add(message(b"a"))
    before.close(0)
    after = opened_outbox(path)
    assert (payloads(after), len(after)) == ([b"a"], 1)
    after.close(0)


def test_an_event_that_was_left_open_is_ended_behind_what_waits(path: Path) -> None:
    before = opened_outbox(path)
    before.add(message(b"a"))
    before.opened = {"": OpenEvent("topic", b"a")}
    before.close(0)
    after = opened_outbox(path)
    assert [each.kind for _, each in after.oldest(9)] == ["new", "end"]
    after.close(0)
    again = opened_outbox(path)
    assert [each.kind for _, each in again.oldest(9)] == ["new", "end"]
    again.close(0)


class TestViews:
    """Each has one open event."""

    def test_those_of_all_views_that_were_left_open_are_ended(self, path: Path) -> None:
        before = opened_outbox(path)
        before.opened = {"gate": OpenEvent("topic", b"a"), "": OpenEvent("topic", b"b")}
        before.close(0)
        after = opened_outbox(path)
        ends = [(each.view, each.payload, each.kind) for _, each in after.oldest(9)]
        assert ends == [("gate", b"a", "end"), ("", b"b", "end")]
        after.close(0)

    def test_one_that_goes_on_stays_open(self, path: Path) -> None:
        events = {"gate": OpenEvent("topic", b"a"), "bowl": OpenEvent("topic", b"b")}
        before = opened_outbox(path)
        before.opened = dict(events)
        before.close(0)
        after = Outbox(path, config.OutboxSettings(), 0.0, ending, lambda view, _opened: view == "gate")
        assert after.opened == {"gate": events["gate"]}
        assert [(each.view, each.kind) for _, each in after.oldest(9)] == [("bowl", "end")]
        after.close(0)
        again = OutboxFile(path)
        assert again.opened() == {"gate": events["gate"]}
        again.close()

    def test_the_file_of_an_older_daemon_is_taken_over(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as database:
            database.executescript(OLDER)
        box = opened_outbox(path)
        assert [(each.payload, each.kind, each.view) for _, each in box.oldest(9)] == [
            (b"a", "new", ""),
            (b"a", "end", ""),
        ]
        box.close(0)

    def test_an_older_daemon_can_go_on_with_the_file(self, path: Path) -> None:
        box = opened_outbox(path)
        box.opened = {"gate": OpenEvent("topic", b"a")}
        box.close(0)
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT topic, payload FROM open_event").fetchone() == ("topic", b"a")
            database.execute("DELETE FROM open_event")
            database.execute("INSERT INTO open_event (topic, payload) VALUES ('topic', 'b')")
            database.execute("INSERT INTO waiting (number, topic, payload, kind, at_s) VALUES (1, 't', 'b', 'new', 0)")
            database.commit()
        OutboxFile(path).close()

    @given(st.data())
    def test_whole_events_go_though_those_of_several_views_overlap(self, data: st.DataObject) -> None:
        steps = data.draw(st.lists(st.sampled_from("ab"), max_size=20))
        is_open = dict.fromkeys("ab", False)
        kinds = []
        for number, view in enumerate(steps):
            kinds.append((number, "end" if is_open[view] else "new", view))
            is_open[view] = not is_open[view]
        ended = [view for _, kind, view in kinds if kind == "end"]
        chosen = {*surplus(kinds, data.draw(st.integers(0, 2 * len(ended))))}
        left = [(kind, view) for number, kind, view in kinds if number not in chosen]
        for view in "ab":
            assert [kind for kind, of in left if of == view] == [
                ("new", "end")[number % 2] for number in range(sum(of == view for _, of in left))
            ]


class TestNext:
    """Each is listed once, until one begins anew."""

    @pytest.mark.parametrize("saved", [True, False])
    def test_what_was_listed_is_not_listed_again(self, path: Path, *, saved: bool) -> None:
        box = opened_outbox(path)
        for payload in (b"a", b"b", b"c"):
            box.add(message(payload))
        if saved:
            box.save(0)
        assert [each.payload for _, each in box.next(2)] == [b"a", b"b"]
        box.add(message(b"d"))
        assert [each.payload for _, each in box.next(9)] == [b"c", b"d"]
        assert box.next(9) == []
        box.remove(1)
        box.rewind()
        assert [each.payload for _, each in box.next(2)] == [b"b", b"c"]
        box.close(9)

    def test_what_comes_from_disk_late_is_not_overlooked(self, path: Path, tmp_path: Path) -> None:
        earlier = opened_outbox(path)
        earlier.add(message(b"a"))
        earlier.close(0)
        path.parent.rename(tmp_path / "away")
        path.parent.touch()
        box = opened_outbox(path)
        box.add(message(b"b"))
        assert [each.payload for _, each in box.next(9)] == [b"b"]
        path.parent.unlink()
        (tmp_path / "away").rename(path.parent)
        box.save(RETRY_S)
        assert [each.payload for _, each in box.next(9)] == [b"a", b"b"]
        box.close(RETRY_S)


class TestWhenToSave:
    """As few transactions as can be."""

    def test_nothing_new_need_not_be_saved(self, path: Path) -> None:
        box = opened_outbox(path)
        assert box.due_s == float("inf")
        box.close(0)

    def test_a_new_message_is_saved_at_once(self, path: Path) -> None:
        box = opened_outbox(path)
        box.add(message(b"a"))
        assert box.due_s <= 0
        box.close(0)

    def test_what_was_delivered_is_taken_out_when_nothing_came_for_a_while(self, path: Path) -> None:
        box = opened_outbox(path)
        box.add(message(b"a"))
        box.save(10)
        box.remove(1)
        assert box.due_s == 10 + IDLE_S
        box.close(20)


class TestTooMany:
    """Bounds."""

    @pytest.mark.parametrize(
        ("kinds", "left"),
        [("nue", "ne"), ("nuene", "nene"), ("nenen", "nen"), ("enen", "en"), ("n", "n"), ("nnn", "nn")],
    )
    def test_the_oldest_updates_go_first_and_then_whole_events(self, path: Path, kinds: str, left: str) -> None:
        names = {kind[0]: kind for kind in KINDS}
        box = opened_outbox(path, size=max(1, len(kinds) - 1))
        for kind in kinds:
            box.add(message(b"", names[kind]))
        assert "".join(each.kind[0] for _, each in box.oldest(99)) == left
        assert box.dropped == len(kinds) - len(left)
        box.close(0)

    @given(st.lists(st.sampled_from(KINDS), max_size=40), st.integers(0, 50))
    def test_no_more_than_one_too_many_is_given_up(self, kinds: list[str], count: int) -> None:
        chosen = surplus([(number, kind, "") for number, kind in enumerate(kinds)], count)
        assert len(set(chosen)) == len(chosen)
        assert min(count, len(kinds)) <= len(chosen) <= count + 1

    def test_what_is_too_old_is_given_up(self, path: Path) -> None:
        box = opened_outbox(path, days=1)
        for at_s in (0.0, 86_400.0, None):
            box.add(message(str(at_s).encode(), at_s=at_s))
        box.expire(86_401.0)
        assert (payloads(box), box.dropped) == ([b"86400.0", b"None"], 1)
        box.close(0)

    def test_a_smaller_limit_holds_at_once(self, path: Path) -> None:
        box = opened_outbox(path)
        for number in range(5):
            box.add(message(b"%d" % number, "update"))
        box.limit(config.OutboxSettings(size=2))
        assert payloads(box) == [b"3", b"4"]
        box.close(0)


class TestADiskThatCannotBeUsed:
    """Memory stands in for it."""

    @pytest.mark.parametrize("content", [b"this is no database" * 100, b""])
    def test_a_file_that_is_no_database_is_set_aside(self, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        box = opened_outbox(path)
        box.add(message(b"a"))
        box.close(0)
        again = opened_outbox(path)
        assert payloads(again) == [b"a"]
        again.close(0)

    def test_a_folder_that_cannot_be_made_does_not_stop_us(self, path: Path) -> None:
        path.parent.touch()
        box = opened_outbox(path)
        box.add(message(b"a"))
        box.save(0)
        assert payloads(box) == [b"a"]
        box.close(0)

    def test_it_is_used_when_it_can_be(self, path: Path) -> None:
        path.parent.touch()
        box = opened_outbox(path)
        box.add(message(b"a"))
        path.parent.unlink()
        box.save(RETRY_S)
        box.close(RETRY_S)
        after = opened_outbox(path)
        assert payloads(after) == [b"a"]
        after.close(0)

    def test_what_an_earlier_run_left_comes_first_then(self, path: Path, tmp_path: Path) -> None:
        earlier = opened_outbox(path)
        earlier.add(message(b"a"))
        earlier.opened = {"": OpenEvent("topic", b"a")}
        earlier.close(0)
        path.parent.rename(tmp_path / "away")
        path.parent.touch()
        box = opened_outbox(path)
        box.add(message(b"b"))
        path.parent.unlink()
        (tmp_path / "away").rename(path.parent)
        box.save(RETRY_S)
        assert [(each.payload, each.kind) for _, each in box.oldest(9)] == [
            (b"a", "new"),
            (b"b", "new"),
            (b"a", "end"),
        ]
        box.close(RETRY_S)

    def test_memory_is_bounded(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "IN_MEMORY", 3)
        path.parent.touch()
        box = opened_outbox(path)
        for number in range(5):
            box.add(message(b"%d" % number, "update"))
        assert (payloads(box), box.dropped) == ([b"2", b"3", b"4"], 2)
        box.close(0)

    def test_a_second_process_does_not_send_the_same_events(self, path: Path) -> None:
        first = opened_outbox(path)
        first.add(message(b"a"))
        first.save(0)
        second = opened_outbox(path)
        assert payloads(second) == []
        first.close(0)
        second.close(0)


def test_the_messages_of_this_run_are_corrected_and_no_others(path: Path) -> None:
    before = opened_outbox(path)
    before.add(message(b"a"))
    before.close(0)
    box = opened_outbox(path)
    box.add(message(b"b"))
    box.save(0)
    box.add(message(b"c"))
    box.correct(lambda each: each._replace(payload=each.payload.upper()))
    box.close(0)
    after = opened_outbox(path)
    assert payloads(after) == [b"a", b"B", b"C"]
    after.close(0)


def test_all_messages_of_another_outbox_are_taken_over(path: Path) -> None:
    old, new = opened_outbox(path), opened_outbox(path.with_name("new.sqlite3"))
    old.add(message(b"a"))
    old.opened = {"": OpenEvent("topic", b"a")}
    new.take_from(old)
    assert (payloads(new), payloads(old)) == ([b"a"], [])
    assert new.opened == {"": OpenEvent("topic", b"a")}
    assert old.opened == {}
    old.close(0)
    new.close(0)


def test_what_was_given_up_counts_on_with_another_name(path: Path, tmp_path: Path) -> None:
    before, after = opened_outbox(path, size=2), opened_outbox(tmp_path / "renamed.sqlite3", size=2)
    for number in range(5):
        before.add(message(b"%d" % number))
    dropped = before.dropped
    after.take_from(before)
    assert after.dropped == dropped == 3
    before.close(0)
    after.close(0)


def test_what_was_delivered_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box, count = opened_outbox(path), 100
    read: list[tuple[int, Message]] = []

    def after(file: OutboxFile, number: int) -> Iterator[tuple[int, Message]]:
        for row in rows_after(file, number):
            read.append(row)
            yield row

    for number in range(count):
        box.add(message(b"%d" % number))
    box.save(0)
    rows_after = OutboxFile.after
    monkeypatch.setattr(OutboxFile, "after", after)
    for _ in range(count):
        box.remove(box.oldest(1)[0][0])
    assert len(read) == count
    box.close(0)


class Lives(RuleBasedStateMachine):
    """Events come and are delivered, and the power fails at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp())
        self._lives = 0
        self._now_s = 0.0
        self._box = opened_outbox(self._path)
        self._waiting: list[bytes] = []  # in memory
        self._undelivered: list[bytes] = []  # on disk
        self._count = 0

    @property
    def _path(self) -> Path:
        return self._folder / str(self._lives) / "outbox.sqlite3"

    @rule(kind=st.sampled_from(KINDS))
    def add(self, kind: str) -> None:
        self._count += 1
        self._box.add(message(b"%d" % self._count, kind))
        self._waiting.append(b"%d" % self._count)

    @rule()
    def save(self) -> None:
        self._now_s += 1
        self._box.save(self._now_s)
        self._undelivered = list(self._waiting)

    @precondition(lambda self: self._waiting)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        number, delivered = data.draw(st.sampled_from(self._box.oldest(20)))
        self._box.remove(number)
        self._waiting.remove(delivered.payload)

    @rule()
    def pull_the_plug(self) -> None:
        """Go on with the files as they are on disk."""
        before, self._lives = self._path, self._lives + 1
        shutil.copytree(before.parent, self._path.parent)
        self._box.close(self._now_s)
        self._box = opened_outbox(self._path)
        self._waiting = payloads(self._box)
        assert self._waiting == self._undelivered

    @invariant()
    def all_are_here_in_order(self) -> None:
        assert payloads(self._box) == self._waiting
        assert len(self._box) == len(self._waiting)

    def teardown(self) -> None:
        self._box.close(self._now_s)
        shutil.rmtree(self._folder)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=30)
