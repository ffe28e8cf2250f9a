"""Events that wait for the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgecam import outbox
from edgecam.outbox import Outbox

if TYPE_CHECKING:
    from pathlib import Path


def payloads(box: Outbox) -> list[bytes]:
    return [message.payload for message in box.after(0, 1000)]


def test_messages_are_kept_in_order(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.sqlite3")
    for number in range(5):
        box.add("topic", b"%d" % number)
    assert payloads(box) == [b"0", b"1", b"2", b"3", b"4"]
    box.close()


def test_a_delivered_message_is_forgotten(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.sqlite3")
    box.add("topic", b"a")
    box.add("topic", b"b")
    box.remove(box.after(0, 1)[0].number)
    assert (payloads(box), len(box)) == ([b"b"], 1)
    box.close()


def test_what_was_not_delivered_outlives_the_process(tmp_path: Path) -> None:
    before = Outbox(tmp_path / "state" / "outbox.sqlite3")
    before.add("topic", b"a")
    before.close()
    after = Outbox(tmp_path / "state" / "outbox.sqlite3")
    assert (payloads(after), len(after)) == ([b"a"], 1)
    after.close()


def test_when_full_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_MESSAGES", 2)
    box = Outbox(tmp_path / "outbox.sqlite3")
    for payload in (b"a", b"b", b"c"):
        box.add("topic", payload)
    assert payloads(box) == [b"b", b"c"]
    box.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b""])
def test_a_file_that_is_no_database_does_not_stop_us(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outbox.sqlite3").write_bytes(content)
    box = Outbox(tmp_path / "outbox.sqlite3")
    box.add("topic", b"a")
    assert payloads(box) == [b"a"]
    box.close()


def test_a_folder_that_cannot_be_made_does_not_stop_us(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    box = Outbox(tmp_path / "file" / "outbox.sqlite3")
    box.add("topic", b"a")
    assert payloads(box) == [b"a"]
    box.close()


def test_a_second_process_does_not_send_the_same_events(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.sqlite3")
    first.add("topic", b"a")
    second = Outbox(tmp_path / "outbox.sqlite3")
    assert payloads(second) == []
    first.close()
    second.close()
