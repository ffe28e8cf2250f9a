"""Labels as people have them: every format, wherever it lies, and what is told where they do not fit."""

from __future__ import annotations

import codecs
import csv
import io
import json
import logging
import os
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are not installed
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgecam import config
from edgecam.daemon.pipeline import announce, make_pipelines
from edgecam.errors import ModelError
from edgecam.model import metadata
from edgecam.model.classifier import Classifier, fingerprint
from edgecam.model.labels import files as label_files
from edgecam.model.labels.formats import MAX_BYTES, MAX_LENGTH, Reading, parse, readings
from tests import tflite
from trainer.quantisation.metadata import with_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGITS = tuple("0123456789")
LINES = "a label a line"
NUMBERED = "an index and a label a line"
QUOTED = "a label in quotes a line"

# Of what is in a labels.txt: what is meant, and as which form it is understood.
TEXTS: dict[bytes, tuple[tuple[str, ...], str]] = {
    b"cat\ndog\n": (("cat", "dog"), LINES),
    b"\n \ncat\ndog\n\n\n": (("cat", "dog"), LINES),
    b"  cat \r\n\tdog\r\n": (("cat", "dog"), LINES),
    b"cat\rdog": (("cat", "dog"), LINES),
    b"cat\r\r\ndog\r\r\n": (("cat", "dog"), LINES),
    codecs.BOM_UTF8 + b"cat\ndog": (("cat", "dog"), LINES),
    "kočka\r\npes\r\n".encode("utf-16"): (("kočka", "pes"), LINES),
    codecs.BOM_UTF16_BE + "猫\n犬".encode("utf-16-be"): (("猫", "犬"), LINES),
    b"cat\n\ndog": (("cat", "class 1", "dog"), f"{LINES}, some of them blank"),
    # Numbers in front of each
    b"0 cat\n1 dog\n": (("cat", "dog"), NUMBERED),
    b"0  background\n1  tench": (("background", "tench"), NUMBERED),
    b"0\tcat\n1\tdog": (("cat", "dog"), NUMBERED),
    b"0,cat\n1,dog": (("cat", "dog"), NUMBERED),
    b"0: cat\n1: hot dog": (("cat", "hot dog"), NUMBERED),
    b"0:cat\n1:dog": (("cat", "dog"), NUMBERED),
    b"0;cat\n1;dog": (("cat", "dog"), NUMBERED),
    b"0 - cat\n1 - dog": (("cat", "dog"), NUMBERED),
    b"1. cat\n2. dog": (("cat", "dog"), NUMBERED),
    b"1) cat\n2) dog": (("cat", "dog"), NUMBERED),
    b"1 cat\n2 dog": (("cat", "dog"), NUMBERED),
    b"00 cat\n01 dog": (("cat", "dog"), NUMBERED),
    b"0 cat\n\n1 dog\n": (("cat", "dog"), NUMBERED),
    b"0 0\n1 1\n2 blue": (("0", "1", "blue"), NUMBERED),
    b"cat: 0\ndog: 1": (("cat", "dog"), "a label and an index a line"),
    b"cat,0\nhot dog,1": (("cat", "hot dog"), "a label and an index a line"),
    "\n".join(f"{place}  {place * 7}x" for place in range(12)).encode(): (
        tuple(f"{place * 7}x" for place in range(12)),
        NUMBERED,
    ),
    # and numbers that are names
    "\n".join([*DIGITS, "blue", "+2"]).encode(): ((*DIGITS, "blue", "+2"), LINES),
    "\n".join(DIGITS).encode(): (DIGITS, LINES),
    b"1 euro\n2 euro\n5 euro": (("1 euro", "2 euro", "5 euro"), LINES),
    b"1 euro\n2 euro": (("1 euro", "2 euro"), LINES),
    b"0 fingers\n1 finger\n2 fingers\n3 fingers": (("0 fingers", "1 finger", "2 fingers", "3 fingers"), LINES),
    b"101 dalmatians\ncat": (("101 dalmatians", "cat"), LINES),
    b"1 euro": (("1 euro",), LINES),
    b"0 cat\ndog": (("0 cat", "dog"), LINES),
    b"0 cat\n2 dog": (("0 cat", "2 dog"), LINES),
    b"1 dog\n0 cat": (("1 dog", "0 cat"), LINES),
    b"0 cat\n1": (("0 cat", "1"), LINES),
    b"0.5 l\n1.5 l": (("0.5 l", "1.5 l"), LINES),
    b"zone 0\nzone 1": (("zone 0", "zone 1"), LINES),
    b"0_cat\n1_dog": (("0_cat", "1_dog"), LINES),
    # Quotes
    b"\"cat\"\n'dog'": (("cat", "dog"), QUOTED),
    b'"cat",\n"dog"\n': (("cat", "dog"), QUOTED),
    b"'king''s'\n\"say \\\"a\\\"\"": (("king's", 'say "a"'), QUOTED),
    b"b'cat'\nb'd\\xc3\\xb6g'": (("cat", "dög"), QUOTED),
    b"0 'cat'\n1 'dog'": (("cat", "dog"), "an index and a label in quotes a line"),
    b"'cat'\ndog": (("'cat'", "dog"), LINES),
    # ImageNet's
    b"n01440764 tench, Tinca tinca\nn01443537 goldfish": (
        ("tench, Tinca tinca", "goldfish"),
        "a synset and a label a line",
    ),
    b"0 n01440764 tench\n1 n01443537 goldfish": (("tench", "goldfish"), "an index, a synset and a label a line"),
    b"n01440764\nn01443537": (("n01440764", "n01443537"), LINES),
    # All in a line, and what Python prints
    b"cat, hot dog, bird\n": (("cat", "hot dog", "bird"), "labels in one line"),
    b"'cat','dog'": (("cat", "dog"), "labels in one line"),
    b"['cat', 'dog']": (("cat", "dog"), "a Python list"),
    b"['cat' 'dog'\n 'bird']": (("cat", "dog", "bird"), "a Python list"),
    b"[cat, dog]": (("cat", "dog"), "a Python list"),
    b'["cat", "dog"]': (("cat", "dog"), "a JSON list"),
    b"{'dog': 1, 'cat': 0}": (("cat", "dog"), "a Python map of indices"),
    b"{0: 'cat', 1: \"dog's\"}": (("cat", "dog's"), "a Python map of names"),
    b"[background]\ncat": (("[background]", "cat"), LINES),
    b"index,name\n1,dog\n0,cat": (("cat", "dog"), "a table with an index and a label a line below a heading"),
    b'item {\n  id: 1\n  name: \'cat\'\n}\nitem {\n  name: "/m/1" id: 2 display_name: "dog"\n}': (
        ("cat", "dog"),
        "a TensorFlow label map",
    ),
    # What a terminal or a broker would not bear
    b"cat\x1b[2J\nhot\tdog\x07": (("cat?[2J", "hot dog?"), LINES),
    "\u202ecat\u202c\ndog\ufeff\nfa\u200crsi".encode(): (("cat", "dog", "fa\u200crsi"), LINES),
}

