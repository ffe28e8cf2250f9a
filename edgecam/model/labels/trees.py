"""Labels in lists and maps: JSON, YAML, Python's, and what makers of models wrap around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from edgecam.errors import ModelError
from edgecam.model.labels.literals import plain

# Under which names labels lie, in their plain form: most telling first.
KEYS = (
    "names",
    "classnames",
    "labelnames",
    "labels",
    "classes",
    "label",
    "categories",
    "id2label",
    "idx2label",
    "idxtoclass",
    "indextoname",
    "indextoclass",
    "classindices",
    "classtoidx",
    "label2id",
    "labelmap",
)
YOLO_KEYS = {"task", "stride", "imgsz"}
NAMES = ("displayname", "name", "label", "class", "classname", "title")  # of a label in a map of its own
INDICES = ("id", "index", "idx", "classid")
MAX_DEPTH = 4
ITEM = re.compile(r"\bitem\s*\{([^{}]*)\}")
FIELD = re.compile(r"""\b(id|name|display_name)\s*:\s*(?:([0-9]{1,9})|'([^'\n]*)'|"([^"\n]*)")""")


@dataclass(frozen=True, slots=True)
class Found:
    """Labels, the shape in which they lay, and a maker's mark: "", "yolo" or "lobe"."""

    labels: list[str]
    shape: str
    maker: str = ""


def labels_in(tree: Any, depth: int = 0) -> Found:
    """Find the labels in a list or map.

    Raises:
        ModelError: there are none, or not one an index.
    """
    if isinstance(tree, list) and tree:
        return _of_list(tree)
    if isinstance(tree, dict) and tree:
        keys = [_index(key) for key in tree]
        if not any(isinstance(value, int) for value in tree.values()) and None not in keys:
            return Found(_by_index(zip(keys, map(_name, tree.values()), strict=True)), "map of names")
        indices = [_index(value) for value in tree.values()]
        if None not in indices:
            return Found(_by_index(zip(indices, map(str, tree), strict=True)), "map of indices")
        if depth < MAX_DEPTH:
            return _wrapped(tree, depth)
    message = "no labels in it"
    raise ModelError(message)


def of_pbtxt(text: str) -> Found:
    """Read a label map of TensorFlow's: ``item { id: 1 name: 'cat' }``.

    Raises:
        ModelError: an item lacks its name or its number.
    """
    found = []
    for item in ITEM.findall(text):
        fields = {name: number or single or double for name, number, single, double in FIELD.findall(item)}
        found.append((_index(fields.get("id")), fields.get("display_name") or _name(fields.get("name"))))
    if not found:
        message = "no labels in it"
        raise ModelError(message)
    return Found(_by_index(found), "label map")


def _of_list(tree: list[Any]) -> Found:
    if all(isinstance(item, dict) for item in tree):
        maps = [_plain(item) for item in tree]
        names = [_name(next((each[key] for key in NAMES if key in each), None)) for each in maps]
        indices = [_index(next((each[key] for key in INDICES if key in each), None)) for each in maps]
        in_order = all(index is None for index in indices)
        return Found(names if in_order else _by_index(zip(indices, names, strict=True)), "list of maps")
    if all(isinstance(item, list) and len(item) == 2 and _index(item[0]) is not None for item in tree):  # noqa: PLR2004
        return Found(_by_index((_index(index), _name(name)) for index, name in tree), "list of pairs")
    return Found([_name(item) for item in tree], "list")


def _wrapped(tree: dict[Any, Any], depth: int) -> Found:
    keys = _plain(tree)
    for key in KEYS:
        inner = keys.get(key)
        if isinstance(inner, list | dict):
            found = labels_in(inner, depth + 1)
            maker = found.maker
            if key == "names" and YOLO_KEYS & {*keys}:
                maker = "yolo"
            elif key == "classes" and isinstance(inner, dict) and "label" in _plain(inner):
                maker = "lobe"
            return Found(found.labels, found.shape, maker)
    message = "no labels in it (such as a list under names, labels or classes)"
    raise ModelError(message)


def _plain(tree: dict[Any, Any]) -> dict[str, Any]:
    """The same with keys as they are compared; of two that are one, the first."""
    return {plain(key): value for key, value in reversed(tree.items())}


def _index(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else None


def _name(value: Any) -> str:
    """A label; Keras' index of ImageNet has a synset and a label for each."""
    if isinstance(value, list) and value:
        value = value[-1]
    if isinstance(value, dict):
        keys = _plain(value)
        value = next((keys[key] for key in NAMES if key in keys), None)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    message = "a label in it is no text"
    raise ModelError(message)


def _by_index(pairs: Any) -> list[str]:
    """Sort labels by their indices, which count from 0 or from 1."""
    found = [*pairs]
    indices = [index for index, _ in found]
    if None in indices:
        message = "a label in it has no index"
        raise ModelError(message)
    start = 1 if min(indices) == 1 else 0
    if sorted(indices) != [*range(start, start + len(found))]:
        message = f"the indices of its {len(found)} labels are not 0 to {len(found) - 1}"
        raise ModelError(message)
    return [name for _, name in sorted(found, key=lambda pair: int(pair[0]))]
