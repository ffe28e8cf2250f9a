"""What ships: pictures.zip, credits.csv and sources.toml, and how the trainer reads them."""

from __future__ import annotations

import csv
import re
import zipfile

import numpy as np
import pytest

from trainer.negatives import CREDITS, PICTURES, negatives
from trainer.negatives.collection import read_sources
from trainer.negatives.licences import free
from trainer.negatives.make import LIMIT


def _credits() -> list[dict[str, str]]:
    with CREDITS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("size", [(32, 24), (224, 224)])
def test_pictures_come_in_the_models_size(size: tuple[int, int]) -> None:
    shipped = negatives(size)
    assert 400 <= len(shipped.pixels) <= 700
    assert shipped.pixels.shape[1:] == (size[1], size[0], 3)
    assert shipped.pixels.dtype == np.uint8
    assert shipped.sources.shape == (len(shipped.pixels),)
    assert shipped.sources.dtype == np.int64


def test_no_two_pictures_are_the_same_and_none_is_blank() -> None:
    pixels = negatives((32, 32)).pixels
    assert len({picture.tobytes() for picture in pixels}) == len(pixels)
    assert pixels.reshape(len(pixels), -1).std(axis=1).min() > 2


def test_a_quarter_of_the_pictures_can_be_kept_apart_by_source() -> None:
    counts = np.bincount(negatives((8, 8)).sources)
    assert len(counts) >= 15
    assert counts.max() <= 0.25 * counts.sum()


def test_the_archive_is_small() -> None:
    assert PICTURES.stat().st_size <= LIMIT


def test_each_picture_has_an_author_and_a_free_licence() -> None:
    with zipfile.ZipFile(PICTURES) as archive:
        shipped = set(archive.namelist())
    credited = _credits()
    assert {row["picture"] for row in credited} == shipped
    assert [row for row in credited if not (row["author"].strip() and free(row["licence"]))] == []


def test_each_package_is_pinned_and_told_of() -> None:
    packages = {(package.name, package.version) for package, _ in read_sources()}
    assert {(row["package"], row["version"]) for row in _credits()} == packages
    assert all(re.fullmatch("[0-9a-f]{64}", package.sha256) for package, _ in read_sources())
    told = PICTURES.with_name("SOURCES.md").read_text(encoding="utf-8")
    assert [name for name, version in packages if f"`{name}` {version}" not in told] == []
