"""Photographs that changed are told from those that were there before."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.trainer import pictures
from trainer.data.content import content_digest
from trainer.data.listing import list_photographs
from trainer.data.parts import digest_of

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_the_same_wherever_the_photographs_lie(tmp_path: Path) -> None:
    one = pictures.data_set(tmp_path / "one", 2)
    other = shutil.copytree(one, tmp_path / "other")
    assert content_digest(list_photographs(one)) == content_digest(list_photographs(other))


def test_what_is_known_need_not_be_read(tmp_path: Path) -> None:
    listing = list_photographs(pictures.data_set(tmp_path / "data", 2))
    known = {index: digest_of(photo.path) for index, photo in enumerate(listing.photos)}
    digest = content_digest(listing)
    shutil.rmtree(tmp_path / "data")
    assert content_digest(listing, known) == digest


def test_every_change_is_told(tmp_path: Path) -> None:
    data = pictures.data_set(tmp_path / "data", 2)
    digests = [content_digest(list_photographs(data))]
    pictures.save(data / "red", "red", [2])
    digests.append(content_digest(list_photographs(data)))
    (data / "red" / "0002.png").rename(data / "blue" / "0002.png")
    digests.append(content_digest(list_photographs(data)))
    (data / "blue" / "0002.png").write_bytes(b"another")
    digests.append(content_digest(list_photographs(data)))
    (data / "blue").rename(data / "azure")
    digests.append(content_digest(list_photographs(data)))
    assert len({*digests}) == 5
