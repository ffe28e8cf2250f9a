"""The page for people."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("sklearn", reason="the trainer is not set up here; make test-trainer sets it up")

from edgecam import config
from tests.trainer import pictures
from tests.trainer.report import sample
from tests.trainer.report.browser import width_needed
from trainer.data.listing import Photo
from trainer.report import page

if TYPE_CHECKING:
    from trainer.report.report import Report

MODEL = Path("my models/mine/model.tflite")
PHONE = 360
LONG = tuple(f"a class with a rather long name, and_with_no_place_to_break_{at}" for at in range(100))


def photographs(folder: Path, each: int) -> list[Photo]:
    return [
        Photo(path, label, "test")
        for label, name in enumerate(pictures.CLASSES)
        for path in pictures.save(folder / name, name, range(each))
    ]


def heading(text: str) -> int:
    return text.index(f"<h2>{text}</h2>")


def html(report: Report) -> str:
    return page.page(report, MODEL, ())


def test_it_is_called_as_the_classes() -> None:
    text = html(sample.report(("cat", "dog", "nothing"), 30))
    assert "<title>cat, dog, nothing</title>" in text
    assert "<h1>cat, dog, nothing</h1>" in text
    assert page.title(LONG).endswith(" and 99 more")


def test_few_photographs_give_no_large_green_figure() -> None:
    text = html(sample.report(("cat", "dog", "nothing"), 4))
    (card,) = re.findall(r'<div class="main[^"]*">(.*?)</div>', text)
    assert re.fullmatch(r"<b>\d+ of 12</b>test photographs told rightly: too few to tell. .* from \d+ to \d+ %\.", card)
    assert "%</b>accuracy" not in text


def test_an_accuracy_has_its_interval() -> None:
    text = html(sample.report(("cat", "dog", "nothing"), 100))
    assert re.search(r"<b>9\d\.\d %</b>accuracy on 300 test photographs; with 95 % confidence \d+ to \d+ %", text)
    assert "too few" not in text


def test_classes_stand_above_remedies_and_how_to_run_it_above_both_curves() -> None:
    text = html(sample.report(("cat", "dog"), 30))
    order = [text.index(f"<h2>{name}</h2>") for name in ("Accuracy per class", "How to run this", "Conversion to int8")]
    assert order == sorted(order)


def test_what_is_to_be_pasted_is_toml() -> None:
    text = html(sample.report(('the "big" one', "Köter", "a.b"), 30))
    settings = next(block for block in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL) if "[events" in block)
    told = tomllib.loads(settings.replace("&#34;", '"'))
    assert told["events"]["neutral"] == ["background"]
    assert {*told["events"]["thresholds"]} == {'the "big" one', "Köter", "a.b"}


def test_what_is_to_be_pasted_fits_into_the_shipped_settings_as_the_page_says(tmp_path: Path) -> None:
    text = html(sample.report(("cat", "dog"), 30))
    assert "under the heading of that name and in place of the line of that name" in text
    settings = next(block for block in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL) if "[events" in block)
    general, _, thresholds = settings.replace("&#34;", '"').partition("[events.thresholds]\n")
    neutral = general.removeprefix("[events]\n").strip()
    shipped = (Path(__file__).parents[3] / "config.toml").read_text("utf-8")
    changed = re.sub(r"^neutral = .*$", neutral, shipped, flags=re.MULTILINE)
    changed = changed.replace("[events.thresholds]\n", f"[events.thresholds]\n{thresholds}")
    (tmp_path / "config.toml").write_text(changed, "utf-8")
    events = config.load(tmp_path / "config.toml").events
    assert (events.neutral, {*events.thresholds}) == (("background",), {"cat", "dog"})


def test_commands_can_be_typed_though_a_folder_has_a_space() -> None:
    text = html(sample.report(("cat", "dog"), 30)).replace("&#39;", "'")
    assert "run --set 'model.path=my models/mine/model.tflite'" in text
    assert "classify --model 'my models/mine/model.tflite' PICTURE.jpg" in text


def test_all_that_was_measured_is_shown(tmp_path: Path) -> None:
    photos = photographs(tmp_path, 30)
    text = page.page(sample.report(pictures.CLASSES, 30, photos), MODEL, photos)
    assert "expected calibration error" in text
    assert "before it was calibrated" in text
    assert "generic pictures that come with the trainer" in text
    assert all(name in text for name in sample.CONDITIONS)
    assert "original" in text
    assert "rewritten" in text
    assert "McNemar" in text
    assert "no two classes are confused" in text
    assert "Probably in the wrong folder" in text
    assert text.count("data:image/jpeg") >= 3


def test_a_picture_that_is_gone_does_not_cost_the_page(tmp_path: Path) -> None:
    photos = photographs(tmp_path, 30)
    report = sample.report(pictures.CLASSES, 30, photos)
    for name in pictures.CLASSES:
        shutil.rmtree(tmp_path / name)
    assert "no longer there" in page.page(report, MODEL, photos)


def test_names_are_shown_as_they_are_whatever_is_in_them() -> None:
    names = ("<b>", "$a_b$ and $", "猫", "🐱")
    text = html(sample.report(names, 30))
    assert "<b><b>" not in text
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    for name in ("&lt;b&gt;", "$a_b$ and $", "猫", "🐱"):
        assert f">{name}</text>" in drawn


@pytest.mark.parametrize("classes", [("cat", "dog"), LONG[:40], LONG], ids=["few", "forty", "hundred"])
def test_nothing_runs_off_a_phone(classes: tuple[str, ...], tmp_path: Path) -> None:
    photos = [Photo(Path("/a_path/" + "of_nothing_but_one_word" * 8 + ".jpg"), 0, "test")] * 8 * len(classes)
    report = sample.report(classes, 8, photos, settings={"weights": "/" + "x" * 200}, machine="a machine " * 9)
    assert width_needed(page.page(report, MODEL, photos), PHONE, tmp_path) <= PHONE
