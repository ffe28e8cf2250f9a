"""Models of each maker, with what docs/models.md says is to be set, give the scores that the maker's own way gives."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.command import edgecam
from tests.documents import ROOT
from tests.makers import MAKERS, SIZE

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "models.md").read_text("utf-8")
COMMANDS = {
    re.search(r"--model (\S+?)/", command)[1]: shlex.split(command)[2:]  # type: ignore[index]
    for command in re.findall(r"^edgecam classify photos .*$", PAGE, re.MULTILINE)
}


def test_the_page_has_a_command_for_each_maker() -> None:
    assert set(COMMANDS) == set(MAKERS)


@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_shown_gives_the_makers_own_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: str) -> None:
    made = MAKERS[maker]
    made.save(tmp_path / maker)
    (tmp_path / "photos").mkdir()
    pictures = {}
    for name, colour in (("orange", (250, 120, 10)), ("sea", (20, 90, 160)), ("dusk", (40, 30, 35))):
        picture = np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
        picture[:4] = 255 - picture[:4]
        pictures[name] = picture
        cv2.imwrite(str(tmp_path / "photos" / f"{name}.png"), picture[..., ::-1])
    monkeypatch.chdir(tmp_path)
    ended = edgecam("classify", *COMMANDS[maker], "--json", "--top", 0)
    assert (ended.returncode, ended.stderr) == (0, "")
    for row in map(json.loads, ended.stdout.splitlines()):
        expected = made.expected(pictures[row["picture"].removeprefix("photos/").removesuffix(".png")])
        scores = {score["index"]: score["score"] for score in row["scores"]}
        assert [scores[place] for place in range(len(expected))] == pytest.approx(expected, abs=0.01)
