"""Qt resource files, whole, cut short and damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.negatives.packages import resource
from trainer.negatives.qt_resources import ResourceError, files

MEMBERS = {"fish.webp": b"a fish", "Straße.png": b"", "deep": bytes(300)}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("compress", [False, True])
def test_files_come_with_their_paths(version: int, *, compress: bool) -> None:
    read = dict(files(resource(MEMBERS, compress=compress, version=version)))
    assert read == {f"/pictures/{name}": content for name, content in MEMBERS.items()}


@given(st.binary(max_size=60) | st.integers(0, 200).map(lambda length: resource(MEMBERS)[:length]))
def test_what_is_none_or_is_cut_short_is_refused(content: bytes) -> None:
    with pytest.raises(ResourceError):
        list(files(content))


@given(st.data())
def test_a_damaged_one_is_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(resource(MEMBERS, compress=True))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        list(files(bytes(damaged)))
    except ResourceError as error:
        assert str(error)
