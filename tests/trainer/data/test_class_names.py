"""Names of classes, and of what else lies in a folder of photographs."""

from __future__ import annotations

import os
import shutil
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.findings import Finding, summed
from trainer.data.listing import list_photographs
from trainer.errors import InputError

E_ACUTE, E_AND_ACUTE = "caf\u00e9", "cafe\u0301"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
SAME = "the same class: spaces around a name, and how an accent is written, do not count"
PERSIAN = "\u0645\u06cc\u200c\u0634\u0648\u062f"


def classes(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "1.jpg").write_bytes(b"")
    return root


@pytest.mark.parametrize("name", [FAMILY, PERSIAN, "\u2764\ufe0f"])
def test_words_and_emoji_may_be_joined_and_parted(tmp_path: Path, name: str) -> None:
    assert name in list_photographs(classes(tmp_path, name, "cat")).classes


@pytest.mark.parametrize("name", ["\u200d", "\u202edog", "do\x07g", "\u2028", " ", "\u00a0"])
def test_what_cannot_be_printed_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        InputError, match="a class is named by its folder, and this name is no printable text"
    ) as raised:
        list_photographs(classes(tmp_path, name, "cat"))
    assert str(raised.value).isprintable() or "\u200d" in str(raised.value)


def test_an_accent_may_be_written_in_two_ways(tmp_path: Path) -> None:
    listing = list_photographs(classes(tmp_path, E_ACUTE, E_AND_ACUTE, "tea"))
    assert listing.classes == (E_ACUTE, "tea")
    assert [photo.label for photo in listing.photos] == [0, 0, 1]
    assert "are the same class" in str(listing.findings[0])


def test_a_test_part_from_another_system_has_the_same_classes(tmp_path: Path) -> None:
    classes(tmp_path / "train", E_ACUTE, "tea")
    classes(tmp_path / "test", E_AND_ACUTE, "tea")
    assert len(list_photographs(tmp_path).classes) == 2


def test_spaces_around_a_name_do_not_count(tmp_path: Path) -> None:
    listing = list_photographs(classes(tmp_path, "cat", "cat ", "dog "))
    assert listing.classes == ("cat", "dog")
    assert [str(each) for each in listing.findings] == [
        f"{tmp_path}/cat : and {tmp_path}/cat are {SAME}",
        f"{tmp_path}/dog : called 'dog', without the spaces around it",
    ]


def test_names_that_differ_by_case_are_told(tmp_path: Path) -> None:
    listing = list_photographs(classes(tmp_path, "Cat", "cat"))
    assert listing.classes == ("Cat", "cat")
    assert str(listing.findings[0]).endswith("Cat and cat are two classes, though they differ by capital letters only")