# Of what is in a file of this name.
FILES: list[tuple[str, str, tuple[str, ...], str]] = [
    ("a.json", '["cat", "dog"]', ("cat", "dog"), ""),
    ("a.json", '{"0": "cat", "1": "dog"}', ("cat", "dog"), ""),
    ("a.json", '{"2": "dog", "1": "cat"}', ("cat", "dog"), ""),
    ("a.json", '{"dog": 1, "cat": 0}', ("cat", "dog"), ""),
    ("a.json", '{"0": 0, "1": 1, "10": 2, "2": 3}', ("0", "1", "10", "2"), ""),
    ("a.json", '{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}', ("tench", "goldfish"), ""),
    ("a.json", '{"class_names": ["cat", "dog"], "size": 224}', ("cat", "dog"), ""),
    ("a.json", '{"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}}', ("cat", "dog"), ""),
    ("a.json", '{"classes": 2, "labels": ["cat", "dog"]}', ("cat", "dog"), ""),
    ("a.json", '[{"id": 1, "name": "dog"}, {"id": 0, "name": "cat"}]', ("cat", "dog"), ""),
    ("a.json", '[{"label": "cat"}, {"label": "dog"}]', ("cat", "dog"), ""),
    ("a.json", '[[0, "cat"], [1, "dog"]]', ("cat", "dog"), ""),
    ("a.JSON", "[0, 1, 2.5]", ("0", "1", "2.5"), ""),
    ("metadata.json", '{"names": {"0": "cat", "1": "dog"}}', ("cat", "dog"), "yolo"),
    ("temp_meta.txt", "{'task': 'classify', 'at': 9.5, 'names': {0: 'cat', 1: 'dog'}}", ("cat", "dog"), "yolo"),
    ("signature.json", '{"inputs": {}, "classes": {"Label": ["cat", "dog"]}}', ("cat", "dog"), "lobe"),
    ("signature.json", '{"classes": {"label": ["cat", "dog"]}}', ("cat", "dog"), "lobe"),
    ("a.yaml", "names: ['cat', \"dog\"]", ("cat", "dog"), ""),
    ("a.yaml", "names: [cat,\n  hot dog]  # two\nnc: 2", ("cat", "hot dog"), ""),
    ("a.yml", "# mine\ntrain: ../a\nnames:\n  0: cat # small\n  1: 'king''s: dog'\nnc: 2", ("cat", "king's: dog"), ""),
    ("a.yaml", 'names:\n- cat\n- "d\\xF6g"\nother:\n- x', ("cat", "dög"), ""),
    (
        "a.yaml",
        "%YAML 1.1\n---\n- cat\n- a very long\n  name\n- no\n- 007",
        ("cat", "a very long name", "no", "007"),
        "",
    ),
    ("a.yaml", "0: cat\n1: C# at 9:30", ("cat", "C# at 9:30"), ""),
    ("a.yaml", "cat: 0\ndog: 1", ("cat", "dog"), ""),
    ("a.yaml", "names: {0: cat, 1: dog}", ("cat", "dog"), ""),
    ("metadata.yaml", "task: classify\nimgsz:\n- 64\n- 64\nnames:\n  0: cat\n  1: dog", ("cat", "dog"), "yolo"),
    ("a.csv", "id,name\n2,background\n0,Aix sponsa\n1,Anas", ("Aix sponsa", "Anas", "background"), ""),
    ("a.csv", "index;label\n0;cat\n1;dog", ("cat", "dog"), ""),
    ("a.tsv", "0\tcat\n1\tdog", ("cat", "dog"), ""),
    ("a.csv", '1,"dog, ""hot"""\n0,cat', ("cat", 'dog, "hot"'), ""),
    ("a.csv", "0,tench, Tinca tinca\n1,goldfish", ("tench, Tinca tinca", "goldfish"), ""),
    ("a.csv", "cat,0\ndog,1", ("cat", "dog"), ""),
    ("a.csv", "0,0\n1,1\n2,2", ("0", "1", "2"), ""),
    ("a.csv", "index,mid,display_name\n0,/m/1,Speech\n1,/m/2,Music", ("Speech", "Music"), ""),
    ("a.csv", "0,n01440764,tench\n1,n01443537,goldfish", ("tench", "goldfish"), ""),
    ("a.csv", "label\ncat\ndog", ("cat", "dog"), ""),
    ("a.csv", "name,colour\ncat,grey\ndog,brown", ("cat", "dog"), ""),
    ("a.names", "cat\ndog\n", ("cat", "dog"), ""),
]

