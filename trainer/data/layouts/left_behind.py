"""What lies among photographs and is none: what systems leave behind, and what the trainer itself has written."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.data.layouts.tree import Folder

# Of these nobody wants to be told.
NAMES = {
    "$recycle.bin",
    "#recycle",
    "#snapshot",
    "__macosx",
    "__pycache__",
    "@eadir",
    "@tmp",
    "@recycle",
    "_ds_store",
    ".ds_store",
    ".directory",
    ".fseventsd",
    ".gitignore",
    ".gitkeep",
    ".ipynb_checkpoints",
    ".keep",
    ".localized",
    ".nomedia",
    ".picasa.ini",
    ".spotlight-v100",
    ".temporaryitems",
    ".trashes",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "lost+found",
    "picasa.ini",
    "recycler",
    "system volume information",
    "thumbs.db",
}
RESOURCE_FORK = "._"
TRASH = ".trash-"
PICTURES = (
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .heic .heif .hif .avif .jp2 .ppm .pgm .pnm .mpo .dib .tga"
)
PICTURE_ENDINGS = frozenset(PICTURES.split())
DOCUMENTS = (
    ".txt .md .rst .html .htm .pdf .json .yaml .yml .xml .csv .tsv .url .py .ipynb .labels .toml .svg .log .docx"
)
DOCUMENT_ENDINGS = frozenset(DOCUMENTS.split())
OUTPUTS = {"trained", "converted", "compared"}  # the default folders of train, convert and compare
MODEL_AND_REPORT = {"model.tflite", "report.json"}


def is_left_behind(name: str) -> bool:
    """Whether a system left a file or folder of that name behind."""
    return name.casefold() in NAMES or name.startswith(RESOURCE_FORK) or name.casefold().startswith(TRASH)


def is_picture(name: str) -> bool:
    """Whether a name is that of a picture; what is one indeed, only its content tells."""
    stem, dot, ending = name.rpartition(".")
    return bool(stem) and f"{dot}{ending.lower()}" in PICTURE_ENDINGS


def is_document(name: str) -> bool:
    """Whether a file beside the classes says something of them, and is not meant to be one of the photographs."""
    path = PurePath(name)
    return path.suffix.lower() in DOCUMENT_ENDINGS or path.stem.casefold() in {"readme", "license", "licence"}


def is_output(folder: Folder) -> bool:
    """Whether the trainer has written a folder: a model with its report, several of them, or one to be."""
    names = {file.name for file in folder.files}
    if names >= MODEL_AND_REPORT or "comparison.json" in names:
        return True
    if folder.name in OUTPUTS:
        return not any(is_picture(file.name) for each in folder.walk() for file in each.files)
    return False
