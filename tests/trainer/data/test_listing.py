"""Which classes and files a folder of photographs holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from trainer.data.listing import list_photographs
from trainer.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def found(root: Path) -> list[tuple[str, str, str | None]]:
    listing = list_photographs(root)
    return [
        (str(photo.path).removeprefix(f"{root}/"), listing.classes[photo.label], photo.part) for photo in listing.photos
    ]


def findings(root: Path) -> list[str]:
    return [str(finding) for finding in list_photographs(root).findings]


def test_a_subfolder_is_a_class(tmp_path: Path) -> None:
    assert found(files(tmp_path, "dog/b.jpg", "cat/a.jpg")) == [("cat/a.jpg", "cat", None), ("dog/b.jpg", "dog", None)]


def test_files_deeper_in_a_class_belong_to_it(tmp_path: Path) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/2024/may/b.jpg")
    assert ("dog/2024/may/b.jpg", "dog", None) in found(root)


def test_train_validation_and_test_are_parts(tmp_path: Path) -> None:
    root = files(tmp_path, *(f"{part}/{name}/1.jpg" for part in ("train", "val", "test") for name in ("cat", "dog")))
    assert {(name.split("/")[0], part) for name, _, part in found(root)} == {
        ("train", "train"),
        ("val", "validation"),
        ("test", "test"),
    }


def test_a_test_folder_beside_the_classes_is_a_part(tmp_path: Path) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/b.jpg", "test/cat/c.jpg")
    assert ("test/cat/c.jpg", "cat", "test") in found(root)
    assert list_photographs(root).classes == ("cat", "dog")


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg"])
def test_what_systems_leave_behind_is_no_photograph(tmp_path: Path, name: str) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/b.jpg", f"dog/{name}", name)
    assert len(found(root)) == 2
    assert findings(root) == []


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("stray.jpg", "stray.jpg: in the folder of no class: left out"),
        ("test/stray.jpg", "test/stray.jpg: in the folder of no class: left out"),
        ("dog/.hidden.jpg", "dog/.hidden.jpg: hidden: left out"),
        ("dog/.thumbnails/b.jpg", "dog/.thumbnails: hidden: left out"),
    ],
)
def test_a_file_in_a_useless_place_is_named(tmp_path: Path, name: str, finding: str) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/b.jpg", name)
    assert findings(root) == [f"{root}/{finding}"]


def test_a_folder_beside_train_is_named(tmp_path: Path) -> None:
    root = files(tmp_path, "train/cat/a.jpg", "train/dog/b.jpg", "unsorted/c.jpg")
    assert findings(root) == [f"{root}/unsorted: beside train and in no part: left out"]


def test_a_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/b.jpg")
    os.mkfifo(root / "dog" / "pipe.jpg")
    assert findings(root) == [f"{root}/dog/pipe.jpg: no ordinary file: left out"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/b.jpg")
    (root / "dog" / "again").symlink_to(root)
    assert findings(root) == [f"{root}/dog/again: a link to a folder: left out"]


def test_a_broken_link_is_named(tmp_path: Path) -> None:
    root = files(tmp_path, "cat/a.jpg", "dog/b.jpg")
    (root / "dog" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    assert findings(root) == [f"{root}/dog/gone.jpg: no ordinary file: left out"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.jpg"], "{root}: a classifier needs two classes or more, with a subfolder for each; there is none"),
        (
            ["cat/a.jpg"],
            "{root}: a classifier needs two classes or more, with a subfolder for each; there is only one (cat)",
        ),
        (
            ["train/cat/a.jpg", "train/dog/a.jpg", "test/cow/a.jpg"],
            "{root}/test/cow: a class that is not among those to train (cat, dog)",
        ),
        (
            ["cat/a.jpg", "dog\nfish/a.jpg"],
            "'{root}/dog\\nfish': a class is named by its folder, and this name is no printable text: rename it",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    files(tmp_path, *names)
    with pytest.raises(InputError) as raised:
        list_photographs(tmp_path)
    assert str(raised.value) == message.format(root=tmp_path)


def test_a_class_named_by_no_text_is_refused(tmp_path: Path) -> None:
    files(tmp_path, "cat/a.jpg")
    os.mkdir(os.fsencode(tmp_path) + b"/do\xff")  # noqa: PTH102  pathlib takes no bytes
    with pytest.raises(InputError, match=r"do\ufffd.*no printable text"):
        list_photographs(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    files(tmp_path, "file")
    with pytest.raises(InputError, match=f"{name}: no.* directory; expected a folder with a subfolder a class"):
        list_photographs(tmp_path / name)