REFUSED: list[tuple[str, bytes, str]] = [
    ("labels.txt", b"", "it is empty"),
    ("labels.txt", b"\n \r\n", "it is empty"),
    ("labels.txt", b"caf\xe9", "not UTF-8 text (byte 3); save it as UTF-8 text"),
    ("labels.txt", b"\xff\xfea", "not UTF-16 text (byte 2); save it as UTF-8 text"),
    ("labels.txt", b"cat\0", "no text; name a file with a label a line in model.labels"),
    ("labels.txt", b"a" * (MAX_LENGTH + 1), "a label of 256 characters"),
    ("labels.txt", b"a\n" * 100_002, "more than 100000 lines"),
    ("labels.txt", b"a" * (MAX_BYTES + 1), "larger than 4 MB; is it a file of labels?"),
    ("a.json", b"{", "no JSON: Input data was truncated"),
    ("a.json", b"[" * 100_000, "no JSON: "),
    ("a.json", b"{}", "no labels in it"),
    ("a.json", b"[]", "no labels in it"),
    ("labels.txt", b'["cat", "dog"', "it begins as JSON does, but no labels can be read so; is a bracket"),
    ("labels.txt", b"{'cat': 0\n'dog': 1}", "it begins as JSON does, but no labels can be read so"),
    ("labels.txt", b'{"size": {"width": 224}}', "it begins as JSON does, but no labels can be read so"),
    ("a.json", b"7", "no labels in it"),
    ("a.json", b'{"size": [224, 224]}', "no labels in it (such as a list under names, labels or classes)"),
    ("a.json", b'{"0": "cat", "2": "dog"}', "the indices of its 2 labels are not 0 to 1"),
    ("a.json", b'[{"name": "cat", "id": 0}, {"name": "dog"}]', "a label in it has no index"),
    ("a.json", b"[true, null]", "a label in it is no text"),
    ("a.json", b"[" + b"9" * 10_000 + b"]", "no JSON: Integer value out of range"),
    ("a.yaml", b"names: &cats\n- cat", "not understood: '&cats'"),
    ("a.yaml", b"names:\n  0: cat\n  dog", "not understood: 'dog'"),
    ("a.yaml", b"names: [cat, dog", "not understood: ''"),
    ("a.yaml", b"names: [cat] dog", "not understood: 'dog'"),
    ("a.yaml", b"names:\n  - |\n    cat", "not understood: '| cat'"),
    ("a.yaml", b"train: x", "no labels in it"),
    ("a.yaml", b"names: " + b"[" * 100, "not understood: '"),
    ("a.pbtxt", b"item { id: 1 }", "a label in it is no text"),
    ("a.pbtxt", b"cat", "no labels in it"),
]


