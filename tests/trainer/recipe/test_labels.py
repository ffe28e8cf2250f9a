"""What the folders of photographs become."""

from __future__ import annotations

import pytest

from trainer.recipe.labels import Labels, labels_of


def test_background_is_one_more_label() -> None:
    assert labels_of(["cat", "dog"], "visit", "auto") == Labels(("cat", "dog", "background"), (0, 1), ("background",))


@pytest.mark.parametrize("name", ["nothing", "None", "background", "Unknown"])
def test_a_folder_of_nothing_becomes_background(name: str) -> None:
    labels = labels_of(["cat", name, "zebra"], "visit", "auto")
    assert labels == Labels(("cat", "zebra", "background"), (0, 2, 1), ("background",))


def test_nothing_is_an_answer_of_a_state() -> None:
    labels = labels_of(["bin", "nothing", "unknown"], "state", "auto")
    assert labels == Labels(("bin", "nothing", "background"), (0, 1, 2), ("background",))


def test_without_generic_pictures_folders_stay_what_they_are() -> None:
    assert labels_of(["cat", "nothing"], "visit", "none") == Labels(("cat", "nothing"), (0, 1), ("nothing",))
    assert labels_of(["cat", "nothing"], "state", "none") == Labels(("cat", "nothing"), (0, 1), ())
    assert labels_of(["cat", "dog"], "visit", "none").background is None
