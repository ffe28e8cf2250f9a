"""Exports of others are understood, or refused in one line, and never misread."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

pytest.importorskip("pillow_heif", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer import pictures
from trainer.data.listing import Layout, list_photographs
from trainer.data.photograph_files import read_photograph
from trainer.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.data.listing import Listing


def tree(root: Path, *names: str) -> Path:
    """Write empty files of these names."""
    for name in names:
        written(root, name, "")
    return root


def written(root: Path, name: str, content: str) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content, "utf-8")
    return root


def classes_in(*places: str, classes: tuple[str, ...] = ("cat", "dog"), each: int = 2) -> list[str]:
    return [f"{place}/{name}/{at}.jpg" for place in places for name in classes for at in range(each)]


def found(listing: Listing) -> set[tuple[str, str, str | None]]:
    """The end of each path, its class and its part."""
    start = str(listing.root).rstrip("/") + "/"
    return {(str(photo.path).removeprefix(start), listing.classes[photo.label], photo.part) for photo in listing.photos}


def parts(listing: Listing) -> dict[str, int]:
    counts: dict[str, int] = {}
    for photo in listing.photos:
        counts[str(photo.part)] = counts.get(str(photo.part), 0) + 1
    return counts


def told(listing: Listing) -> list[str]:
    return [str(finding).removeprefix(f"{listing.root}/") for finding in listing.findings]


def refusal(root: Path, layout: Layout = "auto") -> str:
    with pytest.raises(InputError) as raised:
        list_photographs(root, layout)
    assert "\n" not in str(raised.value)
    return str(raised.value)


class TestParts:
    """train, validation and test, as Kaggle's data sets and others call them."""

    @pytest.mark.parametrize(
        ("train", "validation", "test"),
        [
            ("train", "val", "test"),
            ("Train", "Val", "Test"),
            ("TRAIN", "VALID", "TEST"),
            ("training", "validation", "testing"),
            ("Training", "Validation", "Testing"),
            ("seg_train", "seg_val", "seg_test"),
            ("training_set", "validation_set", "test_set"),
            ("train_images", "valid images", "test-images"),
            ("asl_alphabet_train", "asl_alphabet_valid", "asl_alphabet_test"),
        ],
    )
    def test_their_usual_names(self, tmp_path: Path, train: str, validation: str, test: str) -> None:
        listing = list_photographs(tree(tmp_path, *classes_in(train, validation, test)))
        assert listing.classes == ("cat", "dog")
        assert parts(listing) == {"train": 4, "validation": 4, "test": 4}
        assert listing.layout == f"parts: {', '.join(sorted((train, validation, test)))}"
        assert told(listing) == []

    def test_of_fruits_360(self, tmp_path: Path) -> None:
        names = classes_in("Training", "Test", classes=("Apple 6", "Onion Red 1"))
        root = tree(tmp_path, *names, "test-multiple_fruits/many.jpg", "papers/paper.pdf", "LICENSE", "readme.md")
        listing = list_photographs(root)
        assert (listing.classes, parts(listing)) == (("Apple 6", "Onion Red 1"), {"train": 4, "test": 4})
        assert told(listing) == [
            "papers: beside train and in no part: left out",
            "test-multiple_fruits: beside train and in no part: left out",
        ]

    def test_of_intel_image_classification(self, tmp_path: Path) -> None:
        names = classes_in("seg_train/seg_train", "seg_test/seg_test")
        listing = list_photographs(tree(tmp_path, *names, "seg_pred/seg_pred/5.jpg"))
        assert (listing.classes, parts(listing)) == (("cat", "dog"), {"train": 4, "test": 4})
        assert told(listing) == ["seg_pred: pictures without classes: left out"]

    def test_a_test_folder_without_classes_is_told_and_left_out(self, tmp_path: Path) -> None:
        listing = list_photographs(tree(tmp_path, *classes_in("train"), "test/1.jpg", "test/2.jpg"))
        assert parts(listing) == {"train": 4}
        assert told(listing) == ["test: pictures without classes: left out"]

    def test_a_part_that_is_empty_is_told(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("train", "test"))
        (root / "val").mkdir()
        assert told(list_photographs(root)) == ["val: empty: left out"]

    @pytest.mark.parametrize("name", ["train", "Training", "valid"])
    def test_a_class_may_be_called_so(self, tmp_path: Path, name: str) -> None:
        root = tree(tmp_path, *classes_in(".", classes=(name, "bus", "plane")))
        listing = list_photographs(root)
        assert {*listing.classes} == {name, "bus", "plane"}
        assert parts(listing) == {"None": 6}
        assert told(listing) == [f"{name}: taken as a class of that name, as it holds pictures itself"]

    def test_two_classes_of_which_one_is_called_test(self, tmp_path: Path) -> None:
        assert list_photographs(tree(tmp_path, *classes_in(".", classes=("control", "test")))).classes == (
            "control",
            "test",
        )

    def test_a_class_called_train_with_folders_in_it_is_a_question(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("train", classes=("steam", "electric")), "bus/1.jpg", "plane/1.jpg")
        line = refusal(root)
        assert line.startswith(f"{root}: train holds classes, and beside it lies bus, in no part")
        assert line.endswith("say which by --layout parts or --layout folders")
        assert list_photographs(root, "folders").classes == ("bus", "plane", "train")
        assert list_photographs(root, "parts").classes == ("electric", "steam")

    def test_a_test_folder_of_other_classes_is_a_question(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "cat/1.jpg", "dog/1.jpg", "test/a/1.jpg")
        assert refusal(root).endswith("say which by --layout parts or --layout folders")
        assert list_photographs(root, "folders").classes == ("cat", "dog", "test")

    def test_parts_of_pictures_without_labels_are_a_question(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/1.jpg", "test/2.jpg")
        assert refusal(root).startswith(f"{root}: test and train hold pictures, and nothing says of which class")
        assert list_photographs(root, "folders").classes == ("test", "train")

    def test_nothing_to_train_with_is_refused(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("val", "test"))
        assert "none to train with; add a folder train" in refusal(root)
        assert list_photographs(root, least=1).classes == ("cat", "dog")

    def test_a_class_written_otherwise_in_a_part_is_named(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/Cat/1.jpg", "train/dog/1.jpg", "test/cat/1.jpg")
        assert refusal(root) == (
            f"{root}/test/cat: a class that is not among those to train (Cat, dog); is it Cat? rename it"
        )

    def test_a_class_that_only_the_test_has_is_known_to_who_evaluates(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("train"), "test/cow/1.jpg")
        assert list_photographs(root, least=1).classes == ("cat", "cow", "dog")

    def test_one_class_is_enough_to_evaluate(self, tmp_path: Path) -> None:
        assert list_photographs(tree(tmp_path, "cat/1.jpg"), least=1).classes == ("cat",)


class TestWrappings:
    """A folder or an archive that holds nothing but the data set."""

    @pytest.mark.parametrize("around", ["name", "name/name", "archive/fruits-360/fruits"])
    @pytest.mark.parametrize("inside", [("",), ("Train", "Test")])
    def test_a_folder_around_it(self, tmp_path: Path, around: str, inside: tuple[str, ...]) -> None:
        places = [f"{around}/{place}" if place else around for place in inside]
        listing = list_photographs(tree(tmp_path, *classes_in(*places), "__MACOSX/._name"))
        assert listing.classes == ("cat", "dog")
        assert listing.layout.endswith(f", in {tmp_path}/{around}")
        assert "None" in parts(listing) or parts(listing) == {"train": 4, "test": 4}

    def test_one_class_is_no_wrapping(self, tmp_path: Path) -> None:
        assert "only one (cat)" in refusal(tree(tmp_path, "cat/1.jpg"))

    @pytest.mark.parametrize("around", ["", "photos/"])
    def test_a_zip_file_stays_as_it_is(self, tmp_path: Path, around: str) -> None:
        file = zipped(tmp_path / "photos.zip", *(f"{around}{name}" for name in classes_in("train", "val")))
        listing = list_photographs(file)
        assert (listing.root, listing.classes) == (file, ("cat", "dog"))
        assert parts(listing) == {"train": 4, "validation": 4}
        assert (f"{around}train/cat/0.jpg", "cat", "train") in found(listing)
        assert [each.path.open("rb").read() for each in listing.photos] == [b"picture"] * 8
        assert [*tmp_path.iterdir()] == [file]

    def test_a_zip_file_in_a_folder(self, tmp_path: Path) -> None:
        zipped(tmp_path / "photos.zip", *classes_in("a"))
        listing = list_photographs(tmp_path)
        assert len(listing.photos) == 4

    def test_pictures_in_it_are_read_side_by_side(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for colour in pictures.CLASSES:
                for path in pictures.save(tmp_path / colour, colour, range(8)):
                    archive.write(path, f"photos/{colour}/{path.name}")
        photos = list_photographs(tmp_path / "photos.zip").photos
        with ThreadPoolExecutor(8) as pool:
            read = [*pool.map(lambda photo: read_photograph(photo.path), photos * 4)]
        assert len(read) == 96
        for (image, notes), photo in zip(read, photos * 4, strict=True):
            colour = pictures.CLASSES[photo.label]
            assert np.array_equal(image, pictures.picture(colour, int(photo.path.name[:4])))
            assert notes == ()


class TestArchives:
    """What is wrong with a .zip file."""

    @pytest.mark.parametrize(
        "name", ["../../evil.jpg", "/etc/evil.jpg", "cat/../../evil.jpg", "cat\\a.jpg", "cat//a.jpg"]
    )
    def test_a_name_that_leads_elsewhere(self, tmp_path: Path, name: str) -> None:
        file = zipped(tmp_path / "photos.zip", *classes_in("."), name)
        assert "no name of a file within it; unpack it, and give the folder" in refusal(file)

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no archive at all"])
    def test_a_broken_one(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "photos.zip").write_bytes(content)
        assert refusal(tmp_path / "photos.zip").startswith(f"{tmp_path}/photos.zip: no .zip file that can be read (")

    def test_one_that_was_cut(self, tmp_path: Path) -> None:
        file = zipped(tmp_path / "photos.zip", *classes_in("."))
        file.write_bytes(file.read_bytes()[:-30])
        assert "no .zip file that can be read" in refusal(file)

    def test_a_bomb_is_left_out(self, tmp_path: Path) -> None:
        file = zipped(tmp_path / "photos.zip", *classes_in("a"))
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("a/cat/b.jpg", "w") as entry:
            for _ in range(257):
                entry.write(bytes(1 << 20))
        assert file.stat().st_size < 1 << 20
        assert told(list_photographs(file)) == ["a/cat/b.jpg: more than 256 MB: left out"]

    @pytest.mark.parametrize("content", [b"", b"no archive"])
    def test_a_broken_one_within_another(self, tmp_path: Path, content: bytes) -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("a-samples.zip", content)
            archive.writestr("b-samples.zip", content)
        assert "all.zip/a-samples.zip: no .zip file that can be read (" in refusal(tmp_path / "all.zip")

    def test_other_archives_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "photos.tar.gz").write_bytes(b"x")
        assert refusal(tmp_path / "photos.tar.gz").endswith("not read here; unpack it, and give the folder")

    def test_names_in_utf8_that_do_not_say_so(self, tmp_path: Path) -> None:
        """As macOS packs them."""
        file = zipped(tmp_path / "photos.zip", *classes_in(".", classes=("\u00c4pfel", "Birnen")))
        raw = bytearray(file.read_bytes())
        for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = raw.find(start)
            while at >= 0:
                raw[at + flags + 1] &= ~0x08
                at = raw.find(start, at + 4)
        file.write_bytes(bytes(raw))
        assert list_photographs(file).classes == ("Birnen", "\u00c4pfel")

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        file = zipped(tmp_path / "photos.zip", *classes_in("a"))
        link = zipfile.ZipInfo("a/cat/link.jpg")
        link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(link, "/etc/passwd")
        assert told(list_photographs(file)) == ["a/cat/link.jpg: a link: left out"]


class TestRoboflow:
    """Its folders, and its table with a column a class."""

    def test_folders(self, tmp_path: Path) -> None:
        names = classes_in("train", "valid", "test")
        listing = list_photographs(tree(tmp_path, *names, "README.roboflow.txt", "README.dataset.txt"))
        assert listing.layout == "Roboflow: test, train, valid"
        assert parts(listing) == {"train": 4, "validation": 4, "test": 4}
        assert told(listing) == []

    def test_a_table_a_part(self, tmp_path: Path) -> None:
        for part in ("train", "valid"):
            tree(tmp_path, *(f"{part}/{name}_jpg.rf.0a1b.jpg" for name in "abcde"))
            rows = [
                "a_jpg.rf.0a1b.jpg, 1, 0",
                "b_jpg.rf.0a1b.jpg, 0, 1",
                "c_jpg.rf.0a1b.jpg, 1, 1",
                "d_jpg.rf.0a1b.jpg, 0, 0",
            ]
            written(tmp_path, f"{part}/_classes.csv", "\n".join(["filename, cat, hot dog", *rows, "gone.jpg, 1, 0"]))
        listing = list_photographs(tmp_path)
        assert listing.layout == "Roboflow CSV: train/_classes.csv, valid/_classes.csv"
        assert found(listing) == {
            ("train/a_jpg.rf.0a1b.jpg", "cat", "train"),
            ("train/b_jpg.rf.0a1b.jpg", "hot dog", "train"),
            ("valid/a_jpg.rf.0a1b.jpg", "cat", "validation"),
            ("valid/b_jpg.rf.0a1b.jpg", "hot dog", "validation"),
        }
        assert [line for line in told(listing) if line.startswith("train")] == [
            "train/c_jpg.rf.0a1b.jpg: of 2 classes (cat, hot dog): left out",
            "train/d_jpg.rf.0a1b.jpg: of no class: left out",
            "train/_classes.csv: names gone.jpg, which is not there: left out",
            "train: 1 picture is not in _classes.csv: left out",
        ]

    def test_masks_are_refused(self, tmp_path: Path) -> None:
        tree(tmp_path, "train/a.jpg", "train/a_mask.png")
        written(tmp_path, "train/_classes.csv", "Pixel Value, Class\n0, background\n1, cabinet")
        assert "an export for object detection (masks of pixels)" in refusal(tmp_path)


class TestTable:
    """A CSV of files and labels."""

    @pytest.mark.parametrize(
        "header",
        [
            "filename,label",
            "file,class",
            "Path,Category",
            "image,target",
            "image_id,label",
            "id,breed",
            "Image ID,Class Name",
        ],
    )
    @pytest.mark.parametrize("ending", ["", ".jpg"])
    @pytest.mark.parametrize("folder", ["", "images/"])
    def test_its_usual_headers(self, tmp_path: Path, header: str, ending: str, folder: str) -> None:
        tree(tmp_path, f"{folder}a.jpg", f"{folder}b.jpg")
        written(tmp_path, "labels.csv", f"\ufeff{header}\na{ending},cat\nb{ending},dog\n")
        listing = list_photographs(tmp_path)
        assert found(listing) == {(f"{folder}a.jpg", "cat", None), (f"{folder}b.jpg", "dog", None)}
        assert listing.layout == "CSV: labels.csv"

    def test_semicolons_paths_and_parts(self, tmp_path: Path) -> None:
        tree(tmp_path, "x/1.jpg", "y/1.jpg", "y/2.jpg")
        written(tmp_path, "all.csv", "label;filepath;split\ncat;x/1.jpg;train\ndog;y\\1.jpg;valid\ndog;y/2.jpg;TRAIN\n")
        assert found(list_photographs(tmp_path)) == {
            ("x/1.jpg", "cat", "train"),
            ("y/1.jpg", "dog", "validation"),
            ("y/2.jpg", "dog", "train"),
        }

    def test_of_kaggle_s_competitions(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/a.jpg", "train/b.jpg", "test/c.jpg", "test/d.jpg")
        written(root, "train.csv", "id,breed\na,boxer\nb,collie\n")
        written(root, "sample_submission.csv", "id,breed\nc,boxer\nd,boxer\n")
        listing = list_photographs(root)
        assert found(listing) == {("train/a.jpg", "boxer", "train"), ("train/b.jpg", "collie", "train")}
        assert told(listing) == ["test: 2 pictures are not in train.csv: left out"]

    def test_a_column_a_class(self, tmp_path: Path) -> None:
        tree(tmp_path, "images/a.jpg", "images/b.jpg")
        written(tmp_path, "train.csv", "image_id,healthy,rust\na,1,0\nb,0,1\n")
        assert found(list_photographs(tmp_path)) == {
            ("images/a.jpg", "healthy", "train"),
            ("images/b.jpg", "rust", "train"),
        }

    def test_a_file_of_two_classes_is_told(self, tmp_path: Path) -> None:
        tree(tmp_path, "a.jpg", "b.jpg", "c.jpg")
        written(tmp_path, "l.csv", "file,label\na,cat\nb,dog\nc,cat\nc,dog\n")
        assert told(list_photographs(tmp_path)) == ["c.jpg: of another class in another row of l.csv: left out"]

    def test_it_reaches_no_file_outside(self, tmp_path: Path) -> None:
        tree(tmp_path, "secret.jpg", "data/a.jpg", "data/b.jpg")
        written(tmp_path, "data/l.csv", f"file,label\na,cat\nb,dog\n../secret.jpg,cat\n{tmp_path}/secret.jpg,dog\n")
        listing = list_photographs(tmp_path / "data")
        assert len(listing.photos) == 2
        assert len(listing.findings) == 2

    def test_one_that_says_what_the_folders_say_changes_nothing(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("."))
        written(root, "l.csv", "file,label\ncat/0.jpg,0\ncat/1.jpg,0\ndog/0.jpg,1\ndog/1.jpg,1\n")
        listing = list_photographs(root)
        assert (listing.layout, listing.classes) == ("folders, one a class", ("cat", "dog"))

    def test_one_that_contradicts_the_folders_is_a_question(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in(".", classes=("monday", "tuesday")))
        written(root, "l.csv", "file,label\nmonday/0.jpg,cat\nmonday/1.jpg,dog\ntuesday/0.jpg,cat\ntuesday/1.jpg,dog\n")
        assert refusal(root).endswith("say which by --layout csv or --layout folders")
        assert list_photographs(root, "csv").classes == ("cat", "dog")
        assert list_photographs(root, "folders").classes == ("monday", "tuesday")

    def test_two_of_the_same_are_refused(self, tmp_path: Path) -> None:
        tree(tmp_path, "a.jpg", "b.jpg")
        for name in ("one.csv", "two.csv"):
            written(tmp_path, name, "file,label\na,cat\nb,dog\n")
        assert refusal(tmp_path).endswith("leave one of them there")

    def test_a_table_of_something_else_disturbs_nobody(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("."))
        (root / "notes.csv").write_bytes(b'caf\xe9;\x00\n"')
        assert list_photographs(root).classes == ("cat", "dog")


class TestEdgeImpulse:
    """All pictures of a part in one folder."""

    @staticmethod
    def labels(*paths: str, **more: object) -> str:
        files = [
            {
                "path": path,
                "name": "x",
                "category": path.split("/")[0],
                "label": {"type": "label", "label": label},
                **more,
            }
            for path, label in (each.split("=") for each in paths)
        ]
        return json.dumps({"version": 1, "files": files})

    def test_labels_for_the_whole(self, tmp_path: Path) -> None:
        tree(tmp_path, "training/a.1x.jpg", "training/b.jpg", "testing/a.2x.jpg", "testing/stray.jpg", "README.txt")
        written(
            tmp_path, "info.labels", self.labels("training/a.1x.jpg=cat", "training/b.jpg=dog", "testing/a.2x.jpg=dog")
        )
        listing = list_photographs(tmp_path)
        assert found(listing) == {
            ("training/a.1x.jpg", "cat", "train"),
            ("training/b.jpg", "dog", "train"),
            ("testing/a.2x.jpg", "dog", "test"),
        }
        assert listing.layout == "Edge Impulse: info.labels"
        assert told(listing) == ["testing: 1 picture is not in info.labels: left out"]

    def test_labels_in_each_part(self, tmp_path: Path) -> None:
        for part in ("training", "testing"):
            tree(tmp_path, f"{part}/1.jpg", f"{part}/2.jpg")
            written(tmp_path, f"{part}/info.labels", self.labels("1.jpg=cat", "2.jpg=dog"))
        assert found(list_photographs(tmp_path)) == {
            ("training/1.jpg", "cat", "train"),
            ("training/2.jpg", "dog", "train"),
            ("testing/1.jpg", "cat", "test"),
            ("testing/2.jpg", "dog", "test"),
        }

    def test_labels_in_the_names(self, tmp_path: Path) -> None:
        names = [f"{label}.{at:x}abc.ingestion-76965bc958-kjphv.jpg" for label in ("cat", "hot dog") for at in range(3)]
        tree(tmp_path, *(f"{part}/{name}" for part in ("training", "testing") for name in names))
        listing = list_photographs(tmp_path)
        assert (listing.classes, parts(listing)) == (("cat", "hot dog"), {"train": 6, "test": 6})
        assert listing.layout == "Edge Impulse: labels before the first dot of the names"

    def test_boxes_are_refused(self, tmp_path: Path) -> None:
        tree(tmp_path, "training/1.jpg", "training/2.jpg")
        boxes = [{"label": "car", "x": 1, "y": 2, "width": 3, "height": 4}]
        written(tmp_path, "info.labels", self.labels("training/1.jpg=a", "training/2.jpg=b", boundingBoxes=boxes))
        assert "labels of boxes in pictures (object detection)" in refusal(tmp_path)
        assert list_photographs(tmp_path, "edge-impulse").classes == ("a", "b")

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 1}', '{"files": [{}]}', "[" * 100_000])
    def test_broken_labels(self, tmp_path: Path, content: str) -> None:
        tree(tmp_path, "training/1.jpg")
        written(tmp_path, "info.labels", content)
        assert "info.labels: no list of labels as Edge Impulse writes them (" in refusal(tmp_path)


class TestTeachableMachine:
    """A .zip a class, and the project."""

    @pytest.mark.parametrize("around", ["", "door"])
    def test_a_zip_a_class(self, tmp_path: Path, around: str) -> None:
        (tmp_path / around).mkdir(exist_ok=True)
        zipped(tmp_path / around / "open-samples.zip", "0.jpg", "1.jpg", "metadata.json")
        zipped(tmp_path / around / "closed-samples.zip", "0.jpg")
        zipped(tmp_path / around / "closed-samples (1).zip", "0.jpg")
        listing = list_photographs(tmp_path)
        assert listing.classes == ("closed", "open")
        assert sorted(photo.label for photo in listing.photos) == [0, 0, 1, 1]
        assert listing.layout.startswith("Teachable Machine: a .zip a class")
        assert {photo.path.open("rb").read() for photo in listing.photos} == {b"picture"}

    def test_a_zip_of_them(self, tmp_path: Path) -> None:
        for name in ("open", "closed"):
            zipped(tmp_path / f"{name}-samples.zip", "0.jpg", "1.jpg")
        with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("open", "closed"):
                archive.write(tmp_path / f"{name}-samples.zip", f"{name}-samples.zip")
        listing = list_photographs(tmp_path / "all.zip", work=tmp_path)
        assert ("open-samples.zip/1.jpg", "open", None) in found(listing)
        assert [photo.path.open("rb").read() for photo in listing.photos] == [b"picture"] * 4

    @pytest.mark.parametrize("names", [["open/0.png", "closed/0.png"], ["open-!-0.png", "closed-!-0.png"]])
    @pytest.mark.parametrize("is_in_folder", [True, False])
    def test_a_project(self, tmp_path: Path, names: list[str], is_in_folder: bool) -> None:  # noqa: FBT001  parametrized
        file = zipped(tmp_path / "project.tm", *names)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("manifest.json", '{"type": "image"}')
        listing = list_photographs(tmp_path if is_in_folder else file)
        assert listing.classes == ("closed", "open")
        assert len(listing.photos) == 2
        assert listing.layout == "Teachable Machine: a project"

    def test_a_project_of_sounds_is_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "project.tm", "w") as archive:
            archive.writestr("manifest.json", '{"type": "audio"}')
        assert refusal(tmp_path / "project.tm").endswith("a project of sounds, not of pictures")


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["train/_annotations.coco.json", "train/a.jpg"], "COCO"),
        (["images/train/a.jpg", "labels/train/a.txt", "data.yaml"], "YOLO"),
        (["train/images/a.jpg", "train/labels/a.txt"], "YOLO"),
        (["train/a.jpg", "train/a.xml"], "Pascal VOC"),
        (["JPEGImages/a.jpg", "Annotations/a.xml"], "Pascal VOC"),
        (["a.jpg", "a.txt", "classes.txt"], "YOLO"),
        (["train/x.tfrecord"], "TFRecord"),
    ],
)
def test_exports_for_detection_are_refused_by_name(tmp_path: Path, names: list[str], kind: str) -> None:
    root = tree(tmp_path, *names)
    assert f"{root}: an export for object detection ({kind}), which says" in refusal(root)