@pytest.mark.parametrize("content", TEXTS, ids=lambda content: repr(content[:40]))
def test_a_text_is_understood_as_it_is_meant(content: bytes) -> None:
    found = parse(content, "labels.txt")
    assert (found.labels, found.form) == TEXTS[content]


@pytest.mark.parametrize(("name", "content", "labels", "maker"), FILES)
def test_a_file_is_read_by_its_kind(name: str, content: str, labels: tuple[str, ...], maker: str) -> None:
    found = parse(content.encode(), name)
    assert (found.labels, found.maker) == (labels, maker)


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED, ids=lambda value: repr(value[:30]))
def test_what_holds_no_labels_is_refused_in_a_line(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(content, name)
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "is_it"),
    [
        ("0 cat\n1 hot dog\n", True),
        ("0 cat\r\n1 dog", True),
        ("0  cat\n1  dog", False),
        ("0,cat\n1,dog", False),
        ("1 cat\n2 dog", False),
        ("0 'cat'\n1 'dog'", False),
        ("cat\ndog", False),
    ],
)
def test_teachable_machines_labels_are_known_by_their_form(content: str, *, is_it: bool) -> None:
    found = parse(content.encode(), "labels.txt")
    assert (found.is_numbered, found.maker == "teachable machine") == (is_it, is_it)


