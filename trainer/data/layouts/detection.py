"""Exports that say where things are in pictures, not what pictures show: known, so that they are refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.data.findings import shown
from trainer.data.layouts.part_names import part_of
from trainer.data.layouts.table import BOXES, tables
from trainer.errors import InputError

if TYPE_CHECKING:
    from trainer.data.layouts.tree import Folder

CSV = "_annotations.csv"
NAMES = {
    "_annotations.coco.json": "COCO",
    "_annotations.createml.json": "CreateML",
    "_annotations.txt": "YOLO",
    "_darknet.labels": "YOLO",
    CSV: "a CSV of boxes",
}
ENDINGS = {".tfrecord": "TFRecord"}
TWINS = {".xml": "Pascal VOC", ".txt": "YOLO"}  # beside each picture, of its name
COCO = ("instances_", "person_keypoints_")


def refuse(root: Folder) -> None:
    """Refuse an export with boxes.

    Raises:
        InputError: it is one.
    """
    places = [root, *(folder for folder in root.folders if part_of(folder.name))]
    kind = next((kind for place in places if (kind := _by_names(place) or _by_folders(place))), "") or _by_tables(root)
    if kind:
        message = (
            f"{shown(root.path)}: an export for object detection ({kind}), which says where things are and not what a "
            "picture shows; export it as classification, a folder a class"
        )
        raise InputError(message)


def _by_names(place: Folder) -> str:
    for file in place.files:
        name = file.name.lower()
        kind = NAMES.get(name) or next((kind for end, kind in ENDINGS.items() if name.endswith(end)), "")
        if kind:
            return kind
    return next((kind for ending, kind in TWINS.items() if _has_twins(place, ending)), "")


def _by_folders(place: Folder) -> str:
    folders = {folder.name.casefold(): folder for folder in place.folders}
    annotations = folders.get("annotations")
    if "images" in folders and "labels" in folders and _ends(folders["labels"], ".txt"):
        return "YOLO"
    if annotations and ("jpegimages" in folders or ("images" in folders and _ends(annotations, ".xml"))):
        return "Pascal VOC"
    return "COCO" if annotations and any(file.name.startswith(COCO) for file in annotations.files) else ""


def _by_tables(root: Folder) -> str:
    found = tables(root)
    if any("pixelvalue" in table.header for table in found):
        return "masks of pixels"
    boxed = next((table for table in found if BOXES & {*table.header}), None)
    return f"boxes in {boxed.file.name}" if boxed else ""


def _has_twins(place: Folder, ending: str) -> bool:
    """Whether most pictures have a file of their name beside them."""
    names = {file.name.rpartition(".")[0] for file in place.files if file.name.lower().endswith(ending)}
    twins = sum(file.name.rpartition(".")[0] in names for file in place.pictures)
    return bool(names) and twins * 2 > len(place.pictures)


def _ends(folder: Folder, ending: str) -> bool:
    return any(file.name.lower().endswith(ending) for each in folder.walk() for file in each.files)