def test_a_table_of_boxes_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.jpg")
    written(root, "l.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,1,1,cat,0,0,1,1\n")
    assert "(boxes in l.csv)" in refusal(root)


class TestLeftBehind:
    """What is no class and no picture."""

    @pytest.mark.parametrize(
        "name",
        [
            "__MACOSX",
            "@eaDir",
            ".ipynb_checkpoints",
            "$RECYCLE.BIN",
            "lost+found",
            "#recycle",
            ".Trashes",
            ".Trash-1000",
        ],
    )
    @pytest.mark.parametrize("place", ["", "cat/"])
    def test_by_a_system(self, tmp_path: Path, name: str, place: str) -> None:
        root = tree(tmp_path, *classes_in("."), f"{place}{name}/1.jpg", f"{place}._1.jpg", f"{place}Thumbs.db")
        listing = list_photographs(root)
        assert (listing.classes, len(listing.photos), told(listing)) == (("cat", "dog"), 4, [])

    @pytest.mark.parametrize(
        ("folder", "files"),
        [
            ("trained", ["work/pixels.npy", "model.keras"]),
            ("converted", ["model.tflite", "report.json", "report.html"]),
            ("compared", ["comparison.json", "efficientnet_lite0/model.tflite"]),
            ("mine", ["model.tflite", "report.json", "mistakes/1.jpg"]),
        ],
    )
    def test_by_the_trainer(self, tmp_path: Path, folder: str, files: list[str]) -> None:
        root = tree(tmp_path, *classes_in("."), *(f"{folder}/{name}" for name in files))
        listing = list_photographs(root)
        assert listing.classes == ("cat", "dog")
        assert told(listing) == [f"{folder}: holds what the trainer has made, no photographs: left out"]

    def test_by_a_training_that_has_just_begun(self, tmp_path: Path) -> None:
        root = tree(tmp_path, *classes_in("."))
        (root / "trained" / "work").mkdir(parents=True)
        assert list_photographs(root).classes == ("cat", "dog")

    def test_a_class_may_be_called_trained(self, tmp_path: Path) -> None:
        assert "trained" in list_photographs(tree(tmp_path, *classes_in(".", classes=("trained", "wild")))).classes


@pytest.mark.parametrize("layout", [each for each in get_args(Layout) if each not in {"auto", "folders"}])
def test_what_was_asked_for_and_is_not_there(tmp_path: Path, layout: Layout) -> None:
    root = tree(tmp_path, *classes_in("."))
    assert refusal(root, layout).startswith(f"--layout {layout}: {root}: no ")


def test_many_pictures_of_one_name_take_no_quadratic_time(tmp_path: Path) -> None:
    """With quadratic work this would take longer than a test may."""
    count = 20_000
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for at in range(count):
            archive.writestr(f"{at}/1.jpg", "")
        archive.writestr("l.csv", "file,label\n" + "".join(f"{at}/1.jpg,{at % 10}\n1.jpg,x\n" for at in range(count)))
    listing = list_photographs(tmp_path / "many.zip", "csv")
    assert (len(listing.photos), len(listing.findings)) == (count, count)


def test_it_does_not_import_tensorflow() -> None:
    code = "import sys, trainer.data.listing; print({'tensorflow', 'keras', 'torch'} & {*sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def zipped(file: Path, *names: str) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name.removeprefix("./")), b"picture")
    return file