# Names of things: printable, of which no part could be taken for a number, a quote, a bracket or a separator.
words = st.from_regex(r"[A-Za-zÀ-ÿ猫犬](?:[A-Za-z0-9À-ÿ猫犬&+.() -]{0,12}[A-Za-z0-9À-ÿ猫犬])?", fullmatch=True).filter(
    lambda word: (
        word.casefold() not in {"name", "names", "label", "labels", "class", "classes", "category", "null"}
        and not word.startswith("n0")
    )
)
sets = st.lists(words, min_size=2, max_size=30, unique=True)
WRITERS: dict[str, Callable[[list[str]], str]] = {
    "labels.txt": "\n".join,
    "crlf.txt": lambda labels: "".join(f"{label}\r\n" for label in labels),
    "numbered.txt": lambda labels: "\n".join(f"{place} {label}" for place, label in enumerate(labels)),
    "from_1.txt": lambda labels: "\n".join(f"{place}: {label}" for place, label in enumerate(labels, 1)),
    "quoted.txt": lambda labels: "\n".join(f'"{label}"' for label in labels),
    "bytes.txt": lambda labels: "\n".join(repr(label.encode()) for label in labels),
    "python.txt": str,
    "indices.txt": lambda labels: str({label: place for place, label in enumerate(labels)}),
    "names.txt": lambda labels: str({"names": dict(enumerate(labels)), "stride": 1}),
    "a.json": json.dumps,
    "b.json": lambda labels: json.dumps({str(place): label for place, label in enumerate(labels)}, ensure_ascii=False),
    "c.json": lambda labels: json.dumps({label: place for place, label in enumerate(labels)}),
    "a.yaml": yaml.safe_dump,
    "b.yaml": lambda labels: yaml.safe_dump({"nc": len(labels), "names": labels, "at": [1, 2]}, allow_unicode=True),
    "c.yaml": lambda labels: yaml.safe_dump({"names": dict(enumerate(labels))}, width=20),
    "d.yaml": lambda labels: yaml.safe_dump(labels, default_flow_style=True, width=40),
}


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25)
@given(labels=sets)
def test_what_others_write_is_read(name: str, labels: list[str]) -> None:
    assert parse(WRITERS[name](labels).encode(), name).labels == tuple(labels)


texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf", "Zs")), min_size=1, max_size=20)


@given(st.lists(texts, min_size=1, max_size=10))
@example(["None", "null", "~", "yes"])
def test_any_text_comes_back_from_json_and_from_yaml(labels: list[str]) -> None:
    assert parse(json.dumps(labels).encode(), "labels.json").labels == tuple(labels)
    assert parse(yaml.safe_dump({"names": labels}, allow_unicode=True).encode(), "labels.yaml").labels == tuple(labels)


@given(
    order=st.permutations(range(8)),
    labels=st.lists(texts, min_size=8, max_size=8),
    delimiter=st.sampled_from(",;\t"),
    heading=st.booleans(),
)
def test_a_table_is_sorted_by_its_index(order: list[int], labels: list[str], delimiter: str, *, heading: bool) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([("id", "name")] if heading else [])
    writer.writerows((place, labels[place]) for place in order)
    assert parse(file.getvalue().encode(), "labels.csv").labels == tuple(labels)


NAMES = ["labels.txt", "a.json", "a.yaml", "a.csv", "a.tsv", "a.pbtxt", "signature.json", "metadata.json", ""]
scraps = st.lists(
    st.sampled_from(
        [*"[]{}:,'\"\n\r\t #-0123|&\\", "names:", "names", "id", "item {", "  ", "b'", "\\x41", "cat", "dog"]
    )
).map("".join)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["names", "classes", "Label"]), inner),
    max_leaves=8,
)


@settings(max_examples=200)
@given(
    st.one_of(st.binary(), st.text().map(str.encode), scraps.map(str.encode), trees.map(json.dumps).map(str.encode)),
    st.sampled_from(NAMES),
)
def test_any_content_is_read_or_refused_in_a_line(content: bytes, name: str) -> None:
    try:
        found = readings(content, name)
    except ModelError as error:
        assert "\n" not in str(error)
        return
    for reading in found:
        assert reading.labels
        assert all(label and "\n" not in label and "\0" not in label for label in reading.labels)


def load(path: Path, **told: Any) -> Classifier:
    return Classifier(config.ModelSettings(path=str(path), **told))


def model(folder: Path, classes: int = 3) -> Path:
    return tflite.saved(folder, tflite.classifier("uint8", classes=classes), labels=None)