def test_a_label_of_a_table_that_cannot_be_printed(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(b"")
    (tmp_path / "l.csv").write_text("file,label\na,c\x07t\nb,dog\n")
    with pytest.raises(
        InputError, match=r"l.csv: a class is called 'c\\x07t', and this is no printable text: rename it"
    ):
        list_photographs(tmp_path)


class TestSummed:
    """Many findings in few lines."""

    def test_what_is_alike_is_counted(self) -> None:
        found = [Finding(Path(f"/a b/{at}.jpg"), f"the same picture as /a b/c {at}.jpg") for at in range(300)]
        found.insert(100, Finding(Path("/x.jpg"), "hidden: left out"))
        assert summed(found) == (
            "/a b/0.jpg: the same picture as /a b/c 0.jpg",
            "/a b/1.jpg: the same picture as /a b/c 1.jpg",
            "/a b/2.jpg: the same picture as /a b/c 2.jpg",
            "... and 297 more like that: the same picture as /a b/c 0.jpg",
            "/x.jpg: hidden: left out",
        )

    def test_what_ends_otherwise_is_not_alike(self) -> None:
        ends = ["", ", which is of another class: one of the two is wrong"]
        found = [Finding(Path("/a"), f"the same picture as /b/{at}.jpg{ends[at == 9]}") for at in range(10)]
        assert summed(found)[-1].endswith("one of the two is wrong")

    @pytest.mark.parametrize("count", [0, 1, 3, 4])
    def test_few_are_told_each(self, count: int) -> None:
        assert summed([Finding(Path("/a"), "odd")] * count) == ("/a: odd",) * count

    @given(st.lists(st.tuples(st.text(), st.text(min_size=1))))
    def test_they_are_few_by_kind(self, given: list[tuple[str, str]]) -> None:
        found = [Finding(Path(path), message) for path, message in given]
        assert len(summed(found)) <= 4 * len({each.kind for each in found})


class TestDisk:
    """What a disk may have in it."""

    def test_a_folder_that_may_not_be_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = classes(Path(folder), "cat", "dog")
            root.chmod(0o755)
            (root / "dog").chmod(0)
            is_root = os.geteuid() == 0
            if is_root:  # whom nothing is forbidden
                os.seteuid(65534)
            try:
                with pytest.raises(InputError) as raised:
                    list_photographs(root)
            finally:
                if is_root:
                    os.seteuid(0)
                (root / "dog").chmod(0o755)
        assert str(raised.value) == (
            f"{root}/dog: permission denied; make it readable, or move it out of the photographs' folder"
        )

    def test_links_in_a_circle(self, tmp_path: Path) -> None:
        root = classes(tmp_path, "cat", "dog")
        (root / "cow").symlink_to(root / "cow")
        (root / "all").symlink_to(root)
        (root / "dog" / "up").symlink_to("..")
        listing = list_photographs(root)
        assert listing.classes == ("cat", "dog")
        assert [str(each).removeprefix(f"{root}/") for each in listing.findings] == [
            "all: a link to a folder: left out",
            "cow: no ordinary file: left out",
            "dog/up: a link to a folder: left out",
        ]

    def test_a_class_may_lie_on_another_disk(self, tmp_path: Path) -> None:
        classes(tmp_path / "other", "cat")
        root = classes(tmp_path / "data", "dog")
        (root / "cat").symlink_to(tmp_path / "other" / "cat")
        (root / "cat too").symlink_to(tmp_path / "other" / "cat")
        listing = list_photographs(root)
        assert (listing.classes, len(listing.photos)) == (("cat", "dog"), 2)
        assert [str(each) for each in listing.findings] == [f"{root}/cat too: a link to a folder: left out"]

    def test_folders_without_end(self, tmp_path: Path) -> None:
        root = classes(tmp_path, "cat", "/".join(["dog", *["d"] * 100]))
        assert [each.message for each in list_photographs(root).findings] == [
            "more than 32 folders within each other: left out"
        ]


MEANT = "train Test valid seg_train seg_pred images labels Annotations cat dog CAT __MACOSX .hidden @eaDir trained work"
FILES = "a.1.jpg b.2.jpg a.jpg info.labels l.csv _classes.csv x.zip y.zip p.tm manifest.json model.tflite report.json"
NAMES = st.one_of(
    st.sampled_from([*MEANT.split(), *FILES.split(), "cat ", E_ACUTE, E_AND_ACUTE, FAMILY]),
    st.text(st.characters(blacklist_characters="/\x00", blacklist_categories=["Cs"]), min_size=1, max_size=8),
    st.binary(min_size=1, max_size=4).filter(lambda name: not {*b"/\0"} & {*name}).map(os.fsdecode),
).filter(lambda name: name not in {".", ".."})
CONTENTS = st.sampled_from(
    [
        b"",
        b"file,label\na.jpg,cat\nb,dog\n",
        b"filename, cat, dog\na.jpg, 1, 0\n",
        b"id,class,xmin\n",
        b'{"files": [{"path": "a.jpg", "label": "x\\u0007"}]}',
        b'{"type": []}',
        b"PK\x05\x06" + bytes(18),
        b"\xff\xfe\x00",
    ]
)
TREES = st.recursive(CONTENTS, lambda inner: st.dictionaries(NAMES, inner, max_size=5), max_leaves=20)


def put(folder: Path, tree: dict[str, object]) -> None:
    for name, inside in tree.items():
        try:
            if isinstance(inside, bytes):
                (folder / name).write_bytes(inside)
            else:
                (folder / name).mkdir()
                put(folder / name, inside)  # type: ignore[arg-type]
        except OSError:  # too long, or there already
            continue


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, TREES, max_size=5), st.sampled_from([1, 2]), st.booleans())
def test_any_folder_is_understood_or_refused_in_one_line(tree: dict[str, object], least: int, is_zip: bool) -> None:  # noqa: FBT001  drawn
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "data"
        root.mkdir()
        put(root, tree)
        if is_zip:
            try:
                root = Path(shutil.make_archive(str(root), "zip", root))
            except (OSError, ValueError):  # names that no archive can have
                return
        try:
            listing = list_photographs(root, least=least)
        except InputError as error:
            assert len(str(error).splitlines()) == 1
            return
        assert len({*listing.classes}) == len(listing.classes) >= least
        for name in listing.classes:
            assert name == unicodedata.normalize("NFC", name).strip()
            assert name.replace("\u200d", "").replace("\u200c", "").isprintable()
        for photo in listing.photos:
            assert photo.path.is_file()
            assert 0 <= photo.label < len(listing.classes)
        assert listing.layout
        for line in summed(listing.findings):
            assert len(line.splitlines()) == 1
