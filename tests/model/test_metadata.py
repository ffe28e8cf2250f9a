"""What a model tells of itself in edgecam.json, a file in the archive behind it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecam import config
from edgecam.errors import ModelError
from edgecam.model.classifier import Classifier
from edgecam.model.metadata import OWN_FILE, OWN_MAX_BYTES, Metadata, read_metadata
from tests import tflite
from trainer.quantisation.metadata import with_metadata, with_own

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = tflite.classifier("uint8")
LABELLED = with_metadata(PLAIN, name="", description="", licence="", labels=tflite.COLOURS, mean=127.5, std=127.5)


def carrying(content: str | bytes, model: bytes = LABELLED) -> bytes:
    """A model with this edgecam.json."""
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(OWN_FILE, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def test_groups_and_neutral_labels_are_read() -> None:
    model = carrying('{"groups": {"warm": ["red", "rot"]}, "neutral": ["blue"]}')
    told = read_metadata(model)
    assert (told.groups, told.neutral) == ({"warm": ("red", "rot")}, ("blue",))
    assert tflite.labels_within(model) == tflite.COLOURS


def test_they_need_no_other_metadata(tmp_path: Path) -> None:
    path = tflite.saved(tmp_path, carrying('{"groups": {"warm": ["red"]}}', PLAIN))
    assert Classifier(config.ModelSettings(path=str(path))).groups == {"warm": ("red",)}


@pytest.mark.parametrize("model", [PLAIN, LABELLED], ids=["no archive", "no such file in it"])
def test_a_model_need_not_tell_them(model: bytes) -> None:
    told = read_metadata(model)
    assert (told.groups, told.neutral) == ({}, None)


def test_keys_that_a_later_edgecam_may_know_are_passed_over() -> None:
    told = read_metadata(carrying('{"fit": "crop", "thresholds": {"red": 0.4}, "graphs": ["original"], "new": {}}'))
    assert (told.groups, told.neutral) == ({}, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", f"{OWN_FILE}: Input data was truncated"),
        ("[]", f"{OWN_FILE}: Expected object, got array"),
        ('{"groups": {"warm": "red"}}', f"{OWN_FILE}: Expected array, got str - at $.groups"),
        ('{"neutral": [1]}', f"{OWN_FILE}: Expected str, got int - at $.neutral"),
        ('{"graphs": "original"}', f"{OWN_FILE}: Expected array | null, got str - at $.graphs"),
        ('{"groups": {"a": ["red"], "b": ["red"]}}', f"{OWN_FILE}: groups: red is in a and in b"),
        (b"\xff\xfe", "utf-8"),
        (" " * (OWN_MAX_BYTES + 1), f"{OWN_FILE} is larger than {OWN_MAX_BYTES} bytes"),
        ("[" * 100_000, f"{OWN_FILE}: "),
        ('{"later": ' + "[" * 100_000 + "]" * 100_000 + "}", f"{OWN_FILE}: "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        Classifier(config.ModelSettings(path=str(tflite.saved(tmp_path, carrying(content)))))
    assert str(caught.value).startswith(f"{tmp_path}/model.tflite: its metadata is broken (")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["groups", "neutral"]), inner),
    max_leaves=8,
)


@given(st.one_of(st.binary(), trees.map(json.dumps)))
def test_any_content_is_read_or_refused_in_words(content: Any) -> None:
    try:
        assert isinstance(read_metadata(carrying(content)), Metadata)
    except ModelError as error:
        assert "\n" not in str(error)


labels = st.text(min_size=1).filter(lambda text: text.isprintable())
groups = st.dictionaries(labels, st.lists(labels, unique=True), max_size=4).filter(
    lambda groups: sum(map(len, groups.values())) == len({label for members in groups.values() for label in members})
)


@given(groups, groups)
def test_what_the_trainer_writes_is_read_and_takes_the_place_of_what_was_there(
    first: dict[str, list[str]], second: dict[str, list[str]]
) -> None:
    model = with_own(with_own(LABELLED, {"groups": first}), {"groups": second})
    assert read_metadata(model).groups == {name: tuple(members) for name, members in second.items()}
    assert tflite.labels_within(model) == tflite.COLOURS
    assert model == with_own(LABELLED, {"groups": second})
    assert model.startswith(LABELLED[: LABELLED.index(b"PK\3\4")])


def test_what_else_a_model_tells_stays_when_groups_are_written() -> None:
    told = read_metadata(with_own(carrying('{"neutral": ["blue"], "fit": "crop"}'), {"groups": {"warm": ["red"]}}))
    assert (told.neutral, told.fit) == (("blue",), "crop")


def test_a_model_tells_how_a_picture_fits() -> None:
    assert read_metadata(LABELLED).fit is None
    assert read_metadata(with_own(LABELLED, {"fit": "letterbox"})).fit == "letterbox"
    with pytest.raises(ModelError, match=r"edgecam\.json: .*fit"):
        read_metadata(carrying('{"fit": "zoom"}'))


@pytest.mark.parametrize(
    ("told", "graphs"),
    [
        ("{}", None),
        ('{"graphs": ["original"]}', ("original",)),
        ('{"graphs": ["rewritten", "original"]}', ("original", "rewritten")),
        ('{"graphs": ["original", "of a later edgecam"]}', ("original",)),
        ('{"graphs": []}', ()),
    ],
)
@pytest.mark.parametrize("model", [PLAIN, LABELLED], ids=["no archive", "beside labels"])
def test_a_model_names_the_graphs_that_it_was_measured_with(
    model: bytes, told: str, graphs: tuple[str, ...] | None
) -> None:
    assert read_metadata(carrying(told, model)).graphs == graphs