def labelled(labels: tuple[str, ...] = tflite.COLOURS) -> bytes:
    return with_metadata(
        tflite.classifier("uint8"), name="", description="", licence="", labels=labels, mean=127.5, std=127.5
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.txt", "red\ngreen\nblue"),
        ("model_labels.txt", "0 red\n1 green\n2 blue"),
        ("labels.txt", "\ufeffred\r\ngreen\r\nblue\r\n"),
        ("Labels.TXT", "red\ngreen\nblue"),
        ("labelmap.txt", "0  red\n1  green\n2  blue"),
        ("label_map.txt", "red\ngreen\nblue"),
        ("dict.txt", "red\ngreen\nblue"),
        ("classes.txt", "red\ngreen\nblue"),
        ("class_names.txt", "red\ngreen\nblue"),
        ("signature.json", '{"classes": {"Label": ["red", "green", "blue"]}}'),
        ("class_names.json", '["red", "green", "blue"]'),
        ("labels.json", '{"0": "red", "1": "green", "2": "blue"}'),
        ("class_indices.json", '{"blue": 2, "green": 1, "red": 0}'),
        ("data.yaml", "nc: 3\nnames: [red, green, blue]"),
        ("metadata.yaml", "names:\n  0: red\n  1: green\n  2: blue"),
        ("labels.csv", "index,name\n2,blue\n0,red\n1,green"),
        ("model.names", "red\ngreen\nblue"),
        ("labelmap.pbtxt", "".join(f"item {{ id: {at} name: '{name}' }}\n" for at, name in enumerate(tflite.COLOURS))),
    ],
)
def test_labels_are_found_beside_a_model(tmp_path: Path, name: str, content: str) -> None:
    path = model(tmp_path)
    (tmp_path / name).write_text(content)
    found = load(path).labels
    assert (found.labels, found.place) == (tflite.COLOURS, str(tmp_path / name))
    assert [*label_files.beside(path)] == [tmp_path / name]


@pytest.mark.parametrize(
    ("name", "content", "maker"),
    [
        ("metadata.json", '{"names": {"0": "red", "1": "green", "2": "blue"}}', "yolo"),
        ("temp_meta.txt", "{'names': {0: 'red', 1: 'green', 2: 'blue'}, 'imgsz': [32, 24]}", "yolo"),
        ("labels.txt", "red\ngreen\nblue\n", ""),
        ("labelmap.txt", "red\ngreen\nblue\n", ""),
        ("dict.txt", "red\ngreen\nblue\n", ""),
        ("assets/my_labels.txt", "0 red\n1 green\n2 blue\n", "teachable machine"),
    ],
)
def test_labels_are_found_behind_a_model_though_no_metadata_name_them(
    tmp_path: Path, name: str, content: str, maker: str
) -> None:
    path = model(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("LICENSE.txt", "as you like")
        archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    found = load(path).labels
    assert (found.labels, found.place, found.maker) == (tflite.COLOURS, f"{name} in it", maker)


def test_those_in_the_metadata_are_read_as_those_in_files(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(labelled(("0 red", "1 green", "2 blue")))
    (tmp_path / "labels.txt").write_text("a\nb\nc")
    assert load(path).labels == label_files.FoundLabels(
        tflite.COLOURS, "its metadata", NUMBERED, is_numbered=True, maker="teachable machine"
    )


def test_the_first_that_fits_is_taken(tmp_path: Path) -> None:
    path = model(tmp_path)
    (tmp_path / "model.txt").write_text("notes on the training")
    (tmp_path / "labels.txt").write_text("cat\ndog")
    (tmp_path / "labels.json").write_text("{")
    (tmp_path / "dict.txt").write_text("red\ngreen\nblue")
    assert load(path).labels.place == str(tmp_path / "dict.txt")
    (tmp_path / "dict.txt").unlink()
    with pytest.raises(ModelError, match=r"/model\.txt: 1 label \(a label a line\), but the model has 3 scores; "):
        load(path)


def test_blank_lines_count_only_where_the_number_fits_with_them(tmp_path: Path) -> None:
    for classes, labels in ((3, ("red", "class 1", "blue")), (2, ("red", "blue"))):
        path = model(tmp_path, classes)
        (tmp_path / "labels.txt").write_text("red\n\nblue\n")
        assert load(path).classes == labels


@pytest.mark.parametrize(
    ("content", "classes", "told"),
    [
        (
            "0 cat\n1 dog\n2 hen",
            4,
            (
                "3 labels (an index and a label a line), but the model has 4 scores; name the file with a line for "
                "each score in model.labels"
            ),
        ),
        (
            "\n".join(f"c{place}" for place in range(1000)),
            1001,
            (
                "1000 labels (a label a line), but the model has 1001 scores; its first score is probably that of the "
                "background: begin the labels with a line 'background'"
            ),
        ),
        (
            "\n".join(["background", *(f"c{place}" for place in range(1000))]),
            1000,
            (
                "1001 labels (a label a line), but the model has 1000 scores; 'background' is probably the background, "
                "which it lacks: leave the first line out"
            ),
        ),
    ],
)
def test_another_number_is_told_with_the_file_its_form_and_both_counts(
    tmp_path: Path, content: str, classes: int, told: str
) -> None:
    path = model(tmp_path, classes)
    (tmp_path / "mine.txt").write_text(content)
    with pytest.raises(ModelError) as caught:
        load(path, labels=str(tmp_path / "mine.txt"))
    assert str(caught.value) == f"{path}: {tmp_path}/mine.txt: {told}"
    assert caught.value.remedy == told.partition("; ")[2]


def found_for(count: int, content: str, folder: Path) -> tuple[str, ...]:
    (folder / "labels.txt").write_text(content)
    return label_files.find(config.ModelSettings(), folder / "model.tflite", count, None, {}).labels


def test_one_score_takes_one_label_or_two(tmp_path: Path) -> None:
    assert found_for(1, "closed\nopen", tmp_path) == ("closed", "open")
    assert found_for(1, "closed, open", tmp_path) == ("closed", "open")
    assert found_for(1, "open", tmp_path) == ("open",)
    with pytest.raises(
        ModelError, match=r"3 labels \(a label a line\), but the model has 1 score; name a file with two"
    ):
        found_for(1, "a\nb\nc", tmp_path)


def test_a_heading_is_no_label_where_the_number_would_fit_with_it(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("index,name\n0,cat\n1,dog\n")
    with pytest.raises(ModelError, match=r"labels\.csv: 2 labels \(a table with an index and a label a line below a"):
        load(model(tmp_path))


@pytest.mark.parametrize("name", ["", "labels.txt"])
def test_lobes_mark_counts_whichever_of_its_files_has_the_labels(tmp_path: Path, name: str) -> None:
    path = model(tmp_path)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue")
    (tmp_path / "signature.json").write_text('{"classes": {"Label": ["red", "green", "blue"]}}')
    assert load(path, labels=name and str(tmp_path / name)).labels.maker == "lobe"
    (tmp_path / "signature.json").write_text('{"classes": {"Label": ["another", "model", "\'s"]}}')
    (tmp_path / "model.txt").write_text("red\ngreen\nblue")
    assert load(path).labels.maker == ""


def test_a_model_without_labels_is_refused_and_a_likely_file_named(tmp_path: Path) -> None:
    path = model(tmp_path)
    with pytest.raises(
        ModelError, match=r"no labels in it, nor in model\.txt, labels\.txt or the like .*; name a file"
    ):
        load(path)
    (tmp_path / "labels_quant_224.txt").write_text("red\ngreen\nblue")
    with pytest.raises(ModelError, match=rf"; set model\.labels = {tmp_path}/labels_quant_224\.txt, if these are its"):
        load(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: None, "no such file or directory"),
        (lambda file: file.mkdir(), "is a directory"),
        (os.mkfifo, "not a file"),
        (lambda file: file.symlink_to("/dev/zero"), "not a file"),
        (lambda file: file.write_bytes(tflite.classifier()), "no"),
        (lambda file: file.write_bytes(b"a\n" * MAX_BYTES), "larger than 4 MB"),
    ],
    ids=["missing", "folder", "pipe", "device", "model", "large"],
)
def test_a_named_file_that_cannot_be_read_is_told(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    file = tmp_path / "mine.txt"
    make(file)
    with pytest.raises(ModelError) as caught:
        load(model(tmp_path), labels=str(file))
    assert str(caught.value).startswith(f"{tmp_path}/model.tflite: {file}: {reason}")
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def archived(content: bytes, name: str = "labels.txt", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO(tflite.classifier("uint8"))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, content, method)
    return file.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_files_behind_a_model_that_unpack_to_much_are_left_out(method: int) -> None:
    bomb = archived(b"\0" * 40_000_000, method=method)
    size = bomb.rindex(b"PK\1\2") + 24
    lies = bomb[:size] + (100).to_bytes(4, "little") + bomb[size + 4 :]
    for content in (bomb, lies):
        assert all(len(file) <= MAX_BYTES for file in metadata.read_metadata(content).files.values())


def test_only_files_with_likely_names_are_unpacked() -> None:
    assert metadata.read_metadata(archived(b"cat", "vocab.txt")).files == {}
    assert metadata.read_metadata(archived(b"cat", "a/LabelMap.txt")).files == {"a/LabelMap.txt": b"cat"}


def test_labels_that_metadata_name_but_that_are_missing_may_lie_beside(tmp_path: Path) -> None:
    content = labelled()
    path = tflite.saved(tmp_path, content[: content.index(b"PK\3\4")])
    assert load(path).labels.place == str(tmp_path / "model.txt")


def test_a_file_of_labels_that_comes_or_changes_changes_the_fingerprint(tmp_path: Path) -> None:
    told = config.ModelSettings(path=str(model(tmp_path)))
    found = [fingerprint(told)]
    for content in ("red\ngreen\nblue", "a\nb\nc"):
        (tmp_path / "dict.txt").write_text(content)
        found.append(fingerprint(told))
    assert len({*found}) == 3


def test_a_file_of_labels_by_another_name_changes_the_fingerprint(tmp_path: Path) -> None:
    """By its name it is known whose model it is, and how it is to be read."""
    told = config.ModelSettings(path=str(model(tmp_path)))
    labels = tmp_path / "labels.json"
    labels.write_text('{"names": ["red", "green", "blue"]}')
    before = fingerprint(told)
    labels.rename(tmp_path / "metadata.json")
    assert fingerprint(told) != before


@pytest.mark.timeout(10)
def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    fingerprint(config.ModelSettings(path=str(pipe), labels=str(pipe)))
    with pytest.raises(ModelError, match=r"model\.path: .*pipe: not a file"):
        Classifier(config.ModelSettings(path=str(pipe)))


def test_two_labels_of_one_name_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tflite.saved(tmp_path, tflite.classifier("uint8", classes=5), ["crane", "cat", "crane", "dog", "cat"])
    told = config.load(None, [f"model.path={path}"])
    with caplog.at_level(logging.WARNING):
        announce(make_pipelines(told))
    assert "several of the model's classes are called 'crane', 'cat': they count as one; give each" in caplog.text


def test_of_many_such_names_the_first_are_told() -> None:
    assert label_files.repeated(["a", "b"]) == ""
    assert "called '0', '1', '2' and 7 more: " in label_files.repeated([*DIGITS, *DIGITS])


def test_the_settings_name_any_format(tmp_path: Path) -> None:
    path = model(tmp_path)
    for name, content in (("a.yaml", "names: [x, y, z]"), ("a.csv", "0;x\n1;y\n2;z"), ("a.json", '["x", "y", "z"]')):
        (tmp_path / name).write_text(content)
        assert load(path, labels=str(tmp_path / name)).classes == ("x", "y", "z")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.binary(max_size=200) | scraps.map(str.encode), name=st.sampled_from(label_files.BESIDE))
def test_any_file_beside_a_model_is_taken_or_refused_in_a_line(tmp_path: Path, content: bytes, name: str) -> None:
    file = tmp_path / name.format("model")
    file.write_bytes(content)
    try:
        found = label_files.find(config.ModelSettings(), tmp_path / "model.tflite", 2, None, {})
        assert len(found.labels) == 2
    except ModelError as error:
        assert "\n" not in str(error)
    finally:
        file.unlink()


def test_a_reading_is_what_it_says() -> None:
    assert readings(b"red\n\nblue", "labels.txt") == [
        Reading(("red", "class 1", "blue"), "a label a line, some of them blank"),
        Reading(("red", "blue"), "a label a line, blank ones left out"),
    ]
